from pathlib import Path

import pytest
import torch

from app.inference import adapter_file
from app.inference.adapter_file import InvalidAdapter
from app.inference.model import LlamaModel
from app.inference.policy import LoraPolicy
from app.inference.tokens import Tokens
from app.inference.types import PREFIX, prompt_for
from app.learning import sft
from app.learning.configs import SftConfig
from app.learning.loop import LoopState
from app.learning.types import Pair, Policy, Rollouts
from tests.inference.voices import of_voices

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


VOICES = ["work", "friends"]
PASSAGE = "The meeting was moved."
TOLD = [prompt_for(PASSAGE, tag) for tag in (*VOICES, None, "work")]


def of_two(model: LlamaModel, tokens: Tokens, seed: int = 1) -> LoraPolicy:
    return LoraPolicy(model, tokens, rank=4, alpha=8, seed=seed, voices=VOICES, voice_rank=2)


@pytest.fixture
def two_voices(tiny_model: LlamaModel, tiny_tokens: Tokens) -> LoraPolicy:
    """With branches that are apart from each other."""
    return LoraPolicy.from_adapter(tiny_model, tiny_tokens, of_voices(tiny_model.architecture, VOICES))


def test_a_new_voice_changes_nothing(tiny_model: LlamaModel, tiny_tokens: Tokens, policy: LoraPolicy) -> None:
    fresh = of_two(tiny_model, tiny_tokens)
    told, untold = ([Pair(prompt_for(PASSAGE, tag), "moved!")] for tag in ("work", None))
    found = fresh.imitation_logprobs(told)[0]
    assert torch.allclose(found, fresh.imitation_logprobs(untold)[0])
    assert torch.allclose(found, policy.imitation_logprobs(untold)[0])


def test_a_voice_learns_from_what_it_was_told_and_the_trunk_from_everything(
    tiny_model: LlamaModel, tiny_tokens: Tokens
) -> None:
    policy = of_two(tiny_model, tiny_tokens)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.normal_(std=0.05)
    logprobs, _ = policy.imitation_logprobs([Pair(prompt_for(PASSAGE, tag), "moved!") for tag in ("work", None)])
    logprobs.sum().backward()
    work, friends = policy.branches
    for learning in (policy.lora, work):
        assert all(p.grad is not None and bool(p.grad.any()) for p in learning.parameters())
    assert all(p.grad is None or not bool(p.grad.any()) for p in friends.parameters())


def test_voices_of_one_batch_do_not_mix(two_voices: LoraPolicy, tiny_tokens: Tokens) -> None:
    together = two_voices.sample(TOLD, 2, max_tokens=12, temperature=0.0, seed=3)
    texts = together.completion_ids[::2]
    assert together.prompts[::2] == TOLD
    assert texts[0] == texts[3]
    assert len({tuple(ids) for ids in texts}) == 3
    for row, prompt in enumerate(TOLD):
        alone = two_voices.sample([prompt], 1, max_tokens=12, temperature=0.0, seed=3)
        assert alone.completion_ids == [texts[row]]
        assert alone.prompt_ids == [tiny_tokens.prompt(prompt_for(PASSAGE, None))]
    rows = [6, 0, 2, 4, 1]
    again = two_voices.logprobs(together, rows)
    assert torch.allclose(again, together.logprobs_B_T[rows], atol=1e-4)
    states = two_voices.states(together, rows)
    assert torch.allclose(states[0], states[1], atol=1e-4)
    assert not torch.allclose(states[0], states[2], atol=1e-2)


def test_a_tag_that_is_no_voice_is_told_in_the_prompt(two_voices: LoraPolicy, tiny_tokens: Tokens) -> None:
    prompt = prompt_for(PASSAGE, "plain")
    assert two_voices.sample([prompt], 1, max_tokens=2, temperature=0.0, seed=0).prompt_ids == [
        tiny_tokens.prompt(prompt)
    ]


def test_a_file_carries_every_voice(tiny_model: LlamaModel, tiny_tokens: Tokens, tiny_digest: str) -> None:
    policy = of_two(tiny_model, tiny_tokens)
    pairs = [
        Pair(prompt, text) for prompt, text in zip(TOLD, ("moved!", "its moved lol", "it was", "moved!"), strict=True)
    ]
    list(sft.train(policy, pairs, SftConfig(steps=6, batch_size=4, learning_rate=2e-2, warmup_steps=1)))
    data, digest = policy.adapter_bytes(tiny_digest)
    adapter = adapter_file.unpack(data, tiny_model.architecture, base_digest=tiny_digest, digest=digest)
    assert (list(adapter.voices), adapter.rank, adapter.voice_rank) == (VOICES, 4, 2)
    back = LoraPolicy.from_adapter(tiny_model, tiny_tokens, adapter)
    assert torch.allclose(back.imitation_logprobs(pairs)[0], policy.imitation_logprobs(pairs)[0], atol=0.1)
    assert back.adapter_bytes(tiny_digest) == (data, digest)


def test_a_training_of_voices_resumes_bit_by_bit(tiny_model: LlamaModel, tiny_tokens: Tokens, tmp_path: Path) -> None:
    pairs = [Pair(prompt, text) for prompt, text in zip(TOLD[:3], ("moved!", "its moved lol", "it was"), strict=True)]
    config = SftConfig(steps=6, batch_size=2, learning_rate=1e-2, warmup_steps=1)
    straight, cut, resumed = (of_two(tiny_model, tiny_tokens, seed) for seed in (1, 1, 9))
    list(sft.train(straight, pairs, config))
    state = LoopState.new(cut)
    for step in sft.train(cut, pairs, config, state=state):
        if step.index == 3:
            state.save(tmp_path / "state", stage="warm-start")
            break
    list(sft.train(resumed, pairs, config, state=LoopState.load(tmp_path / "state", resumed)))
    expected = straight.state_dict()
    assert len(expected) == 3 * 8
    assert all(torch.equal(tensor, expected[name]) for name, tensor in resumed.state_dict().items())
