"""Rows on caches of transformers write what they write there; cases of all models are in test_writing.py."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from app.inference.bank import Bank
from app.inference.general_model import GeneralModel
from app.inference.generate import generate
from app.inference.language_model import load_model
from app.inference.writing import Line, Writing
from tests.inference.kinds import CONFIGS, general_config
from tests.inference.voices import adapter
from tests.inference.writers import NEVER, PROMPTS, alone, finish, nobody
from tests.tiny import build_tiny_base


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
