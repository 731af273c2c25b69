"""One suite from its arms to its report: what `idiolect evaluate` runs."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from rich.console import Console

from app.config import Settings
from app.evaluation.detecting import human_scale, read
from app.evaluation.judging import Judge
from app.evaluation.plan import ADAPTERS, Plan
from app.evaluation.report import Report
from app.evaluation.runner import Arm, Results, must_be_begun, run, so_far
from app.evaluation.suites import arf, artefacts, authors, dropout
from app.evaluation.training import apart, forget
from app.evaluation.workshop import Workshop
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
"""Suites that leave neither texts nor adapters of people behind."""


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
    has_detector = plan.suite in DETECTED and plan.data is not None
    if has_detector and not is_so_far:
        shop.p_human = _detector(shop, plan)
    with _own_house(plan, settings):
        arms = suite.arms(shop, plan)
        judged_by = judge.about if judge else "embedded proxy"
        asked = plan.asked(shop.card.digest, judge=judged_by, detector=has_detector, models=_used(settings))
        results = so_far(arms, plan.folder, asked) if is_so_far else run(arms, plan.folder, asked, console, plan.only)
        report = suite.report(shop, plan, results)
        if results.missing:
            report = replace(report, about=[*report.about, f"Not run yet: {', '.join(results.missing)}."])
        report.write(plan.folder)
    return report


@contextmanager
def _own_house(plan: Plan, settings: Settings) -> Iterator[None]:
    try:
        with apart(plan.folder, settings.base_model):
            yield
    finally:
        if plan.suite in OF_REAL_PEOPLE:
            forget(plan.folder)
            shutil.rmtree(plan.folder / ADAPTERS, ignore_errors=True)


def _used(settings: Settings) -> dict[str, str]:
    """Which models reward, score and find entities, beside the base: by digest, or a hub's by its id."""
    return {model.name: model.sha256 or model.source for model in models(settings) if model.name != "base"}


def _detector(shop: Workshop, plan: Plan) -> Detector:
    """P(human) by the base's likelihood, fitted on machine and human texts: it evaluates and never rewards."""
    texts = read(plan.data_folder("machine_text") / "machine_text")
    likelihood = shop.likelihood
    scale = human_scale(texts[:: 8 if plan.is_quick else 1], likelihood, shop.chat.tokens)
    return lambda written: scale(likelihood(written))
