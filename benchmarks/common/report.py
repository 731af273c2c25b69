"""One table for people and one JSON file for everything else, from the same rows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.common.statistics import Summary, rounded

WIDTH = 160
"""Of the printed tables, wherever they are printed to."""

Cell = str | float | int | bool | Summary | None


@dataclass
class Report:
    """Rows as they are measured, figures that goals are set for, and what could not be run."""

    name: str
    machine: Mapping[str, Any]
    about: list[str] = field(default_factory=list)
    """What the rows do and do not say."""
    keys: dict[str, float | Summary | None] = field(default_factory=dict)
    """Top level of the JSON, as a number, with the range of several rounds under `spread`; None where a contestant or a
    section is missing."""
    goals: Mapping[str, str] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Cell]]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def row(self, table: str, **cells: Cell) -> None:
        self.tables.setdefault(table, []).append(cells)

    def content(self) -> dict[str, Any]:
        return {
            "benchmark": self.name,
            "machine": dict(self.machine),
            "about": self.about,
            **{key: _figure(value) for key, value in self.keys.items()},
            "spread": {key: value.report() for key, value in self.keys.items() if isinstance(value, Summary)},
            "goals": dict(self.goals),
            "tables": {
                title: [{name: _plain(cell) for name, cell in row.items()} for row in rows]
                for title, rows in self.tables.items()
            },
            "not_run": self.failures,
            "details": self.details,
        }

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.content(), indent=1, ensure_ascii=False, allow_nan=False) + "\n")

    def show(self, console: Console | None = None) -> None:
        console = console or Console(width=WIDTH)
        for title, rows in self.tables.items():
            console.print(_table(title, rows))
        if self.keys:
            rows = [
                {"figure": key, "measured": value, "goal": self.goals.get(key, "")} for key, value in self.keys.items()
            ]
            console.print(_table("figures", rows))
        for name, reason in self.failures.items():
            console.print(f"not run: {name}: {reason}", markup=False)


def _table(title: str, rows: Sequence[Mapping[str, Cell]]) -> Table:
    table = Table(title=title, title_justify="left")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(_shown(row.get(column)) for column in columns))
    return table


def _shown(cell: Cell) -> str:
    if cell is None:
        return "–"
    return f"{rounded(cell):g}" if isinstance(cell, float) else str(cell)


def _figure(value: float | Summary | None) -> float | None:
    if value is None:
        return None
    return rounded(value.median if isinstance(value, Summary) else value)


def _plain(cell: Cell) -> Any:
    if isinstance(cell, Summary):
        return cell.report()
    return rounded(cell) if isinstance(cell, float) else cell
