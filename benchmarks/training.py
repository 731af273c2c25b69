"""One step of reinforcement learning beside TRL's GRPOTrainer: `python -m benchmarks.training`.

The same base, rank, prompts, group, tokens, learning rate, dtype and reward; Dr.GRPO on both sides: no division by the
group's deviation, no KL term, constant normalisation. Every completion has exactly as many tokens as may be written.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.inference.types import prompt_for
from benchmarks.common import command
from benchmarks.common.contestant import Contestant, started
from benchmarks.common.machine import describe, device
from benchmarks.common.report import Report
from benchmarks.common.rounds import alternate
from benchmarks.common.statistics import Summary, ratio
from benchmarks.common.venvs import VenvFailed, python_of
from benchmarks.common.workload import passages

OURS, TRL = "ours", "TRL"
GOALS = {"step_vs_trl": ">= 2 (3 is the goal)"}
RANK, ALPHA, LEARNING_RATE = 32, 64.0, 1e-5
WORDS = 40
STEP_S = 600


@dataclass(frozen=True)
class Plan:
    prompts: int
    group: int
    tokens: int
    rounds: int


FULL = Plan(prompts=4, group=8, tokens=40, rounds=4)
QUICK = Plan(prompts=2, group=4, tokens=8, rounds=1)


def run(plan: Plan, base: Path, folder: Path, *, threads: int, with_trl: bool = True) -> Report:
    """A row for each side; a TRL that cannot run is named in the report and leaves the ratio None."""
    from app.inference.model import best_dtype

    place = device()
    report = Report(
        "training",
        describe(threads),
        [
            "A ratio is of completion tokens per second of whole steps: sampling, reward, update.",
            "The limit of our step: its sampling, and twice the time of reading what was written, without gradients.",
        ],
        dict.fromkeys(GOALS),
        GOALS,
    )
    texts = passages(plan.prompts * (plan.rounds + 1), WORDS)
    dtype = str(best_dtype(place)).removeprefix("torch.")
    setup = {
        "base": str(base),
        "threads": threads,
        "device": place,
        "dtype": dtype,
        "rank": RANK,
        "alpha": ALPHA,
        "learning_rate": LEARNING_RATE,
        "prompts": plan.prompts,
        "group": plan.group,
        "tokens": plan.tokens,
        # One more than is asked for: the first step warms up.
        "steps": plan.rounds + 1,
        "passages": texts,
        "prompt_texts": [prompt_for(text, None) for text in texts],
    }
    report.details |= {key: setup[key] for key in ("dtype", "rank", "prompts", "group", "tokens")} | {"base": base.name}
    contestants = [Contestant(OURS, "benchmarks.peers.training_ours", sys.executable, setup, folder / "logs/rl.log")]
    if with_trl:
        try:
            python = python_of("trl", folder / "venvs")
            log = folder / "logs" / "trl.log"
            contestants.append(Contestant(TRL, "benchmarks.peers.training_trl", python, setup, log))
        except (VenvFailed, OSError) as error:
            report.failures[TRL] = str(error)
    alive, failures = started(contestants)
    report.failures |= failures
    try:
        turns = {each.name: _step(each) for each in alive}
        alternate(turns, 1, failures=report.failures)
        turns = {name: turn for name, turn in turns.items() if name not in report.failures}
        _tell(report, alternate(turns, plan.rounds, failures=report.failures))
    finally:
        for contestant in alive:
            contestant.stop()
    report.details["contestants"] = {each.name: each.facts for each in alive}
    return report


def _step(contestant: Contestant) -> Callable[[], dict[str, Any]]:
    return lambda: contestant.ask({"op": "step"}, timeout_s=STEP_S)


def _tell(report: Report, steps: dict[str, list[dict[str, Any]]]) -> None:
    speed = {name: [each["completion_tokens"] / each["seconds"] for each in taken] for name, taken in steps.items()}
    for name, taken in steps.items():
        least = [each["sampling"] + 2 * each["reading"] for each in taken if "reading" in each]
        report.row(
            "a step",
            who=name,
            completion_tokens=int(taken[0]["completion_tokens"]),
            seconds=Summary.of([each["seconds"] for each in taken]),
            sampling_s=Summary.of([each["sampling"] for each in taken]),
            tokens_per_s=Summary.of(speed[name]),
            limit_s=Summary.of(least) if least else None,
            share_of_limit=ratio(least, [each["seconds"] for each in taken]) if least else None,
            beside_ours=ratio(speed[name], speed[OURS]),
        )
    if OURS in speed and TRL in speed:
        report.keys["step_vs_trl"] = ratio(speed[OURS], speed[TRL])


def main() -> None:
    given = command.parser("training", __doc__.split("\n")[0]).parse_args()
    plan, folder = QUICK if given.quick else FULL, command.work_folder(given.folder)
    report = run(plan, command.base_folder(given.base), folder, threads=given.threads)
    command.told(report, given)


if __name__ == "__main__":
    main()
