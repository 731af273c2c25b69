import pytest
import torch

from app.learning import dr_grpo
from app.learning.configs import RlConfig
from app.learning.loop import LoopState
from app.learning.losses import Loss
from app.learning.on_policy import Objective, telling_rows, train


@pytest.fixture
def watched(policy, prompt, reward_for):
    """Run a loop whose objective notes which rows it was asked for; its loss is nothing but their number."""

    def run(config, rows, give_way=lambda: None):
        asked = []

        def loss(chosen):
            asked.append(chosen)
            return Loss(len(chosen) * policy.bias.sum(), {"first": float(chosen[0])})

        state = LoopState.new(policy)
        steps = train(
            policy, ["tea"], reward_for(), config, lambda seen: Objective(rows, loss), prompt_for=prompt, state=state,
            give_way=give_way,
        )  # fmt: skip
        return asked, steps

    return run


def test_telling_rows_are_the_largest_advantages_of_each_group_shortest_first():
    advantages = torch.tensor([[0.1, -0.9, 0.0, 0.5], [-0.02, 0.04, 0.01, -0.03]])
    assert telling_rows(advantages, 0.5, [1, 9, 1, 4, 1, 2, 1, 3]) == [5, 7, 3, 1]
    assert telling_rows(advantages, 1.0, list(range(8))) == [0, 1, 3, 4, 5, 6, 7]
    assert telling_rows(torch.zeros(2, 2), 1.0, [1] * 4) == []
    assert telling_rows(advantages, 0.01, [0] * 8) == [1, 5]


def test_every_pass_goes_over_all_rows_in_minibatches_of_their_own(watched):
    config = RlConfig(steps=2, epochs=3, minibatches=2, max_tokens=4)
    rows = [4, 9, 2, 7, 5]
    asked, steps = watched(config, rows)
    step = next(steps)
    assert len(asked) == 3 * 2
    assert all(sorted(asked[i] + asked[i + 1]) == sorted(rows) for i in (0, 2, 4))
    assert all(batch == sorted(batch, key=rows.index) for batch in asked)
    assert len({tuple(batch) for batch in asked[::2]}) > 1
    assert step.metrics["rows"] == 5


def test_metrics_are_means_over_all_passes_and_the_loss_that_of_a_whole_pass(watched, policy):
    asked, steps = watched(RlConfig(steps=2, epochs=1, minibatches=2, max_tokens=4, learning_rate=1e-9), [1, 2, 3])
    policy.bias.data[:] = torch.tensor([0.5, 0.0, 0.0, 0.0])
    metrics = next(steps).metrics
    assert metrics["loss"] == pytest.approx(3 * 0.5, rel=1e-5)
    assert metrics["first"] == pytest.approx(sum(len(batch) * batch[0] for batch in asked) / 3)
    # Each of both parts stands for the whole, so a part of two rows is scaled to four.
    assert metrics["gradient_norm"] == pytest.approx((2 * 2 * 2 + 2 * 1 * 2) / 2, rel=1e-5)
    assert metrics["learning_rate"] == pytest.approx(1e-9 / 4)


def test_more_minibatches_than_rows_leave_no_part_empty(watched):
    asked, steps = watched(RlConfig(steps=1, minibatches=8, max_tokens=4), [3, 1])
    next(steps)
    assert sorted(asked) == [[1], [3]]


def test_without_rows_nothing_moves_but_the_step_counts(watched, policy):
    before = policy.bias.detach().clone()
    asked, steps = watched(RlConfig(steps=2, max_tokens=4), [])
    assert [step.index for step in steps] == [1, 2]
    assert asked == []
    assert torch.equal(policy.bias, before)


class Cancelled(Exception):
    pass


@pytest.mark.parametrize("passes_before", [0, 1, 2])
def test_it_ends_before_the_next_pass_once_cancelled(watched, passes_before):
    countdown = [passes_before]

    def give_way():
        if not countdown[0]:
            raise Cancelled
        countdown[0] -= 1

    asked, steps = watched(RlConfig(steps=2, minibatches=2, max_tokens=4), [1, 2, 3], give_way)
    with pytest.raises(Cancelled):
        next(steps)
    assert len(asked) == max(0, passes_before - 1)


def test_nothing_to_rewrite(policy, prompt, reward_for):
    from app.learning.configs import DrGrpoConfig

    with pytest.raises(ValueError, match="no passages"):
        next(dr_grpo.train(policy, [], reward_for(), DrGrpoConfig(), prompt_for=prompt))
