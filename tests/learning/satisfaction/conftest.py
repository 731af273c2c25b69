"""Features small enough to be understood, and traces to learn from."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from app.learning.satisfaction.features import PairFeatures, pair_features
from app.learning.satisfaction.traces import REPLY, Trace


def letters(texts: Sequence[str]) -> Tensor:
    """A sentence encoder: which letters, how often; unit rows."""
    rows = torch.tensor([[text.lower().count(letter) + 0.01 for letter in "aeiou"] for text in texts])
    return torch.nn.functional.normalize(rows, dim=-1)


def habits(texts: Sequence[str]) -> list[list[float]]:
    return [
        [min(text.count("!"), 3.0), float("😊" in text), float(text == text.lower()), len(text.split()) / 10]
        for text in texts
    ]


@pytest.fixture
def features() -> PairFeatures:
    return pair_features(letters, habits)


@pytest.fixture
def make_trace() -> Callable[..., Trace]:
    def make(output: str = "See you soon, at the station.", static: float = 0.9, reply: int = 1, **given: Any) -> Trace:
        values = {
            "id": f"trace-{reply}-{output}",
            "prompt": "I will see you soon at the station.",
            "doubt": 0.5,
            "confidence": 1.0,
            "origin": REPLY,
            "score": static,
        }
        return Trace(output=output, static=static, reply=reply, **(values | given))

    return make
