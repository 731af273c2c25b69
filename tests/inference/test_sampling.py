import math
import random

import pytest
import torch
from torch import Tensor

from app.inference.sampling import NUCLEUS_GUESS, Sampler


def sampler(rows: int, *, temperature: float = 1.0, top_p: float = 1.0) -> Sampler:
    return Sampler.new([temperature] * rows, [top_p] * rows, device=torch.device("cpu"))


def chances(rows: int, seed: int = 0) -> list[float]:
    stream = random.Random(seed)
    return [1.0 - stream.random() for _ in range(rows)]


def frequencies(ids: Tensor, words: int) -> Tensor:
    return torch.bincount(ids, minlength=words) / len(ids)


def test_words_come_as_often_as_they_are_likely() -> None:
    logits_V = torch.tensor([0.0, 1.0, -math.inf, 2.0, -1.0])
    ids, logprobs = sampler(20_000, temperature=0.8).draw(logits_V.expand(20_000, -1), chances(20_000))
    expected = (logits_V / 0.8).softmax(-1)
    assert torch.allclose(frequencies(ids, 5), expected, atol=0.015)
    assert torch.allclose(logprobs, expected.log()[ids], atol=1e-5)


def test_temperature_zero_takes_the_likeliest_beside_rows_that_draw() -> None:
    mixed = Sampler.new([0, 5], [1, 1], device=torch.device("cpu"))
    logits = torch.tensor([[0.0, 3.0, 1.0]] * 2)
    drawn = torch.stack([mixed.draw(logits, chances(2, seed))[0] for seed in range(40)])
    assert set(drawn[:, 0].tolist()) == {1}
    assert set(drawn[:, 1].tolist()) == {0, 1, 2}
    assert torch.isclose(mixed.draw(logits, chances(2))[1][0], logits[0].log_softmax(-1)[1])


@pytest.mark.parametrize(("top_p", "kept"), [(0.5, {0}), (0.7, {0, 1}), (0.95, {0, 1, 2}), (1e-9, {0})])
def test_top_p_keeps_the_smallest_sufficient_set(top_p: float, kept: set[int]) -> None:
    logits = torch.tensor([0.6, 0.25, 0.12, 0.03]).log().expand(2_000, -1)
    ids, _ = sampler(2_000, top_p=top_p).draw(logits, chances(2_000))
    assert set(ids.tolist()) == kept


def test_a_nucleus_larger_than_the_guess_is_still_exact() -> None:
    words = 4 * NUCLEUS_GUESS
    ids, _ = sampler(3_000, top_p=0.5).draw(torch.linspace(0, -0.5, words).expand(3_000, -1), chances(3_000))
    probabilities = torch.linspace(0, -0.5, words).softmax(-1)
    size = int((probabilities.cumsum(-1) < 0.5).sum()) + 1
    assert NUCLEUS_GUESS < size <= int(ids.max()) + 3
    assert int(ids.max()) < size


def test_a_row_draws_the_same_whoever_sits_beside_it() -> None:
    logits, drawn = torch.randn(6, 50, generator=torch.Generator().manual_seed(2)), chances(6)
    together = sampler(6).draw(logits, drawn)[0]
    assert torch.equal(together[4:5], sampler(1).draw(logits[4:5], drawn[4:5])[0])


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_row_that_is_no_numbers_is_told_and_disturbs_no_other(bad: float, temperature: float) -> None:
    logits = torch.tensor([[0.0, 1.0], [0.0, bad], [1.0, 0.0]])
    ids, logprobs = sampler(3, temperature=temperature, top_p=0.9).draw(logits, chances(3))
    assert torch.isfinite(logprobs).tolist() == [True, False, True]
    sound = sampler(2, temperature=temperature, top_p=0.9).draw(logits[[0, 2]], chances(3)[::2])[0]
    assert torch.equal(ids[[0, 2]], sound)
