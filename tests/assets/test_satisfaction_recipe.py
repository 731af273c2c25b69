"""The recipe of the satisfaction scorer, whole, on a handful of texts."""

import json
from pathlib import Path

import pytest
import torch

from app.assets.build import reactions, satisfaction
from app.evaluation.artefacts.satisfaction import MESSAGES_BAR, right_messages
from app.inference.encoders import satisfaction_scorer
from app.inference.minilm import MiniLm
from app.inference.moods import FIRST_ADAPTED, PackagedMoods, mood_rows
from app.inference.places import MEANING, package_folder

COMMENTS = [
    ("I love this so much", "love"), ("What a wonderful day", "joy"), ("Thank you, you are kind", "gratitude"),
    ("I hate this so much", "anger"), ("What a terrible day", "sadness"), ("You disgust me", "disgust"),
    ("The shop opens at nine", "neutral"), ("It is a blue car", "neutral"), ("How does that work?", "curiosity"),
]  # fmt: skip
SAID = [("so me", "satisfied"), ("not me", "dissatisfied"), ("back at noon", "neither")]
FIGURES = {
    "goemotions_4_groups_single_label", "goemotions_calibration_error", "tweets_pearson", "messages_held_out",
    "messages_held_out_by_score", "messages_calibration_error", "temperature_emotions", "temperature_reply",
}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for split in ("train", "dev"):
        rows = [{"text": text, "labels": [label]} for text, label in COMMENTS] * 12
        write(tmp_path / "goemotions" / f"{split}.jsonl", rows)
    for source in ("nytEditorialSnippets", "amazonReviewSnippets", "movieReviewSnippets", "tweets"):
        rows = [{"text": text, "rating": rating} for text, rating in (("good", 3.0), ("bad", -3.0), ("day", 0.0))] * 12
        write(tmp_path / "rated_sentiment" / f"{source}.jsonl", rows)
    monkeypatch.setattr(reactions, "TEMPLATES", 30)
    few = SAID * 10
    for module in (reactions, satisfaction):
        monkeypatch.setattr(module, "messages", lambda seed: (few, few))
    return tmp_path


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.mark.slow
def test_it_learns_what_it_is_told_and_writes_what_ships(data: Path, tmp_path: Path) -> None:
    figures = satisfaction.build(data, tmp_path / "out", lambda words: None)
    assert set(figures) == FIGURES
    assert figures["goemotions_4_groups_single_label"] > 0.9
    assert all(value == value for value in figures.values())
    built = PackagedMoods(tmp_path / "out" / "satisfaction" / "scorer.safetensors")
    assert built.groups(["I love this so much", "I hate this so much"]).argmax(-1).tolist() == [3, 0]


@torch.no_grad()
def test_what_is_read_once_goes_through_the_rest_as_if_read_anew() -> None:
    encoder = MiniLm.load(package_folder(MEANING) / "model")
    texts = [text for text, _ in COMMENTS]
    reading, adapter = satisfaction.read(encoder, texts, at_once=4), satisfaction.Adapter(encoder)
    assert reading.states_X_E.shape == (sum(reading.lengths()), 384)
    expected = mood_rows(encoder, texts)
    assert torch.allclose(reading.rows_N_P_E.float(), expected, atol=1e-2)
    # A fresh adapter changes nothing; a trained one only what lies above the frozen layers.
    assert torch.allclose(adapter(reading, range(len(texts))), expected, atol=1e-2)
    torch.nn.init.normal_(adapter.up["3/output/dense"], std=0.1)
    changed = adapter(reading, range(len(texts)))
    frozen = FIRST_ADAPTED - 1
    assert torch.allclose(changed[:, :frozen], expected[:, :frozen], atol=1e-2)
    assert not torch.allclose(changed[:, frozen:], expected[:, frozen:], atol=0.1)
    merged = encoder.merged(adapter.tensors())
    assert torch.allclose(mood_rows(merged, texts), changed, atol=2e-2)


def test_what_ships_hears_the_hand_written_messages() -> None:
    """They were written before it was trained, and none of them is trained on."""
    right = right_messages(satisfaction_scorer())
    assert len(right) == 160
    assert sum(right) / len(right) >= MESSAGES_BAR
