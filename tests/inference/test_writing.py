"""Texts that join, leave and break while others are written."""

from collections.abc import Sequence

import pytest
import torch

from app.inference.decoding import Decoding, Prefill
from app.inference.generate import generate
from app.inference.language_model import LanguageModel
from app.inference.model import LlamaModel
from app.inference.writing import Line, Writing
from tests.inference.writers import NEVER, PROMPTS, alone, finish, nobody


def test_who_joins_at_any_token_writes_what_it_writes_alone(any_model: LanguageModel) -> None:
    writing = Writing(any_model, nobody, NEVER)
    lines = [Line(0, number, limit) for number, limit in enumerate((90, 7, 30, 12))]
    for number, line in enumerate(lines):
        writing.join(PROMPTS[number], [line])
        for _ in range(4):
            writing.step()
    finish(writing)
    for number, line in enumerate(lines):
        assert line.ids == alone(any_model, number, line.max_tokens)
        assert len(line.logprobs) == len(line.ids) == line.max_tokens


def test_a_long_prompt_is_read_in_pieces_while_others_write(any_model: LanguageModel) -> None:
    writing = Writing(any_model, nobody, NEVER)
    quick, slow = Line(0, 1, 20), Line(0, 3, 5)
    writing.join(PROMPTS[1], [quick])
    writing.step()
    writing.join(PROMPTS[3], [slow])
    for step in range(2, 6):
        assert writing.step(most_prompt_tokens=12) == ([quick, slow] if step == 5 else [quick])
        assert len(quick.ids) == step
    finish(writing, 12)
    assert (quick.ids, slow.ids) == (alone(any_model, 1, 20), alone(any_model, 3, 5))


def test_no_more_prompts_are_read_in_one_step_than_allowed(tiny_model: LlamaModel) -> None:
    writing = Writing(tiny_model, nobody, NEVER)
    for number in range(3):
        writing.join(PROMPTS[number], [Line(0, number, 9)])
    assert [len(writing.step(8)) for _ in range(3)] == [1, 3, 3]


def test_who_is_given_up_leaves_before_the_next_step(tiny_model: LlamaModel) -> None:
    writing = Writing(tiny_model, nobody, NEVER)
    lines = [Line(0, number, 12) for number in range(3)]
    for number, line in enumerate(lines):
        writing.join(PROMPTS[number], [line])
    writing.step()
    lines[0].is_over = True
    assert writing.step() == [lines[2], lines[1]]
    late = Line(0, 0, 12)
    writing.join(PROMPTS[0], [late])
    finish(writing)
    assert len(lines[0].ids) == 1
    assert [line.ids for line in (late, *lines[1:])] == [alone(tiny_model, number, 12) for number in range(3)]


def test_who_is_given_up_while_its_prompt_is_read_never_writes(tiny_model: LlamaModel) -> None:
    writing = Writing(tiny_model, nobody, NEVER)
    line = Line(0, 3, 12)
    writing.join(PROMPTS[3], [line])
    writing.step(12)
    line.is_over = True
    finish(writing, 12)
    assert line.ids == []


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_what_is_looked_up_changes_no_text(tiny_model: LlamaModel, temperature: float) -> None:
    """The source holds what will be written, in part, so that some of it is kept and some is not."""
    seeds, limits = range(3), (40, 25, 33)
    plain = generate(tiny_model, PROMPTS[:3], seeds=seeds, max_tokens=limits, temperature=temperature, stop_ids=NEVER)
    writing, steps = Writing(tiny_model, nobody, NEVER), 0
    lines = []
    for row, ids in enumerate(plain.ids):
        source = [*ids[:6], 3, 3, *ids[6:14], 4, *ids[20:]]
        lines.append(Line(0, row, limits[row], temperature, source=source))
        writing.join(PROMPTS[row], lines[-1:])
    while not writing.is_idle:
        writing.step()
        steps += 1
    assert [line.ids for line in lines] == plain.ids
    for line, logprobs in zip(lines, plain.logprobs, strict=True):
        assert line.logprobs == pytest.approx(logprobs, abs=1e-4)
    assert steps < 0.7 * max(limits)


