"""What an evaluation leaves behind: `report.json`, `report.md`, `texts.md` and plots, in one folder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.evaluation.figures import Figure
from app.evaluation.files import write_text
from app.evaluation.tables import Table

SIDE_BY_SIDE = 10
NO_PLOTS = "No plots: matplotlib is not installed. Install the extra `plots` and run the same command again."


@dataclass(frozen=True)
class Shown:
    """One text as every arm wrote it."""

    whose: str
    source: str
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class Report:
    title: str
    about: Sequence[str]
    """What the tables do and do not show: who rewards, who judges, seeds, sizes."""
    tables: Sequence[Table]
    figures: Sequence[Figure] = field(default=())
    texts: Sequence[Shown] = field(default=())
    details: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON values that no table shows."""

    def write(self, folder: Path) -> list[str]:
        """The names of the files written."""
        notes, drawn = list(self.about), list[str]()
        try:
            drawn = [figure.draw(folder).name for figure in self.figures]
        except ImportError:
            notes.append(NO_PLOTS)
        content = {
            "title": self.title,
            "about": notes,
            "tables": [table.report() for table in self.tables],
            "figures": drawn,
            "details": self.details,
        }
        write_text(folder / "report.json", json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        write_text(folder / "report.md", self._markdown(notes, drawn))
        written = ["report.json", "report.md", *drawn]
        if self.texts:
            write_text(folder / "texts.md", self._side_by_side())
            written.append("texts.md")
        return written

    def _markdown(self, notes: Sequence[str], drawn: Sequence[str]) -> str:
        parts = [f"# {self.title}", "\n".join(f"- {note}" for note in notes)]
        parts += [table.markdown() for table in self.tables]
        parts += [f"![{figure.title}]({name})" for figure, name in zip(self.figures, drawn, strict=False)]
        if self.texts:
            parts.append("A score is not quality: read [the texts side by side](texts.md).")
        return "\n\n".join(parts) + "\n"

    def _side_by_side(self) -> str:
        parts = ["# The same texts, side by side"]
        for whose in dict.fromkeys(shown.whose for shown in self.texts):
            parts.append(f"## {whose}")
            for shown in [shown for shown in self.texts if shown.whose == whose][:SIDE_BY_SIDE]:
                lines = [f"**input** {_line(shown.source)}"]
                lines += [f"**{arm}** {_line(text)}" for arm, text in shown.outputs.items()]
                parts.append("\n\n".join(lines) + "\n\n---")
        return "\n\n".join(parts) + "\n"


def _line(text: str) -> str:
    """On one line, with the marks that Markdown would eat made harmless."""
    folded = " ⏎ ".join(line.strip() for line in text.splitlines() if line.strip())
    return "".join("\\" + c if c in "*_`<>#[]\\" else c for c in folded)
