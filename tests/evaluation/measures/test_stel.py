"""STEL and STEL-or-Content against cases worked out by hand, with an encoder that looks its vectors up."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from app.evaluation.measures.stel import Task, read, stel, stel_or_content

Lookup = Callable[[dict[str, float]], Callable[[Sequence[str]], Tensor]]


@pytest.fixture
def at_degrees() -> Lookup:
    """Texts to unit vectors at these angles in a plane: the cosine is that of the difference."""

    def make(degrees: dict[str, float]) -> Callable[[Sequence[str]], Tensor]:
        def encode(texts: Sequence[str]) -> Tensor:
            angles = [math.radians(degrees[text]) for text in texts]
            return torch.tensor([[math.cos(angle), math.sin(angle)] for angle in angles])

        return encode

    return make


TASK = Task("formality", ("a1", "a2"), ("s1", "s2"))


@pytest.mark.parametrize(
    ("degrees", "right"),
    [
        pytest.param({"a1": 0, "a2": 90, "s1": 10, "s2": 80}, 1.0, id="each nearer to its own"),
        pytest.param({"a1": 0, "a2": 90, "s1": 80, "s2": 10}, 0.0, id="the wrong way round"),
        pytest.param({"a1": 0, "a2": 90, "s1": 45, "s2": 45}, 0.5, id="undecided"),
        # sqrt((1-cos 60)^2 + (1-cos 0)^2) = .5, sqrt((1-cos 20)^2 + (1-cos 40)^2) = .24
        pytest.param({"a1": 0, "a2": 20, "s1": 60, "s2": 20}, 0.0, id="both errors count together"),
    ],
)
def test_alternatives_go_to_anchors_by_the_smaller_distance(
    at_degrees: Lookup, degrees: dict[str, float], right: float
) -> None:
    assert stel([TASK], at_degrees(degrees)) == [right]


@pytest.mark.parametrize(
    ("degrees", "right"),
    [
        pytest.param({"a1": 0, "a2": 40, "s1": 30, "s2": 0}, 1.0, id="same style is nearer than same content"),
        pytest.param({"a1": 0, "a2": 30, "s1": 40, "s2": 0}, 0.0, id="same content is nearer"),
    ],
)
def test_style_must_win_over_content(at_degrees: Lookup, degrees: dict[str, float], right: float) -> None:
    assert stel_or_content([TASK], at_degrees(degrees)) == [right]


def test_an_alternative_that_belongs_to_the_second_anchor_is_read_as_such(tmp_path: Path) -> None:
    row = {
        "anchor1": "a1",
        "anchor2": "a2",
        "alternative1": "s2",
        "alternative2": "s1",
        "correct": 2,
        "style": "formality",
    }
    (tmp_path / "formal.jsonl").write_text(json.dumps(row) + "\n")
    assert read(tmp_path) == [TASK]
