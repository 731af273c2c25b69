"""What the engine's own choices bring, beside the same engine without them: `python -m benchmarks.choices`.

Batches of many texts, lookups in the source, help with names, the fast path, and what company costs in bfloat16.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from app.inference import adapter_file
from app.inference.adapter_file import Adapter
from app.inference.bank import Bank
from app.inference.card import read_card
from app.inference.delta import Delta
from app.inference.general_model import GeneralModel
from app.inference.generate import generate
from app.inference.guide import Guides
from app.inference.language_model import LanguageModel
from app.inference.model import LlamaModel, best_dtype
from app.inference.tokens import Tokens
from app.inference.types import PREFIX, prompt_for
from app.inference.writing import Line, Writing, alone
from benchmarks.common import command
from benchmarks.common.machine import describe, device
from benchmarks.common.mixes import compared
from benchmarks.common.report import Report
from benchmarks.common.rounds import alternate
from benchmarks.common.statistics import Summary, ratio
from benchmarks.common.workload import RANK, passages, random_adapter

WORDS = 40
HEAT = 0.4
"""As rewrites are asked for by default."""
GOALS = {"rollouts_over_one_at_a_time": ">= 8"}
ABOUT = [
    "Rollouts: people with an adapter each, their texts never end early, nothing looked up, as in training; a training",
    "batches one person's groups, the engine whoever asks. Lookup: one person alone, whole texts, written with and",
    "without help with names; a step feeds one token and its draft.",
    "Mixes: one text alone and in random company; texts part where rounding decides a draw.",
]


@dataclass(frozen=True)
class Plan:
    people: int
    group: int
    tokens: int
    rounds: int
    texts: int
    mixes: int


FULL = Plan(people=16, group=4, tokens=40, rounds=3, texts=16, mixes=20)
QUICK = Plan(people=2, group=2, tokens=4, rounds=1, texts=2, mixes=2)


@dataclass(frozen=True)
class Bench:
    """A model with so many random adapters in its bank, and passages to write with them."""

    model: LanguageModel
    tokens: Tokens
    bank: Bank
    prompts: list[list[int]]

    @classmethod
    def new(cls, model: LanguageModel, base: Path, people: int) -> "Bench":
        bank, digest = _bank(model, people), read_card(base).digest
        for slot in range(1, people + 1):
            bank.load(slot, random_adapter(model.architecture, digest, slot))
        tokens = Tokens.load(base)
        return cls(model, tokens, bank, [tokens.prompt(prompt_for(text, None)) for text in passages(people, WORDS)])

    def speed(self, slots: Sequence[int], group: int, tokens: int) -> float:
        """Tokens per second of those who speak through these slots, in one batch, each with texts of their group."""
        prompts = [self.prompts[slot - 1] for slot in slots]
        delta: Delta = self.bank.rows(slots)
        started = time.perf_counter()
        seeds = range(len(slots) * group)
        generate(self.model, prompts, seeds=seeds, max_tokens=tokens, group_size=group, delta=delta, stop_ids=NEVER)
        return len(seeds) * tokens / (time.perf_counter() - started)


NEVER: frozenset[int] = frozenset()


def _bank(model: LanguageModel, slots: int, rank: int = RANK) -> Bank:
    return Bank(model.architecture, slots=slots, rank=rank, dtype=model.dtype, device=model.device)


def run(plan: Plan, base: Path, *, threads: int, adapters: Sequence[Path] = ()) -> Report:
    """`adapters` are files of people who were trained on this base: lookups are measured in their texts too."""
    torch.set_num_threads(threads)
    report = Report("choices", describe(threads), list(ABOUT), dict.fromkeys(GOALS), GOALS)
    model = LlamaModel.load(base, device=device())
    bench = Bench.new(model, base, plan.people)
    _rollouts(report, bench, plan)
    _lookups(report, bench, base, plan, adapters)
    _paths(report, bench, base, plan)
    _company(report, base, plan)
    report.details |= {"base": base.name, "dtype": str(model.dtype).removeprefix("torch."), "rank": RANK}
    return report


def _rollouts(report: Report, bench: Bench, plan: Plan) -> None:
    everybody = range(1, plan.people + 1)

    def one_by_one(rows: Sequence[int], group: int) -> Callable[[], float]:
        def turn() -> float:
            speeds = [bench.speed([slot], group, plan.tokens) for slot in rows]
            return len(speeds) / sum(1 / speed for speed in speeds)

        return turn

    turns = {
        "one text at a time": (1, one_by_one(everybody, 1)),
        "a person's group at a time": (plan.group, one_by_one(everybody, plan.group)),
        "one text of everybody": (plan.people, lambda: bench.speed(everybody, 1, plan.tokens)),
        "everybody's groups": (plan.people * plan.group, lambda: bench.speed(everybody, plan.group, plan.tokens)),
    }
    alone, *_, together = turns
    bench.speed(everybody, plan.group, plan.tokens)
    speeds = alternate({name: turn for name, (_, turn) in turns.items()}, plan.rounds)
    for name, (rows, _) in turns.items():
        over = ratio(speeds[name], speeds[alone])
        report.row("rollouts", how=name, rows=rows, tokens_per_s=Summary.of(speeds[name]), over_one_at_a_time=over)
    report.keys["rollouts_over_one_at_a_time"] = ratio(speeds[together], speeds[alone]).median


class Counted(Writing):
    """Counts its steps and what it looked up."""

    steps = drafted = 0

    def _drafts(self) -> list[list[int]]:
        drafts = super()._drafts()
        self.steps, self.drafted = self.steps + 1, self.drafted + sum(map(len, drafts))
        return drafts


def _lookups(report: Report, bench: Bench, base: Path, plan: Plan, adapters: Sequence[Path]) -> None:
    """As served, without lookups, and without help: in turns. Nothing is written beside it."""
    model, tokens, prefix = bench.model, bench.tokens, bench.tokens.completion(PREFIX)
    texts, guides = passages(plan.texts, WORDS), Guides(bench.tokens, model.device)

    def written(bank: Bank, slot: int, *, looks_up: bool = True, is_helped: bool = True) -> tuple[float, int, int, int]:
        taken = words = steps = drafted = 0.0
        for seed, text in enumerate(texts):
            prompt = tokens.prompt(prompt_for(text, None))
            writing = Counted(model, bank.rows)
            source, helper = [*prefix, *prompt] if looks_up else [], guides.of(text).help if is_helped else alone
            line = Line(slot, seed, 2 * len(prompt), HEAT, helper=helper, source=source)
            writing.join(prompt, [line])
            writing.step()
            started = time.perf_counter()
            while not line.is_over:
                writing.step()
            taken += time.perf_counter() - started
            words, steps, drafted = words + len(line.ids) - 1, steps + writing.steps, drafted + writing.drafted
        return taken, int(words), int(steps), int(drafted)

    people: list[tuple[str, Adapter | None]] = [("the base", None)]
    digest = read_card(base).digest
    people += [(path.stem[:12], adapter_file.read(path, model.architecture, base_digest=digest)) for path in adapters]
    for name, adapter in people:
        rank = 1 if adapter is None else adapter.rank + adapter.voice_rank
        bank = _bank(model, 1, rank)
        if adapter is not None:
            bank.load(1, adapter, next(iter(adapter.voices), None))
        slot = int(adapter is not None)
        turns = {
            "as served": partial(written, bank, slot),
            "nothing looked up": partial(written, bank, slot, looks_up=False),
            "names not helped": partial(written, bank, slot, is_helped=False),
        }
        alternate(turns, 1)
        found = alternate(turns, plan.rounds)
        speeds = {way: [words / taken for taken, words, _, _ in turn] for way, turn in found.items()}
        for way, turn in found.items():
            _, words, steps, drafted = turn[0]
            report.row(
                "one person, looking up and helped",
                whose=name,
                how=way,
                tokens_per_step=words / max(1, steps),
                kept_of_looked_up=(words - steps) / drafted if drafted else None,
                tokens_per_s=Summary.of(speeds[way]),
                served_over_it=ratio(speeds["as served"], speeds[way]),
            )


def _paths(report: Report, bench: Bench, base: Path, plan: Plan) -> None:
    """The same base through transformers' own code, as any other decoder goes."""
    general = Bench.new(GeneralModel.load(base, dtype=bench.model.dtype), base, plan.people)
    for people in sorted({1, plan.people}):
        slots = range(1, people + 1)
        turns = {
            name: partial(each.speed, slots, 1, plan.tokens) for name, each in (("fast", bench), ("general", general))
        }
        alternate(turns, 1)
        speeds = alternate(turns, plan.rounds)
        for name, found in speeds.items():
            over = ratio(found, speeds["general"])
            report.row("paths", people=people, path=name, tokens_per_s=Summary.of(found), over_general=over)


def _company(report: Report, base: Path, plan: Plan) -> None:
    for dtype in (torch.float32, torch.bfloat16):
        few = best_dtype(device()) == torch.float32 and dtype == torch.bfloat16  # emulated, slowly
        bench = Bench.new(LlamaModel.load(base, device=device(), dtype=dtype), base, 4)
        found = compared(bench.model, bench.bank, bench.prompts, plan.tokens, 2 if few else plan.mixes)
        report.row(
            "mixes",
            dtype=str(dtype).removeprefix("torch."),
            mixes=found.mixes,
            texts_that_part=found.parted,
            largest_difference_of_a_logit=found.largest,
        )


def main() -> None:
    parser = command.parser("choices", __doc__.split("\n")[0])
    parser.add_argument(
        "--adapter", type=Path, action="append", default=[], help="file of somebody trained on the base"
    )
    given: argparse.Namespace = parser.parse_args()
    command.hush()
    report = run(
        QUICK if given.quick else FULL, command.base_folder(given.base), threads=given.threads, adapters=given.adapter
    )
    command.told(report, given)


if __name__ == "__main__":
    main()
