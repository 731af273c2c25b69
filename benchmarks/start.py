"""How long each process takes from its start until it is ready, beside importing it: `python -m benchmarks.start`.

As the supervisor starts them, one at a time, in a data folder of their own whose base is converted already.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.config import Settings, get_settings
from app.db import migrate
from app.inference.base import ensure_base
from app.processes import Child, Program
from app.supervisor import programs
from benchmarks.common import command
from benchmarks.common.machine import describe
from benchmarks.common.report import Report
from benchmarks.common.rounds import alternate
from benchmarks.common.statistics import Summary

GOALS = {"web_start_s": "<= 2", "engine_start_s": "<= 6"}
READY = {"web": "/healthz", "engine": "/readyz"}
"""The web answers for itself at /healthz; its /readyz waits for the engine."""
IMPORTS = {"web": "import uvicorn, app.main", "engine": "import app.inference.server, app.inference.loader"}
ELSEWHERE = ("IDIOLECT_DATABASE_URL", "IDIOLECT_BROKER_URL", "IDIOLECT_STORAGE_URL")
"""What would take the processes away from their data folder."""
WAIT_S = 120.0
LOOK_EVERY_S = 0.01


@dataclass(frozen=True)
class Plan:
    rounds: int


FULL, QUICK = Plan(rounds=7), Plan(rounds=1)


def run(plan: Plan, folder: Path, base: Path | None = None) -> Report:
    """`base` is a folder to be converted; None is the settings' own. Raises SystemExit if a process never answers."""
    report = Report(
        "start",
        describe(os.cpu_count() or 1),
        ["From the process's start to its first good answer; an import is a Python process that does only that."],
        dict.fromkeys(GOALS),
        GOALS,
    )
    data = folder / "start"
    shutil.rmtree(data, ignore_errors=True)
    try:
        settings = _settled(data, base)
        found = {each.name: each for each in programs(settings) if each.name in READY}
        turns = {name: lambda program=program: _until_ready(program, data) for name, program in found.items()}
        turns |= {f"{name}: imports": lambda code=code: _imported(code) for name, code in IMPORTS.items()}
        alternate(turns, 1)  # files into memory
        for who, seconds in alternate(turns, plan.rounds).items():
            report.row("start to ready", who=who, seconds=Summary.of(seconds))
            if who in READY:
                report.keys[f"{who}_start_s"] = Summary.of(seconds).median
    finally:
        shutil.rmtree(data, ignore_errors=True)
    return report


def _settled(data: Path, base: Path | None) -> Settings:
    for name in ELSEWHERE:
        os.environ.pop(name, None)
    own = get_settings()
    if base is None:
        # What is converted already lies in the data folder.
        ensure_base(own)
        data.mkdir(parents=True)
        (data / "models").symlink_to((own.data_dir / "models").resolve())
    web, engine = _free_port(), _free_port()
    model = own.base_model if base is None else str(base)
    settings = own.model_copy(
        update={
            "data_dir": data,
            "port": web,
            "engine_url": f"http://127.0.0.1:{engine}",
            "base_model": model,
            "database_url": "",
            "broker_url": "",
            "storage_url": "",
        }
    )
    data.mkdir(parents=True, exist_ok=True)
    ensure_base(settings)
    migrate(settings.resolved_database_url)
    return settings


def _until_ready(program: Program, folder: Path) -> float:
    assert program.listens_on is not None
    host, port = program.listens_on
    child = Child(program, folder)
    # One client, made before: to make one takes longer than to ask, and would take the time of who starts.
    with httpx.Client(base_url=f"http://{host}:{port}", timeout=WAIT_S, trust_env=False) as client:
        started = time.perf_counter()
        child.start()
        try:
            while time.perf_counter() - started < WAIT_S and child.status().is_running:
                with suppress(httpx.TransportError):
                    if client.get(READY[program.name]).is_success:
                        return time.perf_counter() - started
                time.sleep(LOOK_EVERY_S)
        finally:
            child.stop()
    raise SystemExit(f"{program.name} was not ready. Its last words:\n{child.last_words()}")


def _imported(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    given = command.parser("start", __doc__.split("\n")[0]).parse_args()
    command.hush()
    report = run(QUICK if given.quick else FULL, command.work_folder(given.folder), given.base)
    command.told(report, given)


if __name__ == "__main__":
    main()
