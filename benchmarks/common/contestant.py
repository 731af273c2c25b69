"""A way of doing the work, alive in a process of its own and silent until it is asked, so that turns can alternate."""

import json
import os
import selectors
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]
TAIL_LINES = 3


class ContestantFailed(RuntimeError):
    """It could not be started, or did not answer; the message is its own."""


class Contestant:
    """`start()` it, `ask()` it, `stop()` it."""

    def __init__(
        self,
        name: str,
        module: str,
        python: Path | str,
        setup: dict[str, Any],
        log: Path,
        *,
        preload: Sequence[Path] = (),
    ) -> None:
        """`setup` is the first question; its `threads` are also set in the environment, where some libraries look.

        `preload` are shared libraries that its own manual wants loaded first.
        """
        self.name, self.setup, self.log = name, setup, log
        self.command = [str(python), "-m", module]
        self.preload = [str(path) for path in preload]
        self.facts: dict[str, Any] = {}
        self._process: subprocess.Popen[str] | None = None

    def start(self, *, timeout_s: float = 300) -> Self:
        """Raises ContestantFailed."""
        threads = str(self.setup["threads"])
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": threads,
            "RAYON_NUM_THREADS": threads,
            # A contestant that waits for its turn must not burn the cores of the one whose turn it is: within a
            # millisecond its threads sleep, as those of GNU's OpenMP do by themselves.
            "KMP_BLOCKTIME": "1",
            "HF_HUB_OFFLINE": "1",
        }
        if self.preload:
            environment["LD_PRELOAD"] = ":".join(self.preload)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
                cwd=ROOT,
            )
        self.facts = self.ask(self.setup, timeout_s=timeout_s)
        return self

    def ask(self, question: dict[str, Any], *, timeout_s: float = 300) -> dict[str, Any]:
        """Raises ContestantFailed if it answers with an error, ends, or takes longer."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise ContestantFailed("it is not running")
        try:
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            raise ContestantFailed(self._last_words()) from None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(timeout_s):
                self.stop()
                raise ContestantFailed(f"no answer within {timeout_s:.0f} s")
        line = process.stdout.readline()
        if not line:
            raise ContestantFailed(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ContestantFailed(answer["error"])
        return answer

    def stop(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _last_words(self) -> str:
        """What it said in its log before it ended."""
        if self._process is not None:
            deadline = time.monotonic() + 5
            while self._process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
        status = self._process.returncode if self._process is not None else None
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return f"ended with status {status}: {' | '.join(lines[-TAIL_LINES:])[:400]}"


def started(contestants: Sequence[Contestant]) -> tuple[list[Contestant], dict[str, str]]:
    """Those that run, and by name why the others do not."""
    alive, failures = [], {}
    for contestant in contestants:
        try:
            alive.append(contestant.start())
        except (ContestantFailed, OSError) as error:
            failures[contestant.name] = str(error)
            contestant.stop()
    return alive, failures
