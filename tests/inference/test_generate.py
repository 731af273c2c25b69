from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from app.inference.delta import Group
from app.inference.generate import Generation, generate
from app.inference.lora import Lora
from app.inference.model import LlamaModel

PROMPTS = [[5, 6, 7, 8, 9], [20, 21], [30, 31, 32]]
NEVER: frozenset[int] = frozenset()


def test_greedy_text_is_that_of_transformers(tiny_base: Path, tiny_model: LlamaModel) -> None:
    reference = AutoModelForCausalLM.from_pretrained(tiny_base, dtype=torch.float32).eval()
    expected = []
    for ids in PROMPTS:
        prompt = torch.tensor([ids])
        written = reference.generate(
            prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=20, do_sample=False, pad_token_id=0
        )
        expected.append(written[0, len(ids) :].tolist())
    assert generate(tiny_model, PROMPTS, seeds=[0] * 3, max_tokens=20, temperature=0.0).ids == expected


def test_sampled_logprobs_are_those_of_a_whole_forward_pass(tiny_model: LlamaModel) -> None:
    lora = Lora(tiny_model.architecture, rank=4, alpha=8)
    with torch.no_grad():
        lora.B["o"].normal_(std=0.1)
        delta = lora.delta(torch.float32)
    written = generate(
        tiny_model, PROMPTS, seeds=range(6), max_tokens=15, temperature=0.7, group_size=2, delta=delta, stop_ids=NEVER
    )
    rows = [PROMPTS[i // 2] + ids for i, ids in enumerate(written.ids)]
    again = tiny_model.logprobs(rows, [len(PROMPTS[i // 2]) for i in range(6)], delta, temperature=0.7)
    assert torch.allclose(torch.tensor([value for row in written.logprobs for value in row]), again, atol=1e-4)


def sampled(model: LlamaModel, prompts: list[list[int]], seeds: list[int], limits: list[int]) -> Generation:
    return generate(model, prompts, seeds=seeds, max_tokens=limits, temperature=1.0)


def test_a_row_does_not_depend_on_its_neighbours(tiny_model: LlamaModel) -> None:
    limits = [6, 40, 25]
    together = sampled(tiny_model, PROMPTS, [3, 4, 5], limits)
    for row, prompt in enumerate(PROMPTS):
        alone = sampled(tiny_model, [prompt], [row + 3], [limits[row]])
        assert together.ids[row] == alone.ids[0]
        assert together.is_finished[row] == alone.is_finished[0]


def test_a_group_is_its_prompt_repeated(tiny_model: LlamaModel) -> None:
    group = generate(tiny_model, PROMPTS, seeds=range(6), max_tokens=12, group_size=2)
    repeated = generate(tiny_model, [p for p in PROMPTS for _ in range(2)], seeds=range(6), max_tokens=12)
    assert group.ids == repeated.ids
    assert group.ids[0] != group.ids[1]


def test_groups_may_differ_in_size(tiny_model: LlamaModel) -> None:
    groups = generate(tiny_model, PROMPTS, seeds=range(6), max_tokens=12, group_size=[1, 3, 2])
    repeated = [PROMPTS[0], *[PROMPTS[1]] * 3, *[PROMPTS[2]] * 2]
    assert groups.ids == generate(tiny_model, repeated, seeds=range(6), max_tokens=12).ids


def test_rows_end_at_a_stop_id_or_at_their_own_limit(tiny_model: LlamaModel) -> None:
    free = generate(tiny_model, PROMPTS, seeds=[1, 2, 3], max_tokens=30, stop_ids=NEVER)
    assert [len(ids) for ids in free.ids] == [30] * 3
    assert not any(free.is_finished)
    stop = free.ids[1][11]
    stopped = generate(tiny_model, PROMPTS, seeds=[1, 2, 3], max_tokens=[3, 30, 1], stop_ids=frozenset([stop]))
    assert stopped.ids[1] == free.ids[1][: free.ids[1].index(stop) + 1]
    assert stopped.is_finished[1]
    assert [len(ids) for ids in stopped.ids][::2] == [3, 1]
    assert [len(logprobs) for logprobs in stopped.logprobs] == [len(ids) for ids in stopped.ids]


@dataclass
class Shift:
    """A delta with one number per row, which remembers whether it was asked for rows it has."""

    amounts: Tensor
    seen: list[int] = field(default_factory=list)

    def add(self, layer: int, group: Group, x: Tensor, y: Tensor) -> Tensor:
        self.seen.append(len(x))
        assert len(x) == len(self.amounts)
        return y + self.amounts.view(-1, 1, 1) * (layer + 1) * x.mean(-1, keepdim=True)

    def select(self, rows: Tensor) -> "Shift":
        return Shift(self.amounts[rows], self.seen)


def test_every_row_keeps_its_own_adapter_through_groups_and_compaction(tiny_model: LlamaModel) -> None:
    amounts, limits = [0.0, 0.4, -0.4], [4, 4, 9, 20, 20, 20]
    shift = Shift(torch.tensor(amounts))
    mixed = generate(tiny_model, PROMPTS, seeds=range(6), max_tokens=limits, group_size=2, delta=shift, stop_ids=NEVER)
    assert shift.seen[0] == 3
    assert set(shift.seen) == {3, 6, 4}
    for row, limit in enumerate(limits):
        alone = generate(
            tiny_model,
            [PROMPTS[row // 2]],
            seeds=[row],
            max_tokens=limit,
            delta=Shift(torch.tensor([amounts[row // 2]])),
            stop_ids=NEVER,
        )
        assert mixed.ids[row] == alone.ids[0]
    plain = generate(tiny_model, PROMPTS, seeds=range(6), max_tokens=limits, group_size=2, stop_ids=NEVER)
    assert plain.ids[:2] == mixed.ids[:2]
    assert plain.ids[2:] != mixed.ids[2:]


def test_between_runs_before_every_pass_and_may_stop_it(tiny_model: LlamaModel) -> None:
    passes = []
    generate(tiny_model, PROMPTS, seeds=[1, 2, 3], max_tokens=5, stop_ids=NEVER, between=lambda: passes.append(1))
    assert len(passes) == 5

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        generate(tiny_model, PROMPTS, seeds=[1, 2, 3], max_tokens=5, between=stop)


def test_what_cannot_be_written_is_refused(tiny_model: LlamaModel) -> None:
    with pytest.raises(ValueError, match="at least one token"):
        generate(tiny_model, [[1], []], seeds=[0, 1], max_tokens=2)
    with pytest.raises(ValueError, match="500 prompt tokens and up to 13 more do not fit a context of 512"):
        generate(tiny_model, [[1] * 500], seeds=[0], max_tokens=13)
    with pytest.raises(ValueError, match="2 values for 1 rows"):
        generate(tiny_model, [[1]], seeds=[0], max_tokens=[2, 3])
    assert generate(tiny_model, [], seeds=[], max_tokens=3).ids == []
