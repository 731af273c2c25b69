import pytest
import torch

from app.inference import adapter_file
from app.inference.adapter_file import InvalidAdapter
from app.inference.model import LlamaModel
from app.inference.policy import LoraPolicy
from app.inference.tokens import Tokens
from app.inference.types import PREFIX
from app.learning import sft
from app.learning.configs import SftConfig
from app.learning.types import Pair, Policy, Rollouts

PAIRS = [Pair("I went to the store.\n", "went 2 the store lol"), Pair("Please reply.\n", "pls reply!!")]


@pytest.fixture
def policy(tiny_model: LlamaModel, tiny_tokens: Tokens) -> LoraPolicy:
    return LoraPolicy(tiny_model, tiny_tokens, rank=4, alpha=8, seed=1)


def taught(policy: LoraPolicy, steps: int = 30) -> list[float]:
    config = SftConfig(steps=steps, batch_size=2, learning_rate=2e-2, warmup_steps=2)
    return [step.metrics["nll"] for step in sft.train(policy, PAIRS, config)]


def rollouts_of(policy: LoraPolicy, temperature: float = 0.8, seed: int = 3) -> Rollouts:
    prompts = ["The meeting was moved.\n", "ok\n"]
    return policy.sample(prompts, 3, max_tokens=16, temperature=temperature, seed=seed)


def test_it_is_what_the_loops_train(policy: LoraPolicy) -> None:
    checked: Policy = policy
    assert len(list(checked.parameters())) == 8
    losses = taught(policy)
    assert losses[-1] < 0.5 * losses[0]


def test_imitation_counts_prefix_completion_and_end(policy: LoraPolicy, tiny_tokens: Tokens) -> None:
    logprobs, mask = policy.imitation_logprobs(PAIRS)
    lengths = [len(tiny_tokens.completion(PREFIX + pair.completion)) + 1 for pair in PAIRS]
    assert mask.sum(-1).tolist() == lengths
    assert logprobs.shape == mask.shape == (2, max(lengths))
    assert (logprobs[mask == 0] == 0).all()
    ids = tiny_tokens.prompt(PAIRS[1].prompt) + tiny_tokens.completion(PREFIX + PAIRS[1].completion) + [0]
    expected = policy.model.logprobs([ids], [len(ids) - lengths[1]], policy.lora.delta(torch.float32))
    assert torch.allclose(logprobs[1, : lengths[1]], expected, atol=1e-5)


def test_rollouts_hold_groups_and_the_logprobs_of_their_own_time(policy: LoraPolicy, tiny_tokens: Tokens) -> None:
    rollouts = rollouts_of(policy)
    assert rollouts.prompts == ["The meeting was moved.\n"] * 3 + ["ok\n"] * 3
    assert rollouts.texts == [tiny_tokens.text(ids) for ids in rollouts.completion_ids]
    assert rollouts.mask_B_T.sum(-1).tolist() == [len(ids) for ids in rollouts.completion_ids]
    assert rollouts.is_finished == [ids[-1] == 0 for ids in rollouts.completion_ids]
    rows = [4, 0, 5]
    again = policy.logprobs(rollouts, rows, temperature=0.8)
    assert again.requires_grad
    assert torch.allclose(again, rollouts.logprobs_B_T[rows], atol=1e-4)
    taught(policy, steps=5)
    assert not torch.allclose(policy.logprobs(rollouts, rows, temperature=0.8), again, atol=1e-2)


def test_states_are_those_that_predict_the_sampled_tokens(policy: LoraPolicy) -> None:
    taught(policy, steps=3)
    rollouts = rollouts_of(policy)
    rows = [3, 0]
    states = policy.states(rollouts, rows)
    assert states.shape == (2, rollouts.mask_B_T.shape[1], policy.model.architecture.hidden)
    assert not states.requires_grad
    assert (states[rollouts.mask_B_T[rows] == 0] == 0).all()
    for i, row in enumerate(rows):
        ids = rollouts.completion_ids[row]
        predicted = policy.model.logits(states[i, : len(ids)].to(policy.model.dtype)).float().log_softmax(-1)
        expected = policy.logprobs(rollouts, [row])[0, : len(ids)]
        assert torch.allclose(predicted[range(len(ids)), ids], expected, atol=1e-4)


def test_the_seed_decides_what_is_sampled(policy: LoraPolicy) -> None:
    first, again, other = (rollouts_of(policy, seed=seed).completion_ids for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert len({tuple(ids) for ids in first[:3]}) > 1


def test_the_hook_runs_between_passes(tiny_model: LlamaModel, tiny_tokens: Tokens) -> None:
    calls: list[int] = []
    policy = LoraPolicy(tiny_model, tiny_tokens, rank=1, alpha=1, between=lambda: calls.append(1))
    longest = max(len(ids) for ids in rollouts_of(policy).completion_ids)
    assert len(calls) == longest


def test_an_adapter_file_carries_the_voice(
    policy: LoraPolicy, tiny_model: LlamaModel, tiny_tokens: Tokens, tiny_digest: str
) -> None:
    taught(policy)
    data, digest = policy.adapter_bytes(tiny_digest)
    adapter = adapter_file.unpack(data, tiny_model.architecture, base_digest=tiny_digest, digest=digest)
    back = LoraPolicy.from_adapter(tiny_model, tiny_tokens, adapter)
    assert (back.lora.rank, back.lora.alpha) == (4, 8)
    assert torch.allclose(back.imitation_logprobs(PAIRS)[0], policy.imitation_logprobs(PAIRS)[0], atol=0.1)
    assert back.adapter_bytes(tiny_digest) == (data, digest)
    # Bfloat16 in the file is the only loss: what was read is what would be written again.
    assert torch.equal(back.lora.B["o"], policy.lora.B["o"].to(torch.bfloat16).float())


def test_a_broken_adapter_is_never_written(policy: LoraPolicy, tiny_digest: str) -> None:
    with torch.no_grad():
        policy.lora.A["down"][0, 0, 0] = float("nan")
    with pytest.raises(InvalidAdapter, match="not finite"):
        policy.adapter_bytes(tiny_digest)


def test_the_state_is_the_adapter_alone(policy: LoraPolicy, tiny_model: LlamaModel, tiny_tokens: Tokens) -> None:
    taught(policy, steps=3)
    state = policy.state_dict()
    assert len(state) == 8
    other = LoraPolicy(tiny_model, tiny_tokens, rank=4, alpha=8, seed=9)
    other.load_state_dict(state)
    assert torch.equal(other.imitation_logprobs(PAIRS)[0], policy.imitation_logprobs(PAIRS)[0])