def test_a_text_looks_up_what_followed_its_last_words() -> None:
    line = Line(0, 0, 9, source=[1, 2, 3, 1, 4, 5, 6, 7])
    line.ids = [8, 1]
    assert line.draft(3) == [2, 3, 1]
    line.ids = [3, 1]
    assert line.draft(3) == [4, 5, 6]
    assert line.draft(0) == line.draft(-1) == []
    line.ids = [0] * 6 + [3, 1]
    assert line.draft(3) == []
    line.ids = [7]
    assert line.draft(3) == []


class Broken:
    """A delta that ruins the rows of owner 1."""

    def __init__(self, owners: Sequence[int]) -> None:
        self.is_ruined = torch.tensor([owner == 1 for owner in owners])

    def add(self, layer: int, group: str, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return y + torch.where(self.is_ruined, torch.nan, 0.0)[:, None, None]

    def select(self, rows: torch.Tensor) -> "Broken":
        return type(self)(self.is_ruined[rows].long().tolist())


class Overflowing(Broken):
    """Ruins what rows of owner 1 make of the padding behind their two tokens, as a large adapter may."""

    def add(self, layer: int, group: str, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        is_behind = torch.arange(y.shape[1]) >= 2
        return y.masked_fill((self.is_ruined[:, None] & is_behind)[:, :, None], torch.nan)


def test_padding_that_is_not_finite_disturbs_nobody(tiny_model: LlamaModel) -> None:
    writing = Writing(tiny_model, Overflowing, NEVER)
    lines = [Line(1, 1, 12), Line(0, 3, 12)]
    for line in lines:
        writing.join(PROMPTS[line.seed], [line])
    finish(writing)
    assert [line.ids for line in lines] == [alone(tiny_model, line.seed, 12) for line in lines]


@torch.inference_mode()
def test_no_place_keeps_what_is_not_finite(tiny_model: LlamaModel) -> None:
    """Those that nobody has come to yet neither: a masked NaN would still spread."""
    decoding, prefill = Decoding(tiny_model), Prefill(tiny_model, PROMPTS[1:3], None)
    assert prefill.advance()
    decoding.join(prefill, [0, 1], 9)
    for room in (*decoding._keys, *decoding._values):
        room[0] = torch.nan
    assert decoding.leave([1], is_tainted=True) == [1]
    assert all(room.isfinite().all() for room in (*decoding._keys, *decoding._values))


@torch.inference_mode()
def test_behind_a_row_nothing_of_another_is_left(tiny_model: LlamaModel) -> None:
    """However large, it would be finite, so that its owner is not broken; only hiding it overflows."""
    decoding, prompts = Decoding(tiny_model), Prefill(tiny_model, PROMPTS[1:4], None)
    assert prompts.advance()
    decoding.join(prompts, [0, 1, 2], 9)
    decoding.feed(torch.tensor([[5, 6, 7]] * 3), None)
    decoding.advance([1, 1, 1])
    written = max(decoding.lengths) + 2
    caches = [*decoding._keys, *decoding._values]
    for room in caches:
        room[0, :written] = room[1, :written] = 1e38
    assert decoding.leave([1, 2]) == [2, 1]
    moved = decoding.lengths[0]
    assert all((room[0, moved + 2 :] == 0).all() for room in caches)
    decoding.leave([0])
    late = Prefill(tiny_model, PROMPTS[:1], None)
    assert late.advance()
    decoding.join(late, [0], 9)
    assert late.width < written
    assert all((room[1, late.width :] == 0).all() for room in caches)


def test_a_broken_line_leaves_nothing_in_the_place_that_another_takes(any_model: LanguageModel) -> None:
    writing = Writing(any_model, Broken, NEVER)
    bad, good, late = Line(1, 3, 12), Line(0, 0, 12), Line(0, 1, 50)
    writing.join(PROMPTS[3], [bad])
    writing.join(PROMPTS[0], [good])
    writing.step()
    assert (bad.is_broken, bad.ids, good.is_broken) == (True, [], False)
    writing.join(PROMPTS[1], [late])
    finish(writing)
    assert (good.ids, late.ids) == (alone(any_model, 0, 12), alone(any_model, 1, 50))
