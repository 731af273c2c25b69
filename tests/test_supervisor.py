import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from app.config import Settings
from app.processes import Program
from app.supervisor import CannotStart, Supervisor, programs

WEB = """
import sys
from http.server import HTTPServer, SimpleHTTPRequestHandler
print("serving", flush=True)
HTTPServer(("127.0.0.1", int(sys.argv[1])), SimpleHTTPRequestHandler).serve_forever()
"""
NOT_READY = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class NotReady(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503)
        self.end_headers()
        self.wfile.write(sys.argv[2].encode())
HTTPServer(("127.0.0.1", int(sys.argv[1])), NotReady).serve_forever()
"""
PARENT_OF_A_STRAY = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", sys.argv[1]])
time.sleep(600)
"""
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, port=free_port())


@pytest.fixture
def started() -> Iterator[list[Supervisor]]:
    found: list[Supervisor] = []
    yield found
    for supervisor in found:
        supervisor.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def web(settings: Settings) -> Program:
    address = (settings.host, settings.port)
    return Program("web", [sys.executable, "-c", WEB, str(settings.port)], {}, address, "IDIOLECT_PORT")


def supervise(settings: Settings, *others: Program) -> Supervisor:
    return Supervisor(settings, [*others, web(settings)], f"http://127.0.0.1:{settings.port}/")


def until(claim: Callable[[], object], within_s: float = 90) -> None:
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def processes_named(mark: str) -> list[int]:
    return [p.pid for p in psutil.process_iter(["cmdline", "status"]) if mark in (p.info["cmdline"] or [])]


def test_children_run_until_stopped_and_write_to_their_logs(settings: Settings, started: list[Supervisor]) -> None:
    supervisor = supervise(settings)
    started.append(supervisor)
    supervisor.start(20)
    assert httpx.get(supervisor.ready_url).status_code == 200
    [status] = supervisor.status()
    assert (status.name, status.is_running, status.restarts) == ("web", True, 0)
    assert "serving" in status.log.read_text()
    supervisor.stop()
    assert not psutil.pid_exists(status.pid or 0)
    assert supervisor.wait(0)


def test_a_child_that_dies_is_started_again_and_its_last_words_are_told(
    settings: Settings, started: list[Supervisor], caplog: pytest.LogCaptureFixture
) -> None:
    supervisor = supervise(settings)
    started.append(supervisor)
    supervisor.start(20)
    first = supervisor.status()[0].pid
    os.kill(first or 0, signal.SIGKILL)
    until(lambda: supervisor.status()[0].is_running and supervisor.status()[0].pid != first)
    [status] = supervisor.status()
    assert (status.restarts, status.last_exit) == (1, "was ended by SIGKILL")
    assert "web was ended by SIGKILL" in caplog.text
    assert "serving" in caplog.text


def test_a_child_that_cannot_live_ends_the_start_with_its_reason(settings: Settings) -> None:
    broken = Program("engine", [sys.executable, "-c", "raise SystemExit('no base model here')"])
    supervisor = Supervisor(settings, [broken], f"http://127.0.0.1:{settings.port}/")
    with pytest.raises(CannotStart, match="engine ended with status 1 3 times") as caught:
        supervisor.start(20)
    assert "no base model here" in caught.value.remedy


def test_who_is_not_ready_in_time_is_stopped(settings: Settings) -> None:
    mark = f"mark-{settings.port}"
    idle = Program("engine", [sys.executable, "-c", "import time; time.sleep(600)", mark])
    with pytest.raises(CannotStart, match="Not ready within 1 s: web is starting"):
        Supervisor(settings, [idle], f"http://127.0.0.1:{settings.port}/").start(1)
    assert processes_named(mark) == []


