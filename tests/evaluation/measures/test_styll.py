"""STYLL's measures where their values are known without computing."""

import math

import pytest
import torch
from torch import Tensor

from app.evaluation.measures.styll import Transfer, author, transfer


def at(degrees: float) -> Tensor:
    return torch.tensor([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])


SOURCE, TARGET = at(0), at(60)


def test_output_that_is_the_source_went_nowhere_and_kept_everything() -> None:
    found = transfer(SOURCE, SOURCE, TARGET, kept=1.0, alike=0.2)
    assert found == pytest.approx(Transfer(0.0, 0.0, 1.0))  # type: ignore[arg-type]
    assert found.joint == 0.0


def test_output_that_is_the_target_arrived_and_kept_nothing() -> None:
    found = transfer(TARGET, SOURCE, TARGET, kept=0.2, alike=0.2)
    assert (found.away, found.towards, found.sim) == pytest.approx((1.0, 1.0, 0.0), abs=1e-6)
    assert found.joint == pytest.approx(0.0)


def test_half_way_by_angle() -> None:
    # asim = 1 - angle / 180: the source is at 2/3 of the target, half way at 5/6. Sim: (.6 - .2) / (1 - .2).
    found = transfer(at(30), SOURCE, TARGET, kept=0.6, alike=0.2)
    assert found.away == pytest.approx(0.5)
    assert found.towards == pytest.approx((11 / 12 - 5 / 6) / (1 - 5 / 6))
    assert found.sim == pytest.approx(0.5)
    assert found.joint == pytest.approx(math.sqrt(math.sqrt(0.5 * 0.5) * 0.5))


def test_away_from_both_counts_as_away_only() -> None:
    found = transfer(at(-60), SOURCE, TARGET, kept=1.0, alike=0.0)
    assert (found.away, found.towards) == pytest.approx((1.0, 0.0), abs=1e-6)


def test_one_author_cannot_be_turned_into_themselves() -> None:
    assert transfer(SOURCE, SOURCE, SOURCE, kept=1.0, alike=1.0) == Transfer(0.0, 0.0, 0.0)


def test_an_author_is_the_direction_of_all_their_texts() -> None:
    assert author(torch.stack([at(0), at(90)])).tolist() == pytest.approx(at(45).tolist())
