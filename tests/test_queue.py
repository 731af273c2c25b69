import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty

import pytest
from celery import Celery
from kombu import Connection

from app import queue
from app.config import get_settings
from app.db import EVERY_TENANT, transaction


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("IDIOLECT_DATA_DIR", str(tmp_path))
    get_settings.cache_clear()
    yield tmp_path
    get_settings.cache_clear()


@pytest.fixture
def redis_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = start_redis(port, tmp_path)
    monkeypatch.setenv("IDIOLECT_BROKER_URL", f"valkey://127.0.0.1:{port}/0")
    get_settings.cache_clear()
    yield port
    server.terminate()
    server.wait()


def start_redis(port: int, folder: Path) -> "subprocess.Popen[bytes]":
    program = shutil.which("redis-server")
    assert program, "install Debian's redis-server to run these tests"
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.02)
    raise AssertionError("redis-server did not start")


def give_up_after(act: Callable[..., object], *arguments: object, **ids: str) -> None:
    act(*arguments, **ids)
    raise ZeroDivisionError


def received(celery: Celery, name: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    with celery.connection_for_read() as connection, connection.SimpleQueue(celery.amqp.queues[name]) as messages:
        while True:
            try:
                message = messages.get(timeout=0.3)
            except Empty:
                return found
            message.ack()
            found.append(message.payload[1])


WRITES = """
import sys
from app.queue import sender
with sender().connection_for_write() as connection, connection.SimpleQueue("letters") as letters:
    for number in range(100):
        letters.put({"name": f"{sys.argv[1]}-{number}", "text": "x" * 300_000})
"""


def test_every_message_arrives_once_and_whole() -> None:
    """Three processes write and two threads read in one folder, messages larger than one write."""
    celery = queue.sender()
    found: list[tuple[str, int]] = []
    writing_is_over = threading.Event()

    def read() -> None:
        with celery.connection_for_read() as connection, connection.SimpleQueue("letters") as letters:
            while True:
                is_last_look = writing_is_over.is_set()
                try:
                    message = letters.get(block=False)
                except Empty:
                    if is_last_look:
                        return
                    continue
                message.ack()
                found.append((message.payload["name"], len(message.payload["text"])))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in readers:
        thread.start()
    writers = [subprocess.Popen([sys.executable, "-c", WRITES, str(number)]) for number in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    writing_is_over.set()
    for thread in readers:
        thread.join()
    assert sorted(found) == sorted((f"{writer}-{number}", 300_000) for writer in range(3) for number in range(100))


SENDS_MORE_THAN_FITS = """
import resource
from app.queue import sender
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
sender().send_task("jobs.train", kwargs={"job_id": "x" * 20_000}, queue="train")
"""


def test_a_message_that_could_not_be_written_whole_is_not_there(data_dir: Path) -> None:
    sending = subprocess.run([sys.executable, "-c", SENDS_MORE_THAN_FITS], capture_output=True, text=True, check=False)
    assert "File too large" in sending.stderr
    assert list(data_dir.glob("queue/messages/*")) == []


def test_a_message_is_what_celery_itself_would_send(data_dir: Path) -> None:
    with transaction(EVERY_TENANT) as session:
        queue.ring(session, queue.SCORE_REWRITE, rewrite_id="a")
    queue.sender().send_task(queue.SCORE_REWRITE, kwargs={"rewrite_id": "a"}, queue="score", ignore_result=True)
    ours, celerys = (json.loads(path.read_text()) for path in sorted(data_dir.glob("queue/messages/*.msg")))
    for message in (ours, celerys):
        properties, headers = message["properties"], message["headers"]
        assert headers.pop("id") == headers.pop("root_id") == properties.pop("correlation_id")
        assert properties.pop("delivery_tag")
        properties.pop("reply_to")  # nobody asks for an answer
    assert ours == celerys


def test_messages_come_in_the_order_they_were_sent() -> None:
    with transaction(EVERY_TENANT) as session:
        for number in range(5):
            queue.ring(session, queue.TRAIN, job_id=str(number))
        queue.ring(session, queue.SCORE_REWRITE, rewrite_id="r")
    assert received(queue.sender(), "train") == [{"job_id": str(number)} for number in range(5)]
    assert received(queue.sender(), "score") == [{"rewrite_id": "r"}]


def test_the_bell_is_rung_after_the_commit_and_never_without_it(data_dir: Path) -> None:
    with transaction(EVERY_TENANT) as session:
        queue.ring(session, queue.TRAIN, job_id="a")
        assert not list(data_dir.glob("queue/messages/*"))
    assert len(list(data_dir.glob("queue/messages/*.msg"))) == 1
    with pytest.raises(ZeroDivisionError), transaction(EVERY_TENANT) as session:
        give_up_after(queue.ring, session, queue.TRAIN, job_id="b")
    assert received(queue.sender(), "train") == [{"job_id": "a"}]


def test_an_unknown_task_is_refused_before_the_commit() -> None:
    with pytest.raises(KeyError), transaction(EVERY_TENANT) as session:
        queue.ring(session, "jobs.trian", job_id="a")


def test_what_is_no_message_is_skipped(data_dir: Path) -> None:
    celery = queue.sender()
    (data_dir / "queue/messages/00000_x.train.msg").write_text("half a mess")
    (data_dir / "queue/messages/.00001_x.train.msg.part").write_text("{}")
    with transaction(EVERY_TENANT) as session:
        queue.ring(session, queue.TRAIN, job_id="a")
    assert received(celery, "train") == [{"job_id": "a"}]


def test_a_broker_that_is_down_costs_a_line_in_the_log(
    redis_port: int, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert queue.broker_ok()
    monkeypatch.setenv("IDIOLECT_BROKER_URL", "redis://127.0.0.1:9/0")
    get_settings.cache_clear()
    assert not queue.broker_ok()
    with transaction(EVERY_TENANT) as session:
        queue.ring(session, queue.TRAIN, job_id="a")
    assert "jobs.train {'job_id': 'a'} waits for the sweep" in caplog.text


def test_redis_carries_the_same_messages(redis_port: int) -> None:
    with transaction(EVERY_TENANT) as session:
        queue.ring(session, queue.TRAIN, job_id="a")
        queue.ring(session, queue.SCORE_FEEDBACK, feedback_id="f")
    assert received(queue.sender(), "train") == [{"job_id": "a"}]
    assert received(queue.sender(), "score") == [{"feedback_id": "f"}]
    with Connection(f"redis://127.0.0.1:{redis_port}/0") as connection:
        assert connection.default_channel.client.keys("train*") == []


def test_a_folder_that_cannot_be_written_is_not_ready(data_dir: Path) -> None:
    assert queue.broker_ok()
    shutil.rmtree(data_dir / "queue" / "messages")
    assert not queue.broker_ok()


def test_ringing_needs_no_torch() -> None:
    check = "import sys, app.queue; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=Path.cwd(), check=False).returncode == 0
