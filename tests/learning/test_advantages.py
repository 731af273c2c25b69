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
