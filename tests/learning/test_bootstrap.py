import math

import pytest
import torch

from app.learning.bootstrap import interval


def test_it_agrees_with_the_normal_interval_on_many_values():
    values = torch.randn(400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = interval(values.tolist(), level=0.90)
    half = 1.645 * values.std().item() / math.sqrt(400)
    assert found.mean == pytest.approx(values.mean().item())
    assert found.low == pytest.approx(found.mean - half, abs=0.015)
    assert found.high == pytest.approx(found.mean + half, abs=0.015)


def test_a_higher_level_is_wider_and_a_seed_is_repeatable():
    values = [0.1, 0.5, -0.2, 0.9, 0.3]
    ninety, ninety_five = interval(values, level=0.90, seed=1), interval(values, level=0.95, seed=1)
    assert ninety_five.low < ninety.low < ninety.mean < ninety.high < ninety_five.high
    assert ninety == interval(values, level=0.90, seed=1)


def test_equal_values_are_certain_and_nans_are_left_out():
    found = interval([0.25, float("nan"), 0.25], level=0.9)
    assert (found.mean, found.low, found.high) == (0.25, 0.25, 0.25)


def test_without_values_nothing_is_known():
    assert math.isnan(interval([float("nan")], level=0.9).low)
