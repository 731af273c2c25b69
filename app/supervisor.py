"""Web, engine and workers as children of one process: started together, restarted when they die, stopped in order.

Each child leads a process group of its own, writes to `<data_dir>/logs/<name>.log`, and is killed by the kernel should
this process vanish (Linux). One supervisor per data folder. `idiolect up` and `idiolect demo` use it as a library.
"""

import fcntl
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO, Final
from urllib.parse import urlsplit

import httpx

from app.config import Settings
from app.db import migrate
from app.processes import Child, ChildStatus, Program

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.2
DEATHS_AT_START: Final = 3
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

# glibc hands big blocks back to the kernel at once and pays page faults to get them again: let torch keep them. Models
# run in threads there, whose own arenas cannot hold big blocks at all: let all share the main one.
TORCH_SETTINGS: Final = {
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20),
    "MALLOC_TOP_PAD_": str(64 * 2**20),
    "MALLOC_ARENA_MAX": "1",
    # Every length of a batch is another primitive to oneDNN and its caller, and each keeps a thousand of them: half a
    # gigabyte after a dozen steps of imitation in bfloat16, for shapes that never come again. With
    # 32 a step took half as long again, from 128 on as long as ever.
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "256",
    "LRU_CACHE_CAPACITY": "256",
}
BEHIND: Final = {"OMP_WAIT_POLICY": "PASSIVE"}
"""For those who compute behind the engine: their threads sleep while they wait for their siblings. Spinning, they made
a step of the engine up to five times slower. The engine's own spin for a moment: a step of decoding is hundreds of
short loops, and takes 1.3 times as long where threads go to sleep between them."""


