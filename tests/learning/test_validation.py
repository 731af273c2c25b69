from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from app.learning.validation import Between, InvalidConfig, overlaid


@dataclass(frozen=True)
class Config:
    steps: Annotated[int, Between(1, 10)] = 2
    rate: Annotated[float, Between(0.0, 1.0)] = 0.5
    high: Annotated[float, Between(0.1, 1.0)] | None = None
    kind: Literal["each", "set"] = "each"
    fast: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind == "set" and self.steps < 2:
            raise InvalidConfig("steps", "sets need two steps")


def test_what_is_said_replaces_what_was_there():
    config = overlaid("config.rl", Config(), {"steps": 3, "rate": 1, "high": 0.3, "kind": "set", "fast": True})
    assert config == Config(3, 1, 0.3, "set", fast=True)
    assert overlaid("config.rl", config, {"high": None}).high is None
    assert overlaid("config.rl", config, {}) == config


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"stepz": 3}, "stepz", "there are steps, rate"),
        ({"steps": 0}, "steps", "between 1 and 10"),
        ({"steps": 11}, "steps", "between 1 and 10"),
        ({"steps": 2.0}, "steps", "a whole number"),
        ({"steps": True}, "steps", "a whole number"),
        ({"steps": None}, "steps", "a whole number"),
        ({"rate": "fast"}, "rate", "a number"),
        ({"rate": float("nan")}, "rate", "between 0 and 1"),
        ({"rate": float("inf")}, "rate", "between 0 and 1"),
        ({"high": 2}, "high", "between 0.1 and 1, or null"),
        ({"high": "x"}, "high", "a number, or null"),
        ({"kind": "all"}, "kind", "'each' or 'set'"),
        ({"kind": ["each"]}, "kind", "'each' or 'set'"),
        ({"fast": 1}, "fast", "true or false"),
        ({"seed": "1"}, "seed", "a whole number"),
        ({"kind": "set", "steps": 1}, "steps", "two steps"),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(values, field, words):
    with pytest.raises(InvalidConfig, match=words) as error:
        overlaid("config.rl", Config(), values)
    assert error.value.field == f"config.rl.{field}"
