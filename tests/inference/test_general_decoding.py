"""Rows that join, leave and break on the general path; the cases of test_writing.py, on caches of transformers."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from app.inference.bank import Bank
from app.inference.delta import Delta
from app.inference.general_model import GeneralModel
from app.inference.generate import generate
from app.inference.language_model import load_model
from app.inference.writing import Line, Writing
from tests.inference.kinds import CONFIGS, general_config
from tests.inference.voices import adapter
from tests.tiny import build_tiny_base

PROMPTS = [[5, 6, 7, 8, 9], [20, 21], [30, 31, 32], list(range(40, 80))]
NEVER: frozenset[int] = frozenset()


def nobody(_: Sequence[int]) -> Delta | None:
    return None


def alone(model: GeneralModel, number: int, tokens: int) -> list[int]:
    return generate(model, [PROMPTS[number]], seeds=[number], max_tokens=tokens, stop_ids=NEVER).ids[0]


def finish(writing: Writing, most: int | None = None) -> None:
    while not writing.is_idle:
        writing.step(most)


@pytest.mark.parametrize("kind", CONFIGS)
def test_greedy_texts_side_by_side_are_those_of_transformers(kind: str, tmp_path: Path) -> None:
    base = build_tiny_base(tmp_path, **general_config(kind))
    written = generate(
        load_model(base, dtype=torch.float32), PROMPTS, seeds=range(4), max_tokens=12, temperature=0.0, stop_ids=NEVER
    )
    reference = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    for prompt, ids in zip(PROMPTS, written.ids, strict=True):
        expected = reference.generate(
            torch.tensor([prompt]),
            max_new_tokens=12,
            min_new_tokens=12,
            do_sample=False,
            pad_token_id=0,
            eos_token_id=999,
        )
        assert ids == expected[0, len(prompt) :].tolist()


def test_who_joins_at_any_token_writes_what_it_writes_alone(general_model: GeneralModel) -> None:
    writing = Writing(general_model, nobody, NEVER)
    lines = [Line(0, number, limit, source=PROMPTS[number]) for number, limit in enumerate((40, 7, 30, 12))]
    for number, line in enumerate(lines):
        writing.join(PROMPTS[number], [line])
        for _ in range(4):
            writing.step()
    finish(writing)
    for number, line in enumerate(lines):
        assert line.ids == alone(general_model, number, line.max_tokens)


def test_a_long_prompt_is_read_in_pieces_while_others_write(general_model: GeneralModel) -> None:
    writing = Writing(general_model, nobody, NEVER)
    quick, slow = Line(0, 1, 20), Line(0, 3, 5)
    writing.join(PROMPTS[1], [quick])
    writing.step()
    writing.join(PROMPTS[3], [slow])
    for step in range(2, 6):
        assert writing.step(most_prompt_tokens=12) == ([quick, slow] if step == 5 else [quick])
        assert len(quick.ids) == step
    finish(writing, 12)
    assert (quick.ids, slow.ids) == (alone(general_model, 1, 20), alone(general_model, 3, 5))


def test_who_is_given_up_leaves_before_the_next_step(general_model: GeneralModel) -> None:
    writing = Writing(general_model, nobody, NEVER)
    lines = [Line(0, number, 12) for number in range(3)]
    for number, line in enumerate(lines):
        writing.join(PROMPTS[number], [line])
    writing.step()
    lines[0].is_over = True
    assert writing.step() == lines[1:]
    late = Line(0, 0, 12)
    writing.join(PROMPTS[0], [late])
    finish(writing)
    assert len(lines[0].ids) == 1
    assert [line.ids for line in (late, *lines[1:])] == [alone(general_model, number, 12) for number in range(3)]


def test_a_group_reads_its_prompt_once_and_keeps_its_adapter(general_model: GeneralModel) -> None:
    bank = Bank(general_model.architecture, slots=2, rank=4, dtype=torch.float32, device=general_model.device)
    for slot in (1, 2):
        bank.load(slot, adapter(general_model.architecture, 4, slot, size=0.05))
    limits = [9, 4, 12, 12, 3, 8]
    together = generate(
        general_model, PROMPTS[:3], seeds=range(6), max_tokens=limits, group_size=2, delta=bank.rows([2, 0, 1])
    )
    for row, slot in enumerate([2, 2, 0, 0, 1, 1]):
        one = generate(general_model, [PROMPTS[row // 2]], seeds=[row], max_tokens=limits[row], delta=bank.rows([slot]))
        assert together.ids[row] == one.ids[0]
        assert together.logprobs[row] == pytest.approx(one.logprobs[0], abs=1e-4)


class Broken:
    """A delta that ruins the rows of owner 1."""

    def __init__(self, owners: Sequence[int]) -> None:
        self.owners = list(owners)

    def add(self, layer: int, group: str, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return y + torch.tensor([torch.nan if owner == 1 else 0.0 for owner in self.owners])[:, None, None]

    def select(self, rows: torch.Tensor) -> "Broken":
        return Broken([self.owners[row] for row in rows.tolist()])


def test_a_broken_line_disturbs_nobody(general_model: GeneralModel) -> None:
    writing = Writing(general_model, Broken, NEVER)
    bad, good, late = Line(1, 3, 12), Line(0, 0, 12), Line(0, 1, 30)
    writing.join(PROMPTS[3], [bad])
    writing.join(PROMPTS[0], [good])
    writing.step()
    assert (bad.is_broken, bad.ids, good.is_broken) == (True, [], False)
    writing.join(PROMPTS[1], [late])
    finish(writing)
    assert (good.ids, late.ids) == (alone(general_model, 0, 12), alone(general_model, 1, 30))
