"""A report as files: JSON, Markdown, plots that really are pictures, texts that do not become Markdown."""

import builtins
import json
import math
from pathlib import Path
from typing import Any

import pytest

from app.evaluation.figures import Curves, Means, Shares
from app.evaluation.report import NO_PLOTS, Report, Shown
from app.evaluation.tables import Table
from app.learning.bootstrap import Interval

PNG = b"\x89PNG\r\n"
CURVES = Curves("deviation", "Deviation", "step", "std", {"work": {"with": [(1, 0.2), (2, 0.1)]}, "friends": {}})
SHARES = Shares("shares", "Shares", {"sam": {"input": {"work": 1.0}, "voice": {"work": 0.4, "friends": 0.6}}})
UNKNOWN = Interval(math.nan, math.nan, math.nan)
MEANS = Means("means", "Means", {"a": {"x": Interval(0.5, 0.4, 0.6), "never measured": UNKNOWN}, "b": {}}, {"x": 0.45})
REPORT = Report(
    "Proof",
    ["One seed."],
    [Table("Style", ["arm", "style"], [["voice", 0.5]])],
    [CURVES, SHARES, MEANS],
    [Shown("sam", f"text {i}", {"voice": "*so*\n\n#1 <b>"}) for i in range(12)],
    {"seeds": 1},
)


def test_everything_is_written(tmp_path: Path) -> None:
    assert REPORT.write(tmp_path) == [
        "report.json",
        "report.md",
        "deviation.png",
        "shares.png",
        "means.png",
        "texts.md",
    ]
    stored = json.loads((tmp_path / "report.json").read_text())
    assert stored["tables"][0]["rows"] == [{"arm": "voice", "style": 0.5}]
    assert stored["figures"] == ["deviation.png", "shares.png", "means.png"]
    markdown = (tmp_path / "report.md").read_text()
    assert "# Proof" in markdown
    assert "![Deviation](deviation.png)" in markdown
    for name in ("deviation.png", "shares.png", "means.png"):
        assert (tmp_path / name).read_bytes().startswith(PNG)


def test_ten_texts_are_shown_and_their_marks_are_harmless(tmp_path: Path) -> None:
    REPORT.write(tmp_path)
    texts = (tmp_path / "texts.md").read_text()
    assert texts.count("**input**") == 10
    assert "**voice** \\*so\\* ⏎ \\#1 \\<b\\>" in texts


def test_without_matplotlib_there_are_tables_and_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return found(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    assert REPORT.write(tmp_path) == ["report.json", "report.md", "texts.md"]
    assert NO_PLOTS in (tmp_path / "report.md").read_text()
    assert "](deviation.png)" not in (tmp_path / "report.md").read_text()
