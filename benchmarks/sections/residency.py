"""More adapters than slots: what a cold one costs, and what the swapping costs those whose adapters are resident.

Adapter files lie in the page cache, as they do on a machine that has just fetched them.
"""

import itertools
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from app.inference import adapter_file
from app.inference.engine import Engine
from app.inference.types import EngineError
from benchmarks.common.contestant import Contestant, ContestantFailed
from benchmarks.common.report import Report
from benchmarks.common.rounds import alternate
from benchmarks.common.statistics import Summary, quantile, ratio
from benchmarks.common.workload import Workload, passages
from benchmarks.peers.ours import WAIT_S, open_engine, spec

SLOTS = 8
WORDS = 40
SWAP_EVERY_S = 0.05
COLD, LOAD = "cold adapters", f"{SLOTS} slots under load"


@dataclass(frozen=True)
class Scale:
    cold_files: int
    peft_loads: int
    """After one that is not counted."""
    first_tokens: int
    """Pairs of a cold and a warm request."""
    clients: int
    requests: int
    """Of all clients together, per turn."""
    tokens: int
    rounds: int


@dataclass(frozen=True)
class Latencies:
    seconds: Sequence[float]
    tokens_per_second: float


def measure(
    report: Report,
    workload: Workload,
    scale: Scale,
    *,
    threads: int,
    peft: Contestant | None,
    keep: Callable[[Report], None] = lambda report: None,
) -> None:
    """Rows and figures of cold loads, first tokens, Zipf traffic, a hot set of twice the slots and swaps under load.

    `keep` sees each.
    """
    engine = open_engine(workload.base, workload.folder / "adapters", slots=SLOTS, threads=threads, exact=True)
    try:
        for digest in workload.adapters:
            workload.file(digest).read_bytes()
        _cold_loads(report, engine, workload, scale, peft)
        for part in (_first_tokens, _traffic, _swaps):
            keep(report)
            part(report, engine, workload, scale)
        keep(report)
    finally:
        engine.stop()


def _cold_loads(report: Report, engine: Engine, workload: Workload, scale: Scale, peft: Contestant | None) -> None:
    files = workload.adapters[: max(scale.cold_files, SLOTS + 1)]
    for digest in files[:SLOTS]:
        engine.warm(digest)
    # In turn, so that the least recently used slot is never the one that is asked for next.
    loads = [engine.warm(digest) for _ in range(2) for digest in files]
    report.keys["cold_load_p50_ms"] = quantile(loads, 0.5)
    report.keys["cold_load_p99_ms"] = quantile(loads, 0.99)
    limit = [_least(workload, digest) for digest in files]
    least = quantile(limit, 0.5)
    for what, values in (("limit: read, SHA-256", limit), ("load, verified", loads)):
        p50 = quantile(values, 0.5)
        report.row(
            COLD, what=what, p50_ms=p50, p99_ms=quantile(values, 0.99), share_of_limit=least / p50, count=len(values)
        )
    report.keys["cold_load_vs_peft"] = None
    if peft is None:
        return
    try:
        question = {"op": "load", "folder": peft.setup["peft"][0]}
        peft.ask(question)
        theirs = [1000 * float(peft.ask(question)["seconds"]) for _ in range(scale.peft_loads)]
    except ContestantFailed as error:
        report.failures["PEFT load_adapter"] = str(error)
        return
    p50, p99 = quantile(theirs, 0.5), quantile(theirs, 0.99)
    report.row(COLD, what="PEFT load_adapter", p50_ms=p50, p99_ms=p99, share_of_limit=least / p50, count=len(theirs))
    report.keys["cold_load_vs_peft"] = p50 / quantile(loads, 0.5)


def _least(workload: Workload, digest: str) -> float:
    """Milliseconds of what no verified load can do without."""
    started = time.perf_counter()
    adapter_file.digest_of(workload.file(digest).read_bytes())
    return 1000 * (time.perf_counter() - started)


