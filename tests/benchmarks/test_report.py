"""One set of rows, as JSON and as a table."""

import io
import json
from pathlib import Path

from rich.console import Console

from benchmarks.common.machine import describe
from benchmarks.common.report import Report
from benchmarks.common.statistics import Summary


def test_a_report_has_its_figures_at_the_top_and_says_what_did_not_run(tmp_path: Path) -> None:
    report = Report("serving", describe(2), keys={"ratio": 1.23456, "other": None}, goals={"ratio": ">= 1"})
    report.row("speed", who="ours", tokens=Summary.of([1.0, 3.0]), note=None)
    report.row("speed", who="theirs", tokens=2.0)
    report.failures["peer"] = "pip [ended]"
    report.write(tmp_path / "deep" / "report.json")
    content = json.loads((tmp_path / "deep" / "report.json").read_text())
    assert content["ratio"] == 1.235
    assert content["other"] is None
    assert content["tables"]["speed"][0]["tokens"] == {"median": 2.0, "low": 1.0, "high": 3.0, "count": 2}
    assert content["not_run"] == {"peer": "pip [ended]"}
    assert content["machine"]["threads"] == 2
    assert isinstance(content["machine"]["is_shared"], bool)

    shown = io.StringIO()
    report.show(Console(file=shown, width=100))
    assert "2 (1–3)" in shown.getvalue()
    assert "not run: peer: pip [ended]" in shown.getvalue()
