import math

import pytest
import torch

from app.learning import losses

INF, NAN = float("inf"), float("nan")


def surrogate(new, old, advantage, *, mask=None, weights=None, clip=0.2, **rest):
    mask = torch.ones_like(new) if mask is None else mask
    weights = losses.row_weights(mask, "constant", max_tokens=10) if weights is None else weights
    return losses.policy_gradient(new, old, torch.tensor(advantage), mask, weights, clip=clip, **rest)


def random_batch(seed, rows=6, tokens=4):
    random = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, tokens + 1, (rows, 1), generator=random)
    mask = (torch.arange(tokens) < lengths).float()
    new, old = (torch.randn(rows, tokens, generator=random) for _ in range(2))
    return new * mask, old * mask, torch.randn(rows, generator=random), mask


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
    old, weights = torch.tensor([[-1.1, 0.0]]), torch.ones(1)
    for loss in (
        losses.nll(logprobs, mask),
        surrogate(logprobs, old, [2.0], mask=mask),
        losses.sequence_policy_gradient(logprobs, old, torch.tensor([2.0]), mask, weights, clip=1.0),
        losses.double_average(logprobs, old, torch.ones(1, 2), mask, weights, ratio="arithmetic"),
        losses.double_average(logprobs, old, torch.ones(1, 2), mask, weights, ratio="geometric"),
        losses.divergence(logprobs, old, mask, weights),
        losses.squared_error(logprobs, old, old, mask, weights, clip=0.2),
    ):
        logprobs.grad = None
        loss.value.backward()
        assert torch.isfinite(loss.value)
        assert logprobs.grad[0, 1] == 0
        assert logprobs.grad[0, 0] != 0


def test_imitation_weighs_rows_whatever_their_length():
    logprobs = torch.tensor([[-1.0, -3.0, -2.0], [-5.0, 0.0, 0.0]])
    mask = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    loss = losses.imitation(logprobs, mask, torch.tensor([0.5, 0.25]))
    assert loss.value.item() == pytest.approx(0.5 * 2 + 0.25 * 5)
    assert loss.metrics["nll"] == pytest.approx(11 / 4)


