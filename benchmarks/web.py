"""What the web process costs: POST /v1/rewrite beside a bare route that reads and writes the same rows.

Run with `python -m benchmarks.web`. The engine answers at once, so all that is left is HTTP, authentication, the
database and the doorbell. Both are one process on the loopback, with databases of their own, equally durable.
"""

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import command
from benchmarks.common.contestant import Contestant, started
from benchmarks.common.load import Load, LoadFailed, Target, driven, generator
from benchmarks.common.machine import describe
from benchmarks.common.report import Report
from benchmarks.common.rounds import alternate
from benchmarks.common.statistics import Summary, ratio

OURS, BARE = "POST /v1/rewrite", "bare route"
GOALS = {"web_over_bare": "<= 2"}
TEXT = "The train to Leeds leaves at nine, so please be at the station ten minutes before and bring the tickets."


@dataclass(frozen=True)
class Plan:
    people: int
    connections: Sequence[int]
    seconds: float
    rounds: int


FULL = Plan(people=1000, connections=(1, 8), seconds=6, rounds=4)
QUICK = Plan(people=20, connections=(1, 4), seconds=1, rounds=1)


def run(plan: Plan, folder: Path, *, threads: int = 1) -> Report:
    """A row for each side and number of connections. Raises SystemExit if a server does not start, LoadFailed."""
    report = Report(
        "web",
        describe(threads),
        [
            f"Load by {generator()}, closed loop, on the same machine.",
            "web_over_bare is the bare route's requests per second over ours, at the most connections.",
        ],
        dict.fromkeys(GOALS),
        GOALS,
    )
    people = [f"person-{number}" for number in range(plan.people)]
    contestants = [
        _server(folder, OURS, "web_ours", people, threads),
        _server(folder, BARE, "web_bare", people, threads),
    ]
    try:
        alive, failures = started(contestants)
        if failures:
            raise SystemExit(f"not started: {failures}")
        bodies = [{"user_id": name, "text": TEXT} for name in people]
        targets = {
            each.name: Target(f"http://127.0.0.1:{each.facts['port']}/v1/rewrite", each.facts["key"], bodies)
            for each in alive
        }
        for connections in plan.connections:
            _measure(report, targets, plan, connections)
    finally:
        for contestant in contestants:
            contestant.stop()
            shutil.rmtree(contestant.setup["data"], ignore_errors=True)
    return report


def _measure(report: Report, targets: dict[str, Target], plan: Plan, connections: int) -> None:
    def taken(target: Target) -> Callable[[], Load]:
        def turn() -> Load:
            load = driven(target, connections=connections, seconds=plan.seconds)
            # A refusal is quick: requests that failed would count as speed.
            if load.errors:
                raise LoadFailed(f"{load.errors} requests to {target.url} failed")
            return load

        return turn

    turns = {name: taken(target) for name, target in targets.items()}
    for target in targets.values():
        driven(target, connections=connections, seconds=1)
    found = alternate(turns, plan.rounds)
    speed = {name: [each.per_second for each in loads] for name, loads in found.items()}
    for name, loads in found.items():
        report.row(
            "requests",
            connections=connections,
            who=name,
            per_second=Summary.of(speed[name]),
            p50_ms=Summary.of([each.p50_ms for each in loads]),
            p99_ms=Summary.of([each.p99_ms for each in loads]),
            over_bare=ratio(speed[BARE], speed[name]),
            share_of_bare=ratio(speed[name], speed[BARE]),
        )
    report.keys["web_over_bare"] = ratio(speed[BARE], speed[OURS])


def _server(folder: Path, name: str, module: str, people: list[str], threads: int) -> Contestant:
    data = folder / module
    shutil.rmtree(data, ignore_errors=True)
    setup = {"data": str(data), "people": people, "threads": threads}
    return Contestant(name, f"benchmarks.peers.{module}", sys.executable, setup, folder / "logs" / f"{module}.log")


def main() -> None:
    given = command.parser("web", __doc__.split("\n")[0]).parse_args()
    report = run(QUICK if given.quick else FULL, command.work_folder(given.folder))
    command.told(report, given)


if __name__ == "__main__":
    main()
