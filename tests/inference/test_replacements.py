"""Models of others in exactly the formats they are published in, tiny and random, from folders on this machine."""

import json
import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from transformers import (
    AutoModel,
    DebertaV2Config,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
    RobertaModel,
)

from app.config import Settings, get_settings
from app.inference import encoders
from app.inference.catalogue import Model, models
from app.inference.replacements import ModelUnavailable, desklib_detector, emotion_classifier, sentence_encoder
from app.learning.satisfaction.static import GROUPS, LABELS
from tests.hub import COMMIT, hub_of
from tests.published import SIZES, build_desklib, word_tokenizer

TEXTS = ["the cat sat on the mat", "the cat", "dog"]


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerFast:
    return word_tokenizer()


@pytest.fixture
def styledistance(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> Path:
    """sentence-transformers: RoBERTa at the root, mean pooling beside it."""
    torch.manual_seed(0)
    RobertaModel(RobertaConfig(**SIZES), add_pooling_layer=False).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    parts = [("0", "", "Transformer"), ("1", "1_Pooling", "Pooling")]
    modules = [{"idx": int(i), "name": i, "path": p, "type": f"sentence_transformers.models.{t}"} for i, p, t in parts]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True}
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return tmp_path


@pytest.fixture
def desklib(tmp_path: Path) -> Path:
    return build_desklib(tmp_path)


