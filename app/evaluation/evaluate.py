"""One suite from its arms to its report: what `idiolect evaluate` runs."""

import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from rich.console import Console

from app.config import Settings
from app.evaluation.detecting import human_scale, read
from app.evaluation.files import alone
from app.evaluation.judging import Judge
from app.evaluation.plan import Plan
from app.evaluation.report import Report
from app.evaluation.runner import Arm, Results, begin, must_be_begun, run, so_far
from app.evaluation.suites import arf, artefacts, authors, dropout
from app.evaluation.training import apart
from app.evaluation.workshop import Workshop
from app.inference import hub
from app.inference.catalogue import models
from app.learning.rewards.human import Detector


@dataclass(frozen=True)
class Suite:
    arms: Callable[[Workshop, Plan], list[Arm]]
    report: Callable[[Workshop, Plan, Results], Report]


SUITES: Final = {
    "artefacts": Suite(artefacts.arms, artefacts.report),
    "dropout": Suite(dropout.arms, dropout.report),
    "authors": Suite(authors.arms, authors.report),
    "arf": Suite(arf.arms, arf.report),
}
DETECTED = ("dropout",)
"""Suites with a column P(human), where the data for it are given."""

OF_REAL_PEOPLE = ("authors",)
"""Suites that leave neither texts nor adapters of people behind, whether they end, fail or are told to end; what a run
that was killed has left, the next one in its folder removes. So what a run was at begins again."""


def evaluate(
    plan: Plan, settings: Settings, console: Console, judge: Judge | None = None, *, is_so_far: bool = False
) -> Report:
    """Run what is missing in the plan's folder, then write its report there. Raises CannotEvaluate, BaseUnavailable.

    With `is_so_far` nothing is run: the report is of what the folder holds, and names what is missing.
    """
    if is_so_far:
        must_be_begun(plan.folder)
    suite = SUITES[plan.suite]
    shop = Workshop(settings, judge=judge)
    if has_detector := plan.suite in DETECTED and plan.data is not None:
        plan.data_folder("machine_text")  # that it is missing is said before anything is begun
    arms = suite.arms(shop, plan)
    judged_by = judge.about if judge else "embedded proxy"
    asked = plan.asked(shop.card.digest, judge=judged_by, detector=has_detector, models=models_used(settings))
    if is_so_far:
        results = so_far(arms, plan.folder, asked)
    else:
        with alone(plan.folder):
            if plan.suite in OF_REAL_PEOPLE:
                _remove(plan.scratch)
            begin(arms, plan.folder, asked, plan.only)
            with _scratch(plan), apart(plan.scratch, settings.base_model):
                if has_detector:
                    shop.p_human = _detector(shop, plan)
                results = run(arms, plan.folder, asked, console, plan.only)
    report = suite.report(shop, plan, results)
    if results.missing:
        report = replace(report, about=[*report.about, f"Not run yet: {', '.join(results.missing)}."])
    report.write(plan.folder)
    return report


@contextmanager
def _scratch(plan: Plan) -> Iterator[None]:
    plan.scratch.mkdir(parents=True, exist_ok=True)
    if plan.suite not in OF_REAL_PEOPLE:
        yield
        return
    with _ended_in_order():
        try:
            yield
        finally:
            _remove(plan.scratch)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Told to end, a process clears up as it does when it is interrupted. Only its main thread can be told."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, lambda number, frame: sys.exit(128 + number)) for number in told]
    try:
        yield
    finally:
        for number, handler in zip(told, before, strict=True):
            signal.signal(number, handler)


def models_used(settings: Settings) -> dict[str, str]:
    """Which models reward, score and find entities, beside the base: by digest, or a hub's by its id, which is known
    before it was ever fetched."""
    return {
        model.name: model.source if hub.is_id(model.source) else model.sha256 or model.source
        for model in models(settings)
        if model.name != "base"
    }


def _detector(shop: Workshop, plan: Plan) -> Detector:
    """P(human) by the base's likelihood, fitted on machine and human texts: it evaluates and never rewards."""
    texts = read(plan.data_folder("machine_text") / "machine_text")
    likelihood = shop.likelihood
    scale = human_scale(texts[:: 8 if plan.is_quick else 1], likelihood, shop.chat.tokens)
    return lambda written: scale(likelihood(written))
