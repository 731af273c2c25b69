"""A figure with its bar: what was measured, what it should be, whether it is, and what others reach."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import torch

from app.evaluation.figures import Means
from app.evaluation.measures.intervals import mean
from app.evaluation.tables import Cell, Table
from app.learning.bootstrap import Interval

COLUMNS = ("figure", "measured", "bar", "", "others")


@dataclass(frozen=True)
class Figure:
    name: str
    values: Sequence[float]
    """One per text or task, of which the mean is the figure; or the figure alone."""
    least: float | None = None
    most: float | None = None
    anchor: str = ""
    verdicts: tuple[str, str] | None = None
    """Words for passed and failed, where the bar is a condition for something and nobody must reach it."""

    @property
    def measured(self) -> Interval:
        return mean(torch.tensor([list(self.values)], dtype=torch.float64))

    @property
    def is_owed(self) -> bool:
        """Whether the artefact was built to reach it."""
        return self.passed is not None and not self.verdicts

    @property
    def bar(self) -> float | None:
        return self.least if self.least is not None else self.most

    @property
    def passed(self) -> bool | None:
        """None where there is no bar. A figure that could not be measured passes none."""
        if self.least is None and self.most is None:
            return None
        value = self.measured.mean
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def row(self) -> list[Cell]:
        bar = "" if self.bar is None else f"{'≤' if self.least is None else '≥'} {self.bar:g}"
        verdict: Cell = "" if self.passed is None else self.passed
        if self.verdicts and self.passed is not None:
            verdict = self.verdicts[0] if self.passed else self.verdicts[1]
        return [self.name, self.measured, bar, verdict, self.anchor]

    def found(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, found: dict[str, Any]) -> Self:
        return cls(**found)


def table(title: str, figures: Sequence[Figure], notes: Sequence[str] = ()) -> Table:
    return Table(title, COLUMNS, [figure.row() for figure in figures], notes)


def plot(title: str, figures: Sequence[Figure]) -> Means:
    return Means(
        title.replace(" ", "-"),
        f"{title.capitalize()} (a stroke is a bar)",
        {"": {figure.name: figure.measured for figure in figures}},
        {figure.name: figure.bar for figure in figures if figure.bar is not None},
    )