@pytest.fixture
def classifier(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> Callable[..., Path]:
    """`classifier("joy", "anger", "neutral", problem="multi_label_classification")`."""

    def save(*labels: str, problem: str | None = None) -> Path:
        torch.manual_seed(0)
        config = RobertaConfig(**SIZES, id2label=dict(enumerate(labels)), problem_type=problem)
        RobertaForSequenceClassification(config).save_pretrained(tmp_path)
        tokenizer.save_pretrained(tmp_path)
        return tmp_path

    return save


@torch.no_grad()
def test_a_sentence_encoder_gives_unit_rows_of_mean_pooled_tokens(
    styledistance: Path, tokenizer: PreTrainedTokenizerFast
) -> None:
    rows = sentence_encoder(str(styledistance), "IDIOLECT_STYLE_MODEL", "cpu")(TEXTS)
    model = RobertaModel.from_pretrained(styledistance, add_pooling_layer=False).eval()
    states = model(**tokenizer(TEXTS[0], return_tensors="pt", return_token_type_ids=False)).last_hidden_state
    expected = nn.functional.normalize(states[0].mean(0), dim=0)
    assert torch.allclose(rows[0], expected, atol=1e-5)
    assert torch.allclose(rows.norm(dim=-1), torch.ones(3), atol=1e-5)


def test_a_sentence_encoder_takes_no_texts_and_empty_ones(styledistance: Path) -> None:
    encode = sentence_encoder(str(styledistance), "IDIOLECT_STYLE_MODEL", "cpu")
    assert encode([]).shape == (0, 16)
    assert encode([""]).isfinite().all()


@torch.no_grad()
def test_desklibs_format_is_mean_pooling_and_one_logit_for_machine(
    desklib: Path, tokenizer: PreTrainedTokenizerFast
) -> None:
    p_human = desklib_detector(str(desklib), "IDIOLECT_DETECTOR_MODEL", "cpu")
    values = p_human([*TEXTS, ""])
    weights = load_file(desklib / "model.safetensors")
    body = AutoModel.from_config(DebertaV2Config.from_pretrained(desklib)).eval()
    body.load_state_dict({n.removeprefix("model."): x for n, x in weights.items() if n.startswith("model.")})
    states = body(**tokenizer(TEXTS[0], return_tensors="pt", return_token_type_ids=False)).last_hidden_state
    logit = states[0].mean(0) @ weights["classifier.weight"][0] + weights["classifier.bias"][0]
    assert values[0].item() == pytest.approx(1 - logit.sigmoid().item(), abs=1e-5)
    assert torch.allclose(p_human(TEXTS[1:2]), values[1:2], atol=1e-5), "padding must not be pooled"
    assert ((values > 0) & (values < 1)).all()
    assert p_human([]).shape == (0,)


@torch.no_grad()
def test_a_classifier_that_gives_several_labels_is_folded_into_groups(
    classifier: Callable[..., Path], tokenizer: PreTrainedTokenizerFast
) -> None:
    folder = classifier(*LABELS, problem="multi_label_classification")
    groups_N_4 = emotion_classifier(str(folder), "IDIOLECT_SATISFACTION_MODEL", "cpu")(TEXTS)
    model = RobertaForSequenceClassification.from_pretrained(folder).eval()
    said = model(**tokenizer(TEXTS[0], return_tensors="pt", return_token_type_ids=False)).logits[0].sigmoid()
    of_group = {
        "displeased": said[:11].sum(),
        "neutral": said[11],
        "ambiguous": said[12:16].sum(),
        "pleased": said[16:].sum(),
    }
    expected = torch.stack([of_group[group] for group in GROUPS]) / said.sum()
    assert torch.allclose(groups_N_4[0], expected, atol=1e-5)
    assert torch.allclose(groups_N_4.sum(-1), torch.ones(3), atol=1e-5)


@pytest.mark.parametrize(
    "labels", [("negative", "neutral", "positive"), ("NEG", "POS"), ("1 star", "3 stars", "5 stars")]
)
def test_moods_and_stars_are_understood(classifier: Callable[..., Path], labels: tuple[str, ...]) -> None:
    groups_N_4 = emotion_classifier(str(classifier(*labels)), "IDIOLECT_SATISFACTION_MODEL", "cpu")(TEXTS)
    assert torch.allclose(groups_N_4.sum(-1), torch.ones(3), atol=1e-5)
    assert (groups_N_4[:, [0, -1]] > 0).all()


@pytest.mark.parametrize(
    ("labels", "words"),
    [(("LABEL_0", "LABEL_1"), "LABEL_0, LABEL_1"), (("joy", "love"), "no difference between pleased and displeased")],
)
def test_labels_that_tell_no_mood_are_refused(
    classifier: Callable[..., Path], labels: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ModelUnavailable, match=words) as problem:
        emotion_classifier(str(classifier(*labels)), "IDIOLECT_SATISFACTION_MODEL", "cpu")
    assert "unset IDIOLECT_SATISFACTION_MODEL" in problem.value.remedy


def test_weights_of_another_format_are_refused(styledistance: Path) -> None:
    with pytest.raises(ModelUnavailable, match="not those of Desklib's format"):
        desklib_detector(str(styledistance), "IDIOLECT_DETECTOR_MODEL", "cpu")


def test_pickled_weights_are_never_read(desklib: Path) -> None:
    torch.save(load_file(desklib / "model.safetensors"), desklib / "pytorch_model.bin")
    (desklib / "model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match="IDIOLECT_DETECTOR_MODEL cannot be used"):
        desklib_detector(str(desklib), "IDIOLECT_DETECTOR_MODEL", "cpu")


def test_a_name_that_is_no_folder_and_no_hub_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="neither a folder on this machine nor a hub id"):
        sentence_encoder(str(tmp_path / "nowhere"), "IDIOLECT_STYLE_MODEL", "cpu")


def test_models_of_a_hub_are_fetched_without_pickles(
    styledistance: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (styledistance / "pytorch_model.bin").write_bytes(b"never")
    named, here = {"owner/style": styledistance}, sentence_encoder(str(styledistance), "IDIOLECT_STYLE_MODEL", "cpu")
    with hub_of(named, monkeypatch, tmp_path_factory.mktemp("hub")) as asked:
        fetched = sentence_encoder("owner/style", "IDIOLECT_STYLE_MODEL", "cpu")
        with pytest.raises(ModelUnavailable, match="'owner/nothing' could not be fetched") as missing:
            desklib_detector("owner/nothing", "IDIOLECT_DETECTOR_MODEL", "cpu")
    assert torch.equal(fetched(TEXTS), here(TEXTS))
    assert any(path.endswith("1_Pooling/config.json") for path in asked)
    assert not any(path.endswith(".bin") for path in asked)
    assert "Correct IDIOLECT_DETECTOR_MODEL" in missing.value.remedy


def test_a_revision_of_a_hub_model_is_pinned_and_found_again(
    styledistance: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(name: str) -> Model:
        return next(
            model for model in models(settings.model_copy(update={"style_model": name})) if model.kind == "encoder"
        )

    pinned = f"owner/style@{COMMIT}"
    with hub_of({"owner/style": styledistance}, monkeypatch, tmp_path_factory.mktemp("hub")) as asked:
        assert not told(pinned).is_on_disk
        sentence_encoder(pinned, "IDIOLECT_STYLE_MODEL", "cpu")
        assert any(path.startswith("/api/models/owner/style/") and COMMIT in path for path in asked)
        assert (told(pinned).source, told(pinned).is_on_disk) == (pinned, True)
        assert told(pinned).sha256 == sha256((styledistance / "model.safetensors").read_bytes()).hexdigest()
        assert not told("owner/style@another").is_on_disk


def test_detectors_and_classifiers_come_from_a_hub_too(
    desklib: Path,
    classifier: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    detector = tmp_path_factory.mktemp("detector")
    shutil.copytree(desklib, detector, dirs_exist_ok=True)
    moods = classifier("negative", "neutral", "positive")  # overwrites what lay there
    named = {"owner/detector": detector, "owner/moods": moods}
    with hub_of(named, monkeypatch, tmp_path_factory.mktemp("hub")):
        human = desklib_detector("owner/detector", "IDIOLECT_DETECTOR_MODEL", "cpu")
        read = emotion_classifier("owner/moods", "IDIOLECT_SATISFACTION_MODEL", "cpu")
    assert torch.equal(human(TEXTS), desklib_detector(str(detector), "IDIOLECT_DETECTOR_MODEL", "cpu")(TEXTS))
    assert read(TEXTS).shape == (3, 4)


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, Path], None]]:
    """Puts a folder into a setting."""

    def choose(setting: str, folder: Path) -> None:
        monkeypatch.setenv(setting, str(folder))
        get_settings.cache_clear()

    yield choose
    monkeypatch.undo()
    get_settings.cache_clear()


def test_settings_put_them_in_place_of_what_ships(
    chosen: Callable[[str, Path], None], styledistance: Path, tmp_path: Path
) -> None:
    chosen("IDIOLECT_STYLE_MODEL", styledistance)
    assert encoders.style_encoder()(["the cat"]).shape == (1, 16)
    assert encoders.style_encoder() is encoders.style_encoder()
    together = encoders.voice_encoder()(["the cat", "tea"])
    assert together.shape[1] > 16
    assert torch.allclose(together.norm(dim=-1), torch.ones(2))


def test_a_replaced_detector_answers(chosen: Callable[[str, Path], None], desklib: Path) -> None:
    chosen("IDIOLECT_DETECTOR_MODEL", desklib)
    assert encoders.human_scorer()(TEXTS).shape == (3,)


def test_a_replaced_classifier_reads_replies(
    chosen: Callable[[str, Path], None], classifier: Callable[..., Path]
) -> None:
    chosen("IDIOLECT_SATISFACTION_MODEL", classifier("negative", "neutral", "positive"))
    displeased, neither, pleased = encoders.mood_reader()(["the cat"])[0].tolist()
    assert encoders.satisfaction_scorer()(["the cat"])[0].item() == pytest.approx(pleased + neither / 2, abs=1e-5)
    assert displeased > 0
