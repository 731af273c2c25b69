"""Where the time goes of a step, of reading prompts and of a cold load: `python -m benchmarks.profiling`.

No comparison with anybody: it tells what stands in the way of the goals that `serving.py` misses. Operators are named
and timed by torch's profiler, which costs time itself, so the shares count and each table's first row is the truth.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from app.inference import adapter_file
from app.inference.bank import Bank, BankDelta
from app.inference.card import read_card
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from app.inference.types import prompt_for
from app.storage import LocalStorage, Near
from benchmarks.common import command
from benchmarks.common.machine import describe
from benchmarks.common.report import Report
from benchmarks.common.statistics import Summary, quantile
from benchmarks.common.workload import RANK, Workload, passages
from benchmarks.peers.ours import engine_for

WORDS = 40
SHOWN = 9
ABOUT = [
    "A quiet machine's processor may still be shared with others that are not seen: repeat, and look at the spread.",
    "mkldnn::_linear_pointwise and aten::mm are the base's linears; embedding_bag, bmm and baddbmm the adapters'.",
]


@dataclass(frozen=True)
class Plan:
    people: int
    tokens: int
    rounds: int
    loads: int


FULL = Plan(people=16, tokens=32, rounds=5, loads=200)
QUICK = Plan(people=2, tokens=4, rounds=1, loads=4)


def run(plan: Plan, base: Path, folder: Path, *, threads: int) -> Report:
    report = Report("profiling", describe(threads), list(ABOUT))
    torch.set_num_threads(threads)
    workload = Workload.make(base, folder, adapters=max(plan.people, plan.loads))
    model = LlamaModel.load(base)
    bank = Bank(model.architecture, slots=plan.people, rank=RANK, dtype=model.dtype, device=model.device)
    for slot, digest in enumerate(workload.adapters[: plan.people], 1):
        bank.load(slot, workload.adapter(digest))
    mixed = bank.rows(range(1, plan.people + 1))
    with torch.inference_mode():
        for whose, delta in (("the base", None), ("an adapter each", mixed)):
            prompts, step = _work(model, base, delta, plan)
            _profiled(report, f"reading {plan.people} prompts, {whose}", prompts, plan.rounds)
            _profiled(report, f"a step of {plan.people} rows, {whose}", step, plan.rounds * plan.tokens)
    _cold_loads(report, model, workload, plan, threads)
    report.details |= {"base": base.name, "dtype": str(model.dtype).removeprefix("torch."), "rank": RANK}
    return report


def _work(
    model: LlamaModel, base: Path, delta: BankDelta | None, plan: Plan
) -> tuple[Callable[[], object], Callable[[], object]]:
    """Reading everybody's prompt, and one token more for everybody, at the places where a text's middle is."""
    tokens = Tokens.load(base)
    ids = [tokens.prompt(prompt_for(text, None)) for text in passages(plan.people, WORDS)]
    reading = model.prefill(ids, delta)
    reading.advance()
    writing = model.decoding()
    writing.join(reading, list(range(plan.people)), plan.tokens)
    words = reading.logits().argmax(-1, keepdim=True)

    def read() -> object:
        again = model.prefill(ids, delta)
        again.advance()
        return again.logits()

    return read, lambda: writing.feed(words, delta)


def _profiled(report: Report, title: str, work: Callable[[], object], times: int) -> None:
    work()
    wall = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        wall.append(1000 * (time.perf_counter() - started))
    report.row(title, operator="all, unprofiled", ms=Summary.of(wall), share=1.0)
    with profile(activities=[ProfilerActivity.CPU]) as found:
        for _ in range(times):
            work()
    operators = sorted(found.key_averages(), key=lambda each: each.self_cpu_time_total, reverse=True)
    total = sum(each.self_cpu_time_total for each in operators)
    for each in operators[:SHOWN]:
        report.row(
            title,
            operator=each.key,
            ms=each.self_cpu_time_total / 1000 / times,
            share=each.self_cpu_time_total / total,
            calls=each.count / times,
        )
    rest = sum(each.self_cpu_time_total for each in operators[SHOWN:])
    report.row(title, operator="everything else", ms=rest / 1000 / times, share=rest / total)


def _cold_loads(report: Report, model: LlamaModel, workload: Workload, plan: Plan, threads: int) -> None:
    """What a cold load is made of, each alone, beside the whole, in which hashing and checking go side by side: what
    those two take together is the last row."""
    torch.set_num_threads(1)  # as whoever asks the server for an adapter
    slots, digest = min(8, plan.people), read_card(workload.base).digest
    engine = engine_for(model, workload.base, workload.folder / "adapters", threads=threads, slots=slots, rank=RANK)
    found: dict[str, list[float]] = {}

    @contextmanager
    def timed(piece: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        found.setdefault(piece, []).append(1000 * (time.perf_counter() - started))

    def unpacked(content: bytes) -> adapter_file.Adapter:
        return adapter_file.unpack(content, model.architecture, base_digest=digest)

    near = Near(LocalStorage.at(workload.folder / "adapters"))
    try:
        bank = Bank(model.architecture, slots=slots, rank=RANK, dtype=model.dtype, device=model.device)
        for number, name in enumerate(workload.adapters[: plan.loads]):
            workload.file(name).read_bytes()  # as if just fetched
            with timed("whole"):
                engine.warm(name)
            with timed("read"):
                content = workload.file(name).read_bytes()
            with timed("SHA-256"):
                adapter_file.digest_of(content)
            with timed("check"):
                adapter = unpacked(content)
            with timed("fill a slot"):
                bank.load(1 + number % slots, adapter)
            with timed("read, SHA-256 beside check"):
                near.read(name, unpacked)
    finally:
        engine.stop()
    for name, taken in found.items():
        report.row("a cold load", piece=name, p50_ms=quantile(taken, 0.5), p99_ms=quantile(taken, 0.99))


def main() -> None:
    given = command.parser("profiling", __doc__.split("\n")[0]).parse_args()
    command.hush()
    plan, folder = QUICK if given.quick else FULL, command.work_folder(given.folder)
    report = run(plan, command.base_folder(given.base), folder, threads=given.threads)
    command.told(report, given)


if __name__ == "__main__":
    main()
