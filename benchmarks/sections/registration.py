"""Does a rewrite take longer when ten thousand versions are registered instead of ten?"""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

from app.inference.card import read_card
from benchmarks.common.contestant import Contestant, ContestantFailed
from benchmarks.common.report import Report
from benchmarks.common.rounds import alternate
from benchmarks.common.statistics import quantile
from benchmarks.common.workload import Workload, passages

WORDS = 40


@dataclass(frozen=True)
class Scale:
    few: int
    many: int
    files: int
    """Distinct ones, shared by the versions."""
    requests: int
    tokens: int
    rounds: int


def measure(report: Report, workload: Workload, scale: Scale, *, threads: int) -> None:
    """Rows of both, and `p50_10000_over_10`: the median latency with many over that with few.

    Many have more adapters than slots, so some of their requests find a cold one. A third row, of many registered of
    whom the same few ask, has registration alone: `p50_10000_over_10_same_people`.
    """
    contestants = [_contestant(workload, number, scale, threads) for number in (scale.few, scale.many)]
    try:
        for contestant in contestants:
            contestant.start()
        question = {"passages": passages(8, WORDS), "tokens": scale.tokens, "requests": scale.requests}

        def asked(contestant: Contestant, asking: int) -> Callable[[], list[float]]:
            return lambda: list(contestant.ask(question | {"asking": asking}, timeout_s=600)["seconds"])

        few, many = contestants
        same = f"{many.name}, of whom {few.name} ask"
        turns = {few.name: asked(few, scale.few), many.name: asked(many, scale.many), same: asked(many, scale.few)}
        for turn in turns.values():
            turn()
        found = alternate(turns, scale.rounds)
    except ContestantFailed as error:
        report.failures["registered versions"] = str(error)
        report.keys |= dict.fromkeys(("p50_10000_over_10", "p50_10000_over_10_same_people"))
        return
    finally:
        for contestant in contestants:
            contestant.stop()
            shutil.rmtree(contestant.setup["data"], ignore_errors=True)
    medians = {}
    for name, rounds in found.items():
        seconds = [each for turn in rounds for each in turn]
        medians[name] = quantile(seconds, 0.5)
        report.row(
            "registered versions",
            registered=name,
            p50_ms=1000 * medians[name],
            p99_ms=1000 * quantile(seconds, 0.99),
            requests=len(seconds),
        )
    report.keys["p50_10000_over_10"] = medians[many.name] / medians[few.name]
    report.keys["p50_10000_over_10_same_people"] = medians[same] / medians[few.name]


def _contestant(workload: Workload, registered: int, scale: Scale, threads: int) -> Contestant:
    setup = {
        "base": str(workload.base),
        "base_digest": read_card(workload.base).digest,
        "adapters": str(workload.folder / "adapters"),
        "digests": workload.adapters[: scale.files],
        "data": str(workload.folder / f"registered-{registered}"),
        "registered": registered,
        "threads": threads,
    }
    shutil.rmtree(str(setup["data"]), ignore_errors=True)
    log = workload.folder / "logs" / f"registered-{registered}.log"
    return Contestant(str(registered), "benchmarks.peers.registered", sys.executable, setup, log)
