from itertools import combinations

import pytest
import torch

from app.learning import advantages


def test_a_centred_group_sums_to_zero_and_keeps_its_differences():
    rewards = torch.tensor([[1.0, 0.0, 0.5, 0.5], [3.0, 3.0, 3.0, 3.0]])
    centred = advantages.centred(rewards)
    assert torch.equal(centred, torch.tensor([[0.5, -0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]))


def test_groups_of_small_and_large_spread_are_not_made_alike():
    centred = advantages.centred(torch.tensor([[0.0, 0.01], [0.0, 1.0]]))
    assert centred[1].abs().sum() == pytest.approx(100 * centred[0].abs().sum())


def test_leave_one_out_is_the_difference_to_the_mean_of_the_others():
    rewards = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    others = [torch.cat([rewards[:, :i], rewards[:, i + 1 :]], dim=1).mean(1) for i in range(5)]
    expected = rewards - torch.stack(others, dim=1)
    torch.testing.assert_close(advantages.leave_one_out(rewards), expected)


def test_leave_one_out_needs_others():
    with pytest.raises(ValueError, match="two samples"):
        advantages.leave_one_out(torch.ones(4, 1))


def test_scaled_by_the_group_every_group_weighs_the_same():
    rewards = torch.tensor([[0.0, 0.01], [0.0, 1.0]])
    centred = advantages.centred(rewards)
    assert torch.equal(advantages.scaled(centred, rewards, "none"), centred)
    by_group = advantages.scaled(centred, rewards, "group")
    assert by_group[:, 1].tolist() == pytest.approx([0.5**0.5, 0.5**0.5], rel=0.02)
    by_batch = advantages.scaled(centred, rewards, "batch")
    torch.testing.assert_close(by_batch, centred / (rewards.std() + 1e-4))


def brute_force_credit(rewards_P_G_K, shares_P_K, size):
    prompts, group_size, modes = rewards_P_G_K.shape
    credit = torch.zeros(prompts, group_size)
    sets = list(combinations(range(group_size), size))
    for p in range(prompts):
        for i in range(group_size):
            for chosen in sets:
                if i not in chosen:
                    continue
                others = [j for j in chosen if j != i]
                for k in range(modes):
                    worth = rewards_P_G_K[p, list(chosen), k].max() - rewards_P_G_K[p, others, k].max()
                    credit[p, i] += shares_P_K[p, k] * worth / len(sets)
    return credit


@pytest.mark.parametrize("size", [2, 3, 5])
def test_set_credit_is_what_enumerating_all_sets_gives(size):
    random = torch.Generator().manual_seed(size)
    rewards, shares = torch.rand(3, 5, 2, generator=random), torch.rand(3, 2, generator=random)
    rewards[0, :3, 0] = 0.5  # ties
    torch.testing.assert_close(
        advantages.set_credit(rewards, shares, size), brute_force_credit(rewards, shares, size), rtol=1e-5, atol=1e-6
    )


def test_set_credit_pays_the_only_one_who_speaks_the_rare_mode():
    first_mode, second_mode = [1.0, 0.9, 0.95, 0.0], [0.0, 0.0, 0.0, 0.6]
    rewards = torch.tensor([first_mode, second_mode]).T.unsqueeze(0)
    credit = advantages.set_credit(rewards, torch.tensor([[0.5, 0.5]]), 4)
    assert int(credit.argmax()) == 3
    alone = advantages.centred(rewards.amax(-1))
    assert int(alone.argmin()) == 3


@pytest.mark.parametrize("size", [1, 5])
def test_set_credit_needs_sets_that_fit_the_group(size):
    with pytest.raises(ValueError, match="2 to 4"):
        advantages.set_credit(torch.rand(1, 4, 1), torch.ones(1, 1), size)


MASK = torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]])


def test_gae_in_closed_form():
    rewards = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.5, 0.0]])
    values = torch.tensor([[0.2, 0.4, 0.6], [0.1, 0.3, 9.0]])
    found, returns = advantages.generalised(rewards, values, MASK, discount=0.9, decay=0.5)
    last = 1.0 - 0.6
    middle = 0.9 * 0.6 - 0.4 + 0.45 * last
    first = 0.9 * 0.4 - 0.2 + 0.45 * middle
    assert found[0].tolist() == pytest.approx([first, middle, last])
    assert found[1].tolist() == pytest.approx([0.9 * 0.3 - 0.1 + 0.45 * 0.2, 0.2, 0.0])
    assert returns[0].tolist() == pytest.approx([first + 0.2, middle + 0.4, 1.0])
    assert returns[1, 2] == 0


def test_gae_without_decay_is_the_return_minus_the_value():
    rewards, values = torch.tensor([[0.1, 0.2, 1.0]]), torch.tensor([[5.0, -2.0, 0.3]])
    found, returns = advantages.generalised(rewards, values, torch.ones(1, 3), discount=1.0, decay=1.0)
    assert returns[0].tolist() == pytest.approx([1.3, 1.2, 1.0])
    assert found[0].tolist() == pytest.approx([1.3 - 5, 1.2 + 2, 1.0 - 0.3])


def test_whitened_tokens_have_mean_zero_and_deviation_one():
    whitened = advantages.whitened(torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 99.0]]), MASK)
    kept = whitened[MASK.bool()]
    assert kept.mean().item() == pytest.approx(0, abs=1e-6)
    assert kept.std(correction=0).item() == pytest.approx(1)
    assert whitened[1, 2] == 0


def test_whitening_leaves_equals_at_zero():
    assert torch.equal(advantages.whitened(torch.full((2, 3), 0.7), MASK), torch.zeros(2, 3))


def test_discounted_advantages_grow_towards_the_end_of_each_trace():
    found = advantages.discounted(torch.tensor([2.0, -1.0]), MASK, discount=0.5)
    assert found.tolist() == [[0.5, 1.0, 2.0], [-0.5, -1.0, 0.0]]


def test_gains_of_prefixes_lie_where_they_were_made_and_add_up_to_the_last_score():
    found = advantages.gains(torch.tensor([[0.2, 0.5], [0.4, 0.4]]), [[1, 3], [2, 2]], 3)
    assert found[0].tolist() == pytest.approx([0.2, 0.0, 0.3])
    assert found[1].tolist() == pytest.approx([0.0, 0.4, 0.0])


def test_what_is_to_go_is_the_discounted_sum_of_what_follows():
    gains = torch.tensor([[0.2, 0.0, 0.4], [0.0, 1.0, 9.0]])
    found = advantages.to_go(gains, MASK, discount=0.5)
    assert found[0].tolist() == pytest.approx([0.3, 0.2, 0.4])
    assert found[1].tolist() == pytest.approx([0.5, 1.0, 0.0])


def test_a_place_is_compared_with_the_siblings_that_reach_it():
    x = torch.tensor([[1.0, 2.0, 5.0], [3.0, 6.0, 9.0]])
    found = advantages.centred_by_place(x, MASK, 2)
    assert found.tolist() == [[-1.0, -2.0, 0.0], [1.0, 2.0, 0.0]]
