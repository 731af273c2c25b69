"""The crossed bootstrap: closed forms of the figures, and that its width answers to both seeds and inputs."""

import math

import pytest
import torch

from app.evaluation.measures.intervals import crossed, entropy, mean, perplexity


def test_a_constant_has_no_width() -> None:
    found = mean(torch.full((3, 8), 0.25))
    assert (found.mean, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))


def test_seeds_that_disagree_widen_what_inputs_agree_on() -> None:
    alike = mean(torch.tensor([[0.5] * 20] * 3))
    apart = mean(torch.tensor([[0.2] * 20, [0.5] * 20, [0.8] * 20]))
    assert alike.mean == pytest.approx(apart.mean)
    assert apart.low < 0.35
    assert apart.high > 0.65


def test_inputs_widen_it_too() -> None:
    found = mean(torch.tensor([[0.0, 1.0] * 10]))
    assert 0.2 < found.low < 0.4
    assert 0.6 < found.high < 0.8


def test_entropy_is_taken_per_seed() -> None:
    """Two trainings that each kept one voice have not kept two."""
    one_voice_each = torch.tensor([[[1.0, 0.0]] * 6, [[0.0, 1.0]] * 6])
    both_voices = torch.tensor([[[1.0, 0.0], [0.0, 1.0]] * 3] * 2)
    assert crossed(one_voice_each, entropy).mean == pytest.approx(0.0)
    assert crossed(both_voices, entropy).mean == pytest.approx(math.log(2))


def test_perplexity_is_that_of_the_mean() -> None:
    log_likelihood = torch.tensor([[[-1.0], [-3.0]]])
    assert crossed(log_likelihood, perplexity).mean == pytest.approx(math.e**2)


def test_missing_values_are_left_out() -> None:
    found = mean(torch.tensor([[0.5, math.nan, 0.5, 0.5]]))
    assert (found.mean, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    assert math.isnan(mean(torch.full((1, 3), math.nan)).mean)