def _first_tokens(report: Report, engine: Engine, workload: Workload, scale: Scale) -> None:
    (passage,) = passages(1, WORDS)
    warm, *others = workload.adapters
    cold = itertools.cycle(others)

    def first(digest: str) -> float:
        started = time.perf_counter()
        engine.submit(spec(passage, digest, 1)).answer.result(WAIT_S)
        return 1000 * (time.perf_counter() - started)

    first(warm)
    turns: dict[str, Callable[[], float]] = {"warm": lambda: first(warm), "cold": lambda: first(next(cold))}
    found = alternate(turns, scale.first_tokens)
    for name, values in found.items():
        report.row(
            COLD,
            what=f"first token, {name}",
            p50_ms=quantile(values, 0.5),
            p99_ms=quantile(values, 0.99),
            count=len(values),
        )
    differences = [c - w for c, w in zip(found["cold"], found["warm"], strict=True)]
    report.keys["cold_minus_warm_ttft_ms"] = Summary.of(differences)


def _traffic(report: Report, engine: Engine, workload: Workload, scale: Scale) -> None:
    everyone = workload.adapters
    weights = [1 / (place + 1) for place in range(len(everyone))]
    chance = random.Random(0)

    def zipf() -> str:
        return chance.choices(everyone, weights)[0]

    resident, twice = f"{SLOTS} adapters, all resident", f"{2 * SLOTS} adapters, twice the slots"
    crowd = f"Zipf over {len(everyone)} adapters"
    turns: dict[str, Callable[[], Latencies]] = {
        resident: lambda: _driven(engine, scale, lambda: chance.choice(everyone[:SLOTS])),
        twice: lambda: _driven(engine, scale, lambda: chance.choice(everyone[: 2 * SLOTS])),
        crowd: lambda: _driven(engine, scale, zipf),
    }
    turns[resident]()
    found = alternate(turns, scale.rounds)
    p99 = {name: [quantile(each.seconds, 0.99) for each in each_turn] for name, each_turn in found.items()}
    speed = {name: [each.tokens_per_second for each in each_turn] for name, each_turn in found.items()}
    for name in found:
        report.row(
            LOAD,
            what=name,
            tokens_per_s=Summary.of(speed[name]),
            of_resident=ratio(speed[name], speed[resident]),
            p50_ms=1000 * Summary.of([quantile(each.seconds, 0.5) for each in found[name]]).median,
            p99_ms=1000 * Summary.of(p99[name]).median,
        )
    report.keys["zipf_over_resident"] = ratio(speed[crowd], speed[resident])
    report.keys["p99_twice_the_slots"] = ratio(p99[twice], p99[resident])


def _driven(engine: Engine, scale: Scale, choose: Callable[[], str]) -> Latencies:
    """So many clients at once, each asking again as soon as it is answered."""
    texts = passages(scale.clients, WORDS)
    asked = [(texts[number % len(texts)], choose()) for number in range(scale.requests)]

    def one(request: tuple[str, str]) -> float:
        started = time.perf_counter()
        engine.submit(spec(*request, scale.tokens)).answer.result(WAIT_S)
        return time.perf_counter() - started

    started = time.perf_counter()
    with ThreadPoolExecutor(scale.clients) as clients:
        seconds = list(clients.map(one, asked))
    return Latencies(seconds, scale.requests * scale.tokens / (time.perf_counter() - started))


def _swaps(report: Report, engine: Engine, workload: Workload, scale: Scale) -> None:
    """Half of the slots serve; the other half take a new adapter every few milliseconds."""
    busy, others = workload.adapters[: SLOTS // 2], itertools.cycle(workload.adapters[SLOTS // 2 :])
    loads: list[float] = []

    def serve() -> float:
        chance = random.Random(0)  # the same people in every turn
        return _driven(engine, scale, lambda: chance.choice(busy)).tokens_per_second

    def serve_while_swapping() -> float:
        is_over = threading.Event()

        def swap() -> None:
            while not is_over.wait(SWAP_EVERY_S):
                try:
                    loads.append(engine.warm(next(others)))
                except EngineError:
                    continue  # every slot was in use for a moment

        swapper = threading.Thread(target=swap)
        swapper.start()
        try:
            return serve()
        finally:
            is_over.set()
            swapper.join()

    quiet, swapping = "half the slots serve", f"… while every {1000 * SWAP_EVERY_S:.0f} ms another adapter is loaded"
    found = alternate({quiet: serve, swapping: serve_while_swapping}, scale.rounds)
    for name, values in found.items():
        report.row(
            LOAD,
            what=name,
            tokens_per_s=Summary.of(values),
            of_resident=ratio(values, found[quiet]),
            p50_ms=quantile(loads, 0.5) if name == swapping and loads else None,
        )
    report.keys["swapping_over_quiet"] = ratio(found[swapping], found[quiet])
