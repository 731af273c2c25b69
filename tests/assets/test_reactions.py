"""What the satisfaction scorer learns from, and that it never learns what it is tested on."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from app.assets.build import reactions
from app.assets.build.corpora import rows
from app.assets.build.remarks import DISPLEASED, NEITHER, PLEASED, remark

LABELS = {PLEASED, NEITHER, DISPLEASED}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    comments = [("I love [NAME]", ["love"]), ("No way!", ["surprise", "anger"]), ("The shop is open.", ["neutral"])]
    write(tmp_path / "goemotions" / "train.jsonl", [{"text": text, "labels": labels} for text, labels in comments])
    for source in ("nytEditorialSnippets", "amazonReviewSnippets", "movieReviewSnippets", "tweets"):
        ratings: list[dict[str, object]] = [{"text": f"{source} {place}", "rating": place - 2} for place in range(5)]
        write(tmp_path / "rated_sentiment" / f"{source}.jsonl", ratings)
    return tmp_path


def write(path: Path, lines: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def test_no_message_is_one_that_is_tested() -> None:
    learned, held_out = reactions.messages(seed=0)
    tested = {reactions.folded(str(row["text"])) for row in rows(reactions.TEST_MESSAGES)}
    assert len(tested) >= 150
    assert len(held_out) == reactions.HELD_OUT_MESSAGES
    assert not set(learned) & set(held_out)
    assert {label for _, label in learned} == LABELS
    assert not {reactions.folded(text) for text, _ in learned + held_out} & tested


def test_case_marks_and_spacing_do_not_make_another_message() -> None:
    assert reactions.folded("It's  TOO stiff!!") == reactions.folded("its too stiff") != reactions.folded("it's stiff")


def test_a_file_with_a_tested_message_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tested = json.loads(reactions.TEST_MESSAGES.read_text(encoding="utf-8").splitlines()[0])
    write(tmp_path / "training.jsonl", [{"text": tested["text"].upper(), "label": tested["label"]}])
    monkeypatch.setattr(reactions, "MESSAGES", tmp_path / "training.jsonl")
    with pytest.raises(ValueError, match="take them out"):
        reactions.messages(seed=0)


def test_remarks_are_filled_in_and_hardly_ever_labelled_both_ways() -> None:
    rng = random.Random(0)
    made = [remark(rng) for _ in range(3000)]
    assert {label for _, label in made} == LABELS
    assert not [text for text, _ in made if "{" in text or "}" in text or not text.strip()]
    labels: dict[str, set[str]] = {}
    for text, label in made:
        labels.setdefault(text, set()).add(label)
    assert sum(len(both) > 1 for both in labels.values()) <= 0.001 * len(labels)


def test_examples_carry_emotions_or_only_a_mood(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reactions, "TEMPLATES", 10)
    found, comments = reactions.examples(data, seed=0)
    assert comments == 3
    assert found[0].text == "I love Alex"
    assert [example.moods for example in found[:3]] == [(0.0, 0.0, 1.0), (0.5, 0.5, 0.0), (0.0, 1.0, 0.0)]
    assert all(sum(example.moods) == pytest.approx(1.0) for example in found)
    assert not any(example.emotions for example in found[3:])
    learned, _ = reactions.messages(0)
    # A tenth of twenty ratings is held out; every message comes in four spellings; ten are put together.
    assert len(found) == 3 + 18 + (1 + reactions.VARIANTS) * len(learned) + 10
    assert set(Counter(example.weight for example in found)) == {0.3, 0.5, 0.7, 1.0, 1.5}


@pytest.mark.parametrize(
    ("rating", "mood"), [(-4.0, (1, 0, 0)), (0.0, (0, 1, 0)), (1.25, (0, 0.5, 0.5)), (2.5, (0, 0, 1))]
)
def test_a_rating_is_a_share_of_one_mood(rating: float, mood: tuple[float, float, float]) -> None:
    assert reactions.mood_of(rating) == pytest.approx(mood)
