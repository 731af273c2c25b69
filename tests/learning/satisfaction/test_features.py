import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from app.learning.satisfaction import features as module
from app.learning.satisfaction.features import EMBEDDING_SCALE, pair_features


def test_habits_embedding_and_relation_stand_side_by_side() -> None:
    asked: list[str] = []

    def encode(texts: Sequence[str]) -> Tensor:
        asked.extend(texts)
        return torch.tensor([[1.0, 0.0] if "a" in text else [0.0, 1.0] for text in texts])

    features = pair_features(encode, lambda texts: [[float(len(text))] for text in texts])
    rows = features(["a b", "a b"], ["a", "x x x x"])
    short = [1.0, EMBEDDING_SCALE, 0.0, 1.0, math.log(1 / 2), -2.0]
    long = [7.0, 0.0, EMBEDDING_SCALE, 0.0, math.log(2), math.log(4) - 2.5]
    assert rows.tolist() == [pytest.approx(short), pytest.approx(long)]
    features(["a b"], ["a"])
    assert sorted(asked) == ["a", "a b", "x x x x"], "each text is encoded once"


def test_the_memory_of_texts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    asked: list[str] = []

    def encode(texts: Sequence[str]) -> Tensor:
        asked.extend(texts)
        return torch.ones(len(texts), 1)

    features = pair_features(encode, lambda texts: [[0.0] for _ in texts])
    for text in "abca":
        features([text], [text])
    assert asked == ["a", "b", "c", "a"]


def test_an_empty_output_has_features(features: module.PairFeatures) -> None:
    assert features(["Hello."], [""]).isfinite().all()