class CannotStart(RuntimeError):
    """The processes cannot run here; `remedy` says what to do about it."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason} {remedy}")
        self.reason = reason
        self.remedy = remedy


def programs(settings: Settings) -> list[Program]:
    """What an embedded server runs, in starting order. An engine on another machine is not ours to start.

    Serving comes first: the workers are nicer than engine and web, and scoring takes one core at most.
    """
    environment = _environment(settings)
    torch_environment = environment | TORCH_SETTINGS
    worker = [sys.executable, "-m", "celery", "-A", "workers.main", "worker", "--loglevel", "INFO"]
    quiet = ["--without-gossip", "--without-mingle"]
    engine = urlsplit(settings.engine_url)
    found = [
        Program(
            "train",
            [*worker, "-Q", "train", "-n", "train@%h", *quiet],
            torch_environment | BEHIND,
            stops_within_s=20.0,
            niceness=10,
        ),
        Program(
            "score",
            [*worker, "-Q", "score", "-n", "score@%h", *quiet],
            torch_environment | BEHIND | {"OMP_NUM_THREADS": "1"},
            niceness=5,
        ),
        Program(
            "web",
            [
                sys.executable,
                "-m",
                "uvicorn",
                "app.main:app",
                "--host",
                settings.host,
                "--port",
                str(settings.port),
                "--timeout-graceful-shutdown",
                "5",
                "--no-access-log",
            ],
            environment,
            (settings.host, settings.port),
            "IDIOLECT_PORT",
        ),
    ]
    if engine.hostname in LOOPBACK:
        address = (engine.hostname or LOOPBACK[0], engine.port or 80)
        command = [sys.executable, "-m", "app.inference.server"]
        found.insert(0, Program("engine", command, torch_environment, address, "IDIOLECT_ENGINE_URL"))
    return found


def _environment(settings: Settings) -> dict[str, str]:
    """The children read the same settings, wherever ours came from."""
    values = settings.model_dump(exclude_defaults=True) | {"data_dir": settings.data_dir.resolve()}
    return {f"IDIOLECT_{name.upper()}": str(value) for name, value in values.items()}


class Supervisor:
    """`start()` returns when the web answers that all is ready; `stop()` leaves nothing behind."""

    def __init__(
        self, settings: Settings, found: Sequence[Program] | None = None, ready_url: str | None = None
    ) -> None:
        self.settings = settings
        folder = settings.data_dir / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        self.children = [Child(program, folder) for program in found or programs(settings)]
        host = LOOPBACK[0] if settings.host in ("0.0.0.0", "::", "") else settings.host  # noqa: S104
        self.ready_url = ready_url or f"http://{host}:{settings.port}/readyz"
        self._lock: IO[str] | None = None
        self._stop = threading.Event()
        # The kernel ties children to the thread that started them, so one thread starts, watches and stops them all.
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self, ready_within_s: float = 600.0, tell: Callable[[str], None] = log.info) -> None:
        """Migrate the database, start the children, wait until they are ready. Raises CannotStart, leaving nothing."""
        self._lock_folder()
        try:
            for child in self.children:
                _refuse_taken_port(child.program)
            migrate(self.settings.resolved_database_url)
            self._thread.start()
            self._wait_until_ready(ready_within_s, tell)
        except BaseException:
            self.stop()
            raise

    def wait(self, timeout_s: float | None = None) -> bool:
        """Blocks until somebody calls `stop()`; False if the time was over first."""
        return self._stop.wait(timeout_s)

    def request_stop(self) -> None:
        """Ends `wait()`; safe in a signal handler."""
        self._stop.set()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def status(self) -> list[ChildStatus]:
        return [child.status() for child in self.children]

    def _run(self) -> None:
        try:
            for child in self.children:
                child.start()
            while not self._stop.wait(LOOK_EVERY_S):
                for child in self.children:
                    child.look()
        except Exception:
            log.exception("the supervisor cannot go on and stops everything")
        finally:
            self._stop.set()
            last, *others = reversed(self.children)
            last.stop()  # the door closes first; what stands behind it then ends side by side
            for child in others:
                child.ask_to_stop()
            for child in others:
                child.stop()

    def _wait_until_ready(self, within_s: float, tell: Callable[[str], None]) -> None:
        until = time.monotonic() + within_s
        told = ""
        while time.monotonic() < until and not self._stop.is_set():
            for child in self.children:
                if child.deaths >= DEATHS_AT_START:
                    raise CannotStart(
                        f"{child.program.name} {child.last_exit} {child.deaths} times.",
                        f"Its log {child.log} ends with:\n{child.last_words()}",
                    )
            is_ready, words = _ask(self.ready_url)
            if is_ready:
                return
            if words != told:
                tell(words)
                told = words
            self._stop.wait(LOOK_EVERY_S)
        if self._stop.is_set():
            raise CannotStart("Stopped before everything was ready.", f"The logs are in {self.children[0].log.parent}.")
        raise CannotStart(
            f"Not ready within {within_s:.0f} s: {told}.", f"Look at the logs in {self.children[0].log.parent}."
        )

    def _lock_folder(self) -> None:
        path = self.settings.data_dir / "supervisor.lock"
        lock = path.open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            raise CannotStart(
                f"Idiolect already runs on {self.settings.data_dir.resolve()} (process {holder}).",
                "Stop it first, or choose another folder with IDIOLECT_DATA_DIR.",
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock


def _refuse_taken_port(program: Program) -> None:
    if program.listens_on is None:
        return
    host, port = program.listens_on
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(
                f"{program.name} cannot listen on {host}:{port}: {error.strerror or error}.",
                f"Stop the program that does, or choose another with {program.port_setting}.",
            ) from error


def _ask(url: str) -> tuple[bool, str]:
    """Whether all is ready, and if not, what is missing."""
    try:
        answer = httpx.get(url, timeout=5.0, trust_env=False)
    except httpx.HTTPError:
        return False, "web is starting"
    if answer.status_code == httpx.codes.OK:
        return True, "ready"
    try:
        missing = {name: check["why"] for name, check in answer.json()["checks"].items() if not check["ok"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return False, f"web answers {answer.status_code}"
    return False, "; ".join(f"{name}: {why}" for name, why in missing.items())
