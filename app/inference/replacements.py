"""Models from a hub in place of the shipped artefacts: a style encoder, a detector, an emotion classifier.

A setting names the folder of one on this machine, or its hub id. Only safetensors are read, and no code that comes with
a model is ever run: what a format needs beyond transformers' own classes (Desklib's head) is written here.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from app.errors import AppError
from app.inference import hub
from app.learning.satisfaction.static import EMOTIONS, GROUPS
from app.learning.types import Encoder

FILES: Final = ["*.json", "*.safetensors", "*.txt", "*.model", "*/config.json"]
LONGEST: Final = 512
"""Tokens read of a text."""
ROWS_AT_ONCE: Final = 32
SYNONYMS: Final = {
    "positive": "pleased", "pos": "pleased", "happy": "pleased", "happiness": "pleased", "satisfied": "pleased",
    "negative": "displeased", "neg": "displeased", "sad": "displeased", "dissatisfied": "displeased",
    "neither": "neutral",
}  # fmt: skip
"""Labels of classifiers that tell three moods or few emotions; the 28 of GoEmotions are known by their own names."""

Scores = Callable[[Sequence[str]], Tensor]


class ModelUnavailable(AppError):
    status = 500
    type = "model-unavailable"
    title = "A model that the settings name cannot be used"


def sentence_encoder(source: str, setting: str, device: str) -> Encoder:
    """A sentence-transformers model, such as StyleDistance (RoBERTa, mean pooling); a bare encoder is mean-pooled."""
    folder = _folder(source, setting)
    with _readable(source, setting):
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(folder), device=device, model_kwargs={"use_safetensors": True})

    def encode(texts: Sequence[str]) -> Tensor:
        options = {"normalize_embeddings": True, "show_progress_bar": False, "convert_to_tensor": True}
        # The library gives no tensor for no texts, so there is always one.
        rows: Tensor = model.encode([*(text or "." for text in texts), "."], batch_size=ROWS_AT_ONCE, **options)
        return rows[: len(texts)].float().cpu().clone()

    return encode


class DesklibDetector(nn.Module):
    """Desklib's format: any encoder under `model.`, mean pooling over the tokens, a linear layer `classifier`."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        from transformers import AutoModel

        self.model = AutoModel.from_config(config, trust_remote_code=False)
        self.classifier = nn.Linear(config.hidden_size, 1)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """P(machine) [N]."""
        states_N_T_E = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask_N_T_1 = attention_mask.unsqueeze(-1).to(states_N_T_E.dtype)
        pooled_N_E = (states_N_T_E * mask_N_T_1).sum(1) / mask_N_T_1.sum(1).clamp(min=1e-9)
        p_machine: Tensor = self.classifier(pooled_N_E).squeeze(-1).sigmoid()
        return p_machine


def desklib_detector(source: str, setting: str, device: str) -> Scores:
    """Texts to P(human) [N]."""
    folder = _folder(source, setting)
    with _readable(source, setting):
        from transformers import AutoConfig, AutoTokenizer

        weights: dict[str, Tensor] = {}
        for path in sorted(folder.glob("*.safetensors")):
            weights |= load_file(path)
        model = DesklibDetector(AutoConfig.from_pretrained(folder))
        # Position numbers are made anew by some versions of a class and saved by others; nothing else may be missing.
        missing, unknown = model.load_state_dict({name: x.float() for name, x in weights.items()}, strict=False)
        if wrong := [name for name in (*missing, *unknown) if not name.endswith("position_ids")]:
            raise ValueError(f"its weights are not those of Desklib's format: {', '.join(wrong[:3])} …")
        model = model.eval().to(device)
        tokenizer = AutoTokenizer.from_pretrained(folder)
    return _batched(lambda texts: 1 - model(**_tokenised(tokenizer, texts, device)), ())


def emotion_classifier(source: str, setting: str, device: str) -> Scores:
    """Texts to P of each of GROUPS [N, 4], by a sequence classifier whose labels say what they mean.

    GoEmotions' 28 labels, three moods, or stars. Probabilities of a group are added up; those of a classifier that may
    give several labels at once are made to sum to one.
    """
    folder = _folder(source, setting)
    with _readable(source, setting):
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        model = AutoModelForSequenceClassification.from_pretrained(folder, use_safetensors=True).eval().to(device)
        labels_L_4 = _labels(model.config.id2label)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        many = model.config.problem_type == "multi_label_classification"

    def groups(texts: Sequence[str]) -> Tensor:
        logits_N_L = model(**_tokenised(tokenizer, texts, device)).logits.float().cpu()
        groups_N_4 = (logits_N_L.sigmoid() if many else logits_N_L.softmax(-1)) @ labels_L_4
        shares_N_4: Tensor = groups_N_4 / groups_N_4.sum(-1, keepdim=True).clamp(min=1e-9)
        return shares_N_4

    return _batched(groups, (len(GROUPS),))


def _labels(id2label: dict[int, str]) -> Tensor:
    """Which group each label is of [L, 4]. Raises ValueError for labels that say nothing, or only one thing."""
    by_label = {label: group for group, labels in EMOTIONS.items() for label in labels} | SYNONYMS
    rows = torch.zeros(len(id2label), len(GROUPS))
    unknown = []
    for place, label in id2label.items():
        name = str(label).strip().lower()
        group = by_label.get(name) or _stars(name)
        if group is None:
            unknown.append(str(label))
        else:
            rows[int(place), GROUPS.index(group)] = 1.0
    if unknown:
        raise ValueError(f"nobody knows what its labels {', '.join(unknown[:3])} mean; emotions or moods are needed")
    if not (rows[:, 0].any() and rows[:, -1].any()):
        raise ValueError("its labels tell no difference between pleased and displeased")
    return rows


def _stars(name: str) -> str | None:
    match = re.fullmatch(r"([1-5]) stars?", name)
    return None if match is None else ("displeased", "displeased", "neutral", "pleased", "pleased")[int(match[1]) - 1]


def _tokenised(tokenizer: Any, texts: Sequence[str], device: str) -> dict[str, Tensor]:
    said = [text if text.strip() else "." for text in texts]
    found = tokenizer(said, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
    return {name: found[name].to(device) for name in ("input_ids", "attention_mask")}


def _batched(score: Scores, shape: tuple[int, ...]) -> Scores:
    """`shape` of a text's scores, so that no texts have none of the right form."""

    @torch.inference_mode()
    def scores(texts: Sequence[str]) -> Tensor:
        starts = range(0, len(texts), ROWS_AT_ONCE)
        parts = [score(texts[start : start + ROWS_AT_ONCE]).float().cpu().clone() for start in starts]
        return torch.cat([torch.zeros(0, *shape), *parts])

    return scores


def _folder(source: str, setting: str) -> Path:
    try:
        return hub.local(source, setting) or hub.fetched(source, FILES)
    except hub.NotFound as error:
        raise ModelUnavailable(
            str(error),
            remedy=f"Correct {setting}, check the network, or unset it for the model that comes with Idiolect.",
        ) from error


@contextmanager
def _readable(source: str, setting: str) -> Iterator[None]:
    """What libraries raise for files that are missing, torn or of another format, said in one way."""
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise ModelUnavailable(
            f"the model {source!r} of {setting} cannot be used: {hub.first_line(error)}",
            remedy=f"Name one of the format that the README tells, or unset {setting}.",
        ) from error