def test_what_is_missing_is_told_in_words(settings: Settings) -> None:
    answer = '{"ready": false, "checks": {"database": {"ok": true}, "engine": {"ok": false, "why": "loading"}}}'
    program = Program("web", [sys.executable, "-c", NOT_READY, str(settings.port), answer])
    told: list[str] = []
    with pytest.raises(CannotStart, match="engine: loading"):
        Supervisor(settings, [program], f"http://127.0.0.1:{settings.port}/readyz").start(3, told.append)
    assert told[-1] == "engine: loading"


def test_two_supervisors_do_not_share_a_folder(settings: Settings, started: list[Supervisor]) -> None:
    supervisor = supervise(settings)
    started.append(supervisor)
    supervisor.start(20)
    second = Settings(data_dir=settings.data_dir, port=free_port())
    with pytest.raises(CannotStart, match=f"already runs on .* \\(process {os.getpid()}\\)") as caught:
        supervise(second).start(20)
    assert "IDIOLECT_DATA_DIR" in caught.value.remedy
    supervisor.stop()
    third = supervise(second)
    started.append(third)
    third.start(20)


def test_a_taken_port_is_named(settings: Settings) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", settings.port))
        holder.listen()
        with pytest.raises(CannotStart, match=f"web cannot listen on 127.0.0.1:{settings.port}") as caught:
            supervise(settings).start(20)
    assert "IDIOLECT_PORT" in caught.value.remedy


def test_the_stubborn_are_killed_with_what_they_left_behind(settings: Settings, started: list[Supervisor]) -> None:
    mark = f"mark-{settings.port}"
    stubborn = Program("train", [sys.executable, "-c", STUBBORN], stops_within_s=0.5, niceness=3)
    stray = Program("score", [sys.executable, "-c", PARENT_OF_A_STRAY, mark])
    supervisor = supervise(settings, stubborn, stray)
    started.append(supervisor)
    supervisor.start(20)
    until(lambda: len(processes_named(mark)) == 2)
    until(lambda: "up" in supervisor.status()[0].log.read_text())
    pids = [status.pid or 0 for status in supervisor.status()]
    assert psutil.Process(pids[0]).nice() - psutil.Process(pids[2]).nice() == 3
    began = time.monotonic()
    supervisor.stop()
    assert 0.5 < time.monotonic() - began < 5
    until(lambda: processes_named(mark) == [])
    assert not any(psutil.pid_exists(pid) for pid in pids)


RUNS = """
import sys
from pathlib import Path
from app.config import Settings
from app.processes import Program
from app.supervisor import Supervisor
supervisor = Supervisor(Settings(data_dir=Path(sys.argv[1])), [Program("engine", [sys.executable, "-c",
    "import time; time.sleep(600)", sys.argv[2]])], "http://127.0.0.1:9/")
supervisor.start(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_killing_the_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    mark = f"mark-{tmp_path}"
    supervisor = subprocess.Popen([sys.executable, "-c", RUNS, str(tmp_path), mark])
    until(lambda: len(processes_named(mark)) == 2)
    supervisor.kill()
    assert supervisor.wait() == -signal.SIGKILL
    until(lambda: processes_named(mark) == [])
    assert processes_named(mark) == []


def test_waiting_ends_when_another_thread_stops(settings: Settings, started: list[Supervisor]) -> None:
    supervisor = supervise(settings)
    started.append(supervisor)
    supervisor.start(20)
    assert not supervisor.wait(0.01)
    threading.Timer(0.1, supervisor.request_stop).start()
    assert supervisor.wait(10)


def test_the_children_read_the_settings_of_their_parent(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, port=9999, engine_url="http://127.0.0.1:9998")
    found = {program.name: program for program in programs(settings)}
    assert list(found) == ["engine", "train", "score", "web"]
    for program in found.values():
        assert program.environment["IDIOLECT_DATA_DIR"] == str(tmp_path)
        assert program.environment["IDIOLECT_PORT"] == "9999"
    assert found["engine"].listens_on == ("127.0.0.1", 9998)


def test_an_engine_elsewhere_is_not_started(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, engine_url="http://gpu.example:8000")
    assert [program.name for program in programs(settings)] == ["train", "score", "web"]
