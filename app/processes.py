"""One child process: started in a group of its own, restarted when it dies, told why, and never left an orphan."""

import ctypes
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import psutil

log = logging.getLogger(__name__)

LONGEST_PAUSE_S: Final = 30.0
SETTLED_AFTER_S: Final = 60.0
"""A child that lived this long has recovered: its next death is its first again."""
LAST_WORDS: Final = 12
LARGEST_LOG: Final = 10 * 2**20

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent(parent: int | None = None) -> None:
    """Have the kernel kill this process when the thread that started it ends. Does nothing outside Linux."""
    if _libc is not None:
        set_parent_death_signal = 1
        _libc.prctl(set_parent_death_signal, signal.SIGKILL)
        if parent is not None and os.getppid() != parent:  # it ended before we asked
            os._exit(1)


@dataclass(frozen=True)
class Program:
    name: str
    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    listens_on: tuple[str, int] | None = None
    port_setting: str = ""
    stops_within_s: float = 10.0
    niceness: int = 0
    """Above 0 it gets the processor when those below leave some."""


@dataclass(frozen=True)
class ChildStatus:
    name: str
    pid: int | None
    is_running: bool
    restarts: int
    last_exit: str
    log: Path


class Child:
    """One program, alive or between two lives. Only the supervisor's own thread starts and stops it."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program = program
        self.log = folder / f"{program.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths = 0
        self.restarts = 0
        self.last_exit = ""
        self._started_at = 0.0
        self._start_again_at = 0.0
        self._is_asked = False

    def start(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.program.command,
                env=os.environ | self.program.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=partial(_begin, os.getpid(), self.program.niceness),
            )
        self._started_at = time.monotonic()

    def status(self) -> ChildStatus:
        process = self.process
        is_running = process is not None and process.poll() is None
        pid = process.pid if process is not None and is_running else None
        return ChildStatus(self.program.name, pid, is_running, self.restarts, self.last_exit, self.log)

    def look(self) -> None:
        """Notice a death, and start again after a pause that doubles with each death in a row."""
        if self.process is None:
            if time.monotonic() >= self._start_again_at:
                self.restarts += 1
                self.start()
            return
        if self.process.poll() is None:
            return
        lived = time.monotonic() - self._started_at
        self.deaths = 1 if lived > SETTLED_AFTER_S else self.deaths + 1
        pause = min(2.0 ** (self.deaths - 1), LONGEST_PAUSE_S)
        self.last_exit = _how_it_ended(self.process.returncode)
        self._kill_group()
        self.process = None
        self._start_again_at = time.monotonic() + pause
        log.warning(
            "%s %s after %.0f s; starting it again in %.0f s. Its last words:\n%s",
            self.program.name,
            self.last_exit,
            lived,
            pause,
            self.last_words(),
        )

    def ask_to_stop(self) -> None:
        """Ask once: Celery takes a second request for impatience and drops its work."""
        if self.process is not None and not self._is_asked:
            self._is_asked = True
            with suppress(ProcessLookupError):
                self.process.terminate()

    def stop(self) -> None:
        """Ask to end, insist after the program's own limit, and take along what its group left behind."""
        if self.process is None:
            return
        self.ask_to_stop()
        try:
            self.process.wait(self.program.stops_within_s)
        except subprocess.TimeoutExpired:
            log.warning("%s did not stop within %.0f s: killed", self.program.name, self.program.stops_within_s)
        self._kill_group()
        self.process.wait()

    def last_words(self) -> str:
        with suppress(OSError), self.log.open(errors="replace") as file:
            return "".join(deque(file, maxlen=LAST_WORDS)).strip()
        return ""

    def _kill_group(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


def _begin(parent: int, niceness: int) -> None:
    die_with_parent(parent)
    os.nice(niceness)


def _how_it_ended(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"


def peak_memory(pid: int) -> int:
    """The most bytes that a process and those it started have held each; 0 where the kernel does not tell."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(_peak(member.pid) for member in family)


def _peak(pid: int) -> int:
    with suppress(OSError):
        found = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        return int(found[1]) * 1024 if found else 0
    return 0