def test_on_policy_the_gradient_is_reinforce_with_a_constant_normaliser():
    logprobs = torch.randn(3, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
    mask = torch.tensor([[1.0] * 5, [1.0] * 5, [1.0, 1.0, 0.0, 0.0, 0.0]])
    weights = losses.row_weights(mask, "constant", max_tokens=7)
    surrogate(logprobs, logprobs.detach(), [1.0, -2.0, 0.5], mask=mask, weights=weights).value.backward()
    expected = -torch.tensor([1.0, -2.0, 0.5]).unsqueeze(-1) * mask / (7 * 3)
    torch.testing.assert_close(logprobs.grad, expected)


def test_what_a_token_weighs_is_said_by_the_average():
    mask = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    assert losses.row_weights(mask, "constant", max_tokens=10).tolist() == pytest.approx([1 / 20, 1 / 20])
    assert losses.row_weights(mask, "tokens", max_tokens=10).tolist() == pytest.approx([1 / 4, 1 / 4])
    assert losses.row_weights(mask, "rows", max_tokens=10).tolist() == pytest.approx([1 / 6, 1 / 2])


@pytest.mark.parametrize(("average", "times"), [("constant", 4), ("tokens", 4), ("rows", 1)])
def test_a_long_bad_answer_is_punished_for_its_length_unless_rows_are_averaged(average, times):
    old = torch.zeros(2, 4)
    mask = torch.tensor([[1.0] * 4, [1.0, 0.0, 0.0, 0.0]])
    new = old.clone().requires_grad_()
    weights = losses.row_weights(mask, average, max_tokens=10)
    surrogate(new, old, [-1.0, -1.0], mask=mask, weights=weights).value.backward()
    assert new.grad[0].sum().item() == pytest.approx(times * new.grad[1].sum().item())


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
    objective = 2.0 * 1.2 + 2.0 * 0.9 + -1.0 * 0.8 + -1.0 * 1.1
    assert surrogate(new, old, [2.0, -1.0], clip=0.2).value.item() == pytest.approx(-objective / (10 * 2))
    higher = 2.0 * 1.28 + 2.0 * 0.9 + -1.0 * 0.8 + -1.0 * 1.1
    value = surrogate(new, old, [2.0, -1.0], clip=0.2, clip_high=0.28).value.item()
    assert value == pytest.approx(-higher / (10 * 2))


def test_advantages_of_tokens_and_of_rows_agree_where_they_are_equal():
    new, old, advantages, mask = random_batch(4)
    weights = losses.row_weights(mask, "tokens", max_tokens=4)
    by_row = losses.policy_gradient(new, old, advantages, mask, weights, clip=0.2)
    by_token = losses.policy_gradient(new, old, advantages.unsqueeze(-1).expand(6, 4), mask, weights, clip=0.2)
    torch.testing.assert_close(by_row.value, by_token.value)


@pytest.mark.parametrize("average", ["constant", "tokens", "rows"])
def test_micro_batches_add_up_to_the_batch(average):
    new, old, advantages, mask = random_batch(3)
    weights = losses.row_weights(mask, average, max_tokens=9)

    def part(rows):
        return losses.policy_gradient(new[rows], old[rows], advantages[rows], mask[rows], weights[rows], clip=0.2).value

    torch.testing.assert_close(part(slice(0, 4)) + part(slice(4, 6)), part(slice(0, 6)))


def test_kl_is_zero_on_policy_and_the_k3_estimate_off_it():
    old = torch.zeros(1, 2)
    assert surrogate(old, old, [1.0]).metrics["kl"] == 0
    assert surrogate(old + 0.3, old, [1.0]).metrics["kl"] == pytest.approx(math.exp(0.3) - 1 - 0.3, rel=1e-5)


def test_a_sequence_is_one_action_whose_ratio_is_the_product_of_its_tokens():
    new, old = torch.log(torch.tensor([[1.2, 0.9], [1.3, 1.0]])), torch.zeros(2, 2)
    new.requires_grad_()
    mask, advantages, weights = torch.tensor([[1.0, 1.0], [1.0, 0.0]]), torch.tensor([2.0, 3.0]), torch.full((2,), 0.5)
    loss = losses.sequence_policy_gradient(new, old, advantages, mask, weights, clip=0.2)
    assert loss.value.item() == pytest.approx(-(2.0 * 1.08 + 3.0 * 1.2) / 2)
    loss.value.backward()
    assert new.grad[0].tolist() == pytest.approx([-1.08, -1.08])
    assert new.grad[1].tolist() == [0, 0]
    assert loss.metrics["clipped"] == 0.5


@pytest.mark.parametrize(("ratio", "rho"), [("arithmetic", (1.5 + 0.5) / 2), ("geometric", (1.5 * 0.5) ** 0.5)])
def test_the_double_average_in_closed_form(ratio, rho):
    new, old = torch.log(torch.tensor([[1.5, 0.5, 7.0]])), torch.zeros(1, 3)
    mask, advantages = torch.tensor([[1.0, 1.0, 0.0]]), torch.tensor([[2.0, 4.0, 100.0]])
    loss = losses.double_average(new, old, advantages, mask, torch.ones(1), ratio=ratio)
    assert loss.value.item() == pytest.approx(-rho * 3.0)
    assert loss.metrics["ratio"] == pytest.approx(rho)


def test_the_double_average_gives_one_token_its_share_of_its_own_ratio():
    new = torch.log(torch.tensor([[3.0, 1.0]])).requires_grad_()
    advantages = torch.tensor([[1.0, 3.0]])
    losses.double_average(
        new, torch.zeros(1, 2), advantages, torch.ones(1, 2), torch.ones(1), ratio="arithmetic"
    ).value.backward()
    assert new.grad[0].tolist() == pytest.approx([-2.0 * 3.0 / 2, -2.0 * 1.0 / 2])


def test_rows_of_any_length_weigh_the_same_in_the_double_average():
    new, mask = torch.zeros(2, 4, requires_grad=True), torch.tensor([[1.0] * 4, [1.0, 0.0, 0.0, 0.0]])
    losses.double_average(
        new, torch.zeros(2, 4), torch.ones(2, 4), mask, torch.full((2,), 0.5), ratio="arithmetic"
    ).value.backward()
    assert new.grad.sum(-1).tolist() == pytest.approx([-0.5, -0.5])


def test_divergence_is_the_k3_estimate_and_pulls_towards_the_reference():
    new = torch.tensor([[0.3, -0.2, 0.0]], requires_grad=True)
    loss = losses.divergence(new, torch.zeros(1, 3), torch.ones(1, 3), torch.tensor([0.5]))
    expected = [math.exp(-x) - 1 + x for x in (0.3, -0.2, 0.0)]
    assert loss.value.item() == pytest.approx(0.5 * sum(expected), rel=1e-5)
    assert loss.metrics["reference_kl"] == pytest.approx(sum(expected) / 3, rel=1e-5)
    loss.value.backward()
    assert new.grad[0].tolist() == pytest.approx([0.5 * (1 - math.exp(-x)) for x in (0.3, -0.2, 0.0)], rel=1e-5)


def test_the_value_error_in_closed_form_and_its_clip():
    values = torch.tensor([[0.1, 0.6]], requires_grad=True)
    old, returns = torch.zeros(1, 2), torch.tensor([[1.0, 1.0]])
    loss = losses.squared_error(values, old, returns, torch.ones(1, 2), torch.tensor([0.5]), clip=0.2)
    # The second value has moved by more than .2 towards its return: its clipped error .8 is the larger one.
    assert loss.value.item() == pytest.approx(0.5 * 0.5 * (0.9**2 + 0.8**2))
    assert loss.metrics["value_error"] == pytest.approx(((0.9**2 + 0.4**2) / 2) ** 0.5)
    loss.value.backward()
    assert values.grad[0].tolist() == pytest.approx([-0.5 * 0.9, 0.0])


def test_preferring_in_closed_form_with_its_gradient():
    chosen, rejected = torch.tensor([-3.0], requires_grad=True), torch.tensor([-5.0], requires_grad=True)
    loss = losses.preference(chosen, rejected, torch.tensor([-4.0]), torch.tensor([-4.5]), torch.ones(1), beta=0.1)
    margin = 0.1 * ((-3 + 4) - (-5 + 4.5))
    assert loss.value.item() == pytest.approx(-math.log(1 / (1 + math.exp(-margin))))
    assert loss.metrics == pytest.approx({"margin": margin, "accuracy": 1, "chosen_gain": 1, "rejected_gain": -0.5})
    loss.value.backward()
    slope = 0.1 / (1 + math.exp(margin))
    assert (chosen.grad.item(), rejected.grad.item()) == pytest.approx((-slope, slope))


def test_at_the_reference_a_preference_is_a_coin():
    texts = torch.tensor([-3.0, -9.0])
    loss = losses.preference(texts, texts - 1, texts, texts - 1, torch.full((2,), 0.5), beta=0.1)
    assert loss.value.item() == pytest.approx(math.log(2))
    assert loss.metrics["accuracy"] == 0


def test_losses_are_added_with_their_weight_and_all_their_metrics():
    one, two = losses.Loss(torch.tensor(1.0), {"a": 1.0}), losses.Loss(torch.tensor(2.0), {"b": 2.0})
    both = one.plus(two, 0.1)
    assert both.value.item() == pytest.approx(1.2)
    assert both.metrics == {"a": 1.0, "b": 2.0}
