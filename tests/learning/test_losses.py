import math

import pytest
import torch

from app.learning import losses

INF, NAN = float("inf"), float("nan")


def surrogate(new, old, advantage, *, mask=None, clip=0.2, max_tokens=10, **rest):
    mask = torch.ones_like(new) if mask is None else mask
    return losses.policy_gradient(new, old, torch.tensor(advantage), mask, clip=clip, max_tokens=max_tokens, **rest)


def test_nll_of_a_uniform_guess_is_the_log_of_the_vocabulary():
    logprobs = torch.full((2, 3), -math.log(49))
    assert losses.nll(logprobs, torch.ones(2, 3)).value.item() == pytest.approx(math.log(49))


def test_nll_is_a_mean_over_tokens_not_over_rows():
    logprobs = torch.tensor([[-1.0, -1.0, -1.0], [-5.0, 0.0, 0.0]])
    mask = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    assert losses.nll(logprobs, mask).metrics["nll"] == pytest.approx(8 / 4)


@pytest.mark.parametrize("garbage", [INF, -INF, NAN])
def test_what_stands_on_padding_reaches_neither_value_nor_gradient(garbage):
    logprobs = torch.tensor([[-1.0, garbage]], requires_grad=True)
    mask = torch.tensor([[1.0, 0.0]])
    for loss in (
        losses.nll(logprobs, mask),
        surrogate(logprobs, torch.tensor([[-1.0, 0.0]]), [2.0], mask=mask),
    ):
        logprobs.grad = None
        loss.value.backward()
        assert torch.isfinite(loss.value)
        assert logprobs.grad[0, 1] == 0
        assert logprobs.grad[0, 0] != 0


def test_on_policy_the_gradient_is_reinforce_with_a_constant_normaliser():
    logprobs = torch.randn(3, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
    mask = torch.tensor([[1.0] * 5, [1.0] * 5, [1.0, 1.0, 0.0, 0.0, 0.0]])
    surrogate(logprobs, logprobs.detach(), [1.0, -2.0, 0.5], mask=mask, max_tokens=7).value.backward()
    expected = -torch.tensor([1.0, -2.0, 0.5]).unsqueeze(-1) * mask / (7 * 3)
    torch.testing.assert_close(logprobs.grad, expected)


def test_a_long_bad_answer_is_punished_more_than_a_short_one():
    old = torch.zeros(2, 4)
    mask = torch.tensor([[1.0] * 4, [1.0, 0.0, 0.0, 0.0]])
    new = old.clone().requires_grad_()
    surrogate(new, old, [-1.0, -1.0], mask=mask).value.backward()
    assert new.grad[0].sum() == pytest.approx(4 * new.grad[1].sum())


@pytest.mark.parametrize(
    ("log_ratio", "advantage", "moves"),
    [
        (0.1, 1.0, True),
        (0.5, 1.0, False),
        (-0.5, 1.0, True),
        (-0.1, -1.0, True),
        (-0.5, -1.0, False),
        (0.5, -1.0, True),
    ],
)
def test_the_clip_stops_only_what_has_already_gone_far_enough(log_ratio, advantage, moves):
    new = torch.tensor([[log_ratio]], requires_grad=True)
    loss = surrogate(new, torch.zeros(1, 1), [advantage])
    loss.value.backward()
    assert (new.grad.item() != 0) is moves
    assert loss.metrics["clipped"] == (0.0 if moves else 1.0)


def test_clipped_value_in_closed_form():
    new, old = torch.log(torch.tensor([[1.5, 0.9], [0.5, 1.1]])), torch.zeros(2, 2)
    value = surrogate(new, old, [2.0, -1.0], clip=0.2, max_tokens=4).value.item()
    objective = 2.0 * 1.2 + 2.0 * 0.9 + -1.0 * 0.8 + -1.0 * 1.1
    assert value == pytest.approx(-objective / (4 * 2))


def test_micro_batches_add_up_to_the_batch():
    random = torch.Generator().manual_seed(3)
    new, old = torch.randn(6, 4, generator=random), torch.randn(6, 4, generator=random)
    advantages = torch.randn(6, generator=random)
    mask = (torch.rand(6, 4, generator=random) > 0.3).float()

    def part(rows, batch_rows=None):
        return losses.policy_gradient(
            new[rows], old[rows], advantages[rows], mask[rows], clip=0.2, max_tokens=9, batch_rows=batch_rows
        ).value

    whole = part(slice(0, 6))
    torch.testing.assert_close(part(slice(0, 4), 6) + part(slice(4, 6), 6), whole)


def test_kl_is_zero_on_policy_and_the_k3_estimate_off_it():
    old = torch.zeros(1, 2)
    assert surrogate(old, old, [1.0]).metrics["kl"] == 0
    assert surrogate(old + 0.3, old, [1.0]).metrics["kl"] == pytest.approx(math.exp(0.3) - 1 - 0.3, rel=1e-5)
