"""Tables as data, and as Markdown that people read. A figure is shown with its interval wherever it has one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.learning.bootstrap import Interval

Cell = str | float | int | bool | Interval | None


@dataclass(frozen=True)
class Table:
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    """The first cell of each names it."""
    notes: Sequence[str] = field(default=())

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {self.title!r} has {len(row)} cells for {len(self.columns)} columns")

    def markdown(self) -> str:
        lines = [f"## {self.title}", ""]
        lines += ["| " + " | ".join(self.columns) + " |", "|" + "---|" * len(self.columns)]
        lines += ["| " + " | ".join(map(shown, row)) + " |" for row in self.rows]
        if self.notes:
            lines += ["", *(f"- {note}" for note in self.notes)]
        return "\n".join(lines)

    def cells(self) -> list[list[str]]:
        """As a terminal shows them, which has no room for intervals."""
        means = [[cell.mean if isinstance(cell, Interval) else cell for cell in row] for row in self.rows]
        return [[shown(cell).replace("**", "").replace("\\|", "|") for cell in row] for row in means]

    def report(self) -> dict[str, Any]:
        """Plain JSON values; intervals as [mean, low, high]."""
        rows = [dict(zip(self.columns, map(plain, row), strict=True)) for row in self.rows]
        return {"title": self.title, "rows": rows, "notes": list(self.notes)}


def shown(cell: Cell) -> str:
    match cell:
        case None:
            return "–"
        case bool():
            return "passed" if cell else "**failed**"
        case Interval():
            if math.isnan(cell.mean):
                return "–"
            ends = "" if cell.low == cell.high else f" [{_number(cell.low)}, {_number(cell.high)}]"
            return _number(cell.mean) + ends
        case int():
            return str(cell)
        case float():
            return _number(cell)
    return cell.replace("|", "\\|").replace("\n", " ")


def plain(cell: Cell) -> Any:
    if isinstance(cell, Interval):
        return [plain(value) for value in (cell.mean, cell.low, cell.high)]
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    return cell


def _number(value: float) -> str:
    if math.isnan(value):
        return "–"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:.{digits}f}"
    return text.replace("-0.", "-.") if text.startswith("-0.") else text.removeprefix("0") if value < 1 else text
