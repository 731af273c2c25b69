from collections import Counter
from itertools import islice

import pytest
import torch

from app.learning import losses, sft
from app.learning.configs import SftConfig
from app.learning.loop import MICRO_BATCH, Diverged, LoopState
from app.learning.types import Pair

PAIRS = [
    *(Pair("x\n[berries]\n", " ".join(["berry"] * n)) for n in range(1, 8)),
    *(Pair("x\n[cherries]\n", " ".join(["cherry"] * n)) for n in range(1, 8)),
]
CONFIG = SftConfig(steps=40, batch_size=12, learning_rate=0.2, warmup_steps=4, seed=3)


def test_it_learns_each_tag_its_words(policy):
    steps = list(sft.train(policy, PAIRS, CONFIG))
    assert [step.index for step in steps] == list(range(1, 41))
    assert steps[-1].metrics["nll"] < 0.7 < 1.2 < steps[0].metrics["nll"]
    assert policy.probability("berry", "berries") > 0.7
    assert policy.probability("cherry", "berries") < 0.05


def test_the_loss_of_the_first_step_is_the_batch_mean_over_tokens(policy):
    with torch.no_grad():
        rows = sft.batch_at(0, [len(p.prompt) + len(p.completion) for p in PAIRS], 12, seed=3)
        logprobs, mask = policy.imitation_logprobs([PAIRS[i] for i in rows])
        expected = -(logprobs.sum() / mask.sum()).item()
    metrics = next(sft.train(policy, PAIRS, CONFIG)).metrics
    assert metrics["nll"] == pytest.approx(expected, rel=1e-5)
    assert metrics["tokens"] == mask.sum()


def test_micro_batches_make_the_gradient_of_the_whole_batch(policy, new_policy):
    whole = new_policy()
    rows = sft.batch_at(0, [len(p.prompt) + len(p.completion) for p in PAIRS], 12, seed=3)
    losses.nll(*whole.imitation_logprobs([PAIRS[i] for i in rows])).value.backward()
    norm = torch.cat([p.grad.flatten() for p in whole.parameters()]).norm().item()
    state = LoopState.new(policy)
    step = next(sft.train(policy, PAIRS, CONFIG, state=state))
    assert step.metrics["gradient_norm"] == pytest.approx(norm, rel=1e-5)
    moments = state.optimizer.state[policy.logits]["exp_avg"]
    torch.testing.assert_close(moments, 0.1 * whole.logits.grad)


@pytest.mark.parametrize("stop", [1, 17, 39])
def test_resumed_equals_uninterrupted_bit_by_bit(tmp_path, new_policy, stop):
    whole = new_policy()
    uninterrupted = [step.metrics["nll"] for step in sft.train(whole, PAIRS, CONFIG)]

    killed = LoopState.new(new_policy())
    before = [step.metrics["nll"] for step in islice(sft.train(killed.policy, PAIRS, CONFIG, state=killed), stop)]
    killed.save(tmp_path / "c", stage="warm-start")
    resumed = LoopState.load(tmp_path / "c", new_policy())
    after = list(sft.train(resumed.policy, PAIRS, CONFIG, state=resumed))

    assert after[0].index == stop + 1
    assert before + [step.metrics["nll"] for step in after] == uninterrupted
    assert torch.equal(resumed.policy.logits, whole.logits)
    assert torch.equal(resumed.policy.bias, whole.bias)


def test_a_finished_state_has_nothing_left_to_do(policy):
    state = LoopState.new(policy)
    state.step = 40
    assert list(sft.train(policy, PAIRS, CONFIG, state=state)) == []


def test_it_gives_way_before_every_micro_batch(policy):
    asked = []
    next(sft.train(policy, PAIRS, CONFIG, give_way=lambda: asked.append(1)))
    assert len(asked) == -(-CONFIG.batch_size // MICRO_BATCH)


def test_giving_way_may_end_it(policy):
    class Stop(Exception):
        pass

    def stop():
        raise Stop

    before = policy.logits.detach().clone()
    with pytest.raises(Stop):
        next(sft.train(policy, PAIRS, CONFIG, give_way=stop))
    assert torch.equal(policy.logits, before)


def test_a_loss_that_is_not_a_number_leaves_the_policy_as_it_was(policy):
    steps = sft.train(policy, PAIRS, CONFIG)
    next(steps)
    good = policy.logits.detach().clone()
    whole = policy.imitation_logprobs
    policy.imitation_logprobs = lambda pairs: tuple(x * float("nan") for x in whole(pairs))
    with pytest.raises(Diverged, match="step 2"):
        next(steps)
    assert torch.equal(policy.logits, good)


def test_nothing_to_imitate(policy):
    with pytest.raises(ValueError, match="no pairs"):
        next(sft.train(policy, [], CONFIG))


def test_many_pairs_come_in_batches_of_like_length_each_once():
    lengths = [(7 * i) % 200 for i in range(200)]
    batches = [sft.batch_at(step, lengths, 5, seed=1) for step in range(40)]
    assert Counter(row for batch in batches for row in batch) == Counter(range(200))
    spread = [max(lengths[i] for i in batch) - min(lengths[i] for i in batch) for batch in batches]
    assert sum(spread) / len(spread) < 40
    mean_length = [sum(lengths[i] for i in batch) / 5 for batch in batches[:8]]
    assert mean_length != sorted(mean_length)


def test_few_pairs_are_not_sorted_and_fill_every_batch():
    batches = [sft.batch_at(step, [1] * 14, 12, seed=1) for step in range(7)]
    assert all(len(batch) == 12 for batch in batches)
    assert set(Counter(row for batch in batches for row in batch).values()) == {6}
