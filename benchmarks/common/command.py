"""What the command lines of all benchmarks have in common."""

import argparse
import logging
import os
from pathlib import Path

import structlog

from app.config import get_settings
from benchmarks.common.report import Report

REPORTS = Path(__file__).parents[1] / "reports"


def parser(name: str, about: str) -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=about)
    found.add_argument("--quick", action="store_true", help="small numbers: says that it works, not how fast it is")
    found.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of every contestant")
    found.add_argument("--base", type=Path, help="folder of a base with its card; the settings' own otherwise")
    found.add_argument("--folder", type=Path, help="for adapters, environments and logs; in the data folder otherwise")
    found.add_argument("--output", type=Path, help=f"JSON file; {REPORTS.name}/{name}[-quick].json otherwise")
    return found


def work_folder(given: Path | None) -> Path:
    return (given or get_settings().data_dir / "benchmarks").resolve()


def report_path(name: str, given: Path | None, *, is_quick: bool) -> Path:
    """A quick run never overwrites a real report."""
    if given is not None:
        return given
    return work_folder(None) / f"{name}-quick.json" if is_quick else REPORTS / f"{name}.json"


def told(report: Report, given: argparse.Namespace) -> None:
    """Write it where it was asked for, and show it."""
    path = report_path(report.name, given.output, is_quick=given.quick)
    report.write(path)
    report.show()
    print(f"written to {path}")


def base_folder(given: Path | None) -> Path:
    from app.inference.base import ensure_base

    return given.resolve() if given is not None else ensure_base(get_settings()).resolve()


def hush() -> None:
    """The table is what is to be read, not the engine's line for every batch."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
