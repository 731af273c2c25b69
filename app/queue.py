"""The doorbell: messages that carry ids only, sent after commit, over a folder by default or Redis by a setting.

Nothing depends on a message arriving. A lost one is rung again by the sweep (`app.jobs.sweeper`), a duplicate
finds its row already claimed. Without torch, so the web process can ring.
"""

import fcntl
import json
import logging
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from queue import Empty
from typing import Any, Final

from celery import Celery
from kombu import Exchange, Queue
from kombu.transport import TRANSPORT_ALIASES, filesystem
from sqlalchemy.orm import Session

from app.config import Settings, get_settings
from app.db import after_commit

log = logging.getLogger(__name__)

TRAIN: Final = "jobs.train"
SCORE_REWRITE: Final = "rewrites.score"
SCORE_FEEDBACK: Final = "feedback.score"
LISTEN: Final = "feedback.listen"

ROUTES: Final[dict[str, str]] = {
    TRAIN: "train",
    SCORE_REWRITE: "score",
    SCORE_FEEDBACK: "score",
    LISTEN: "score",
}
"""Every task name that may be sent, and the queue it goes to."""

TRANSPORT_ALIASES["atomic-folder"] = "app.queue:FolderTransport"


class FolderChannel(filesystem.Channel):  # type: ignore[misc]
    """kombu's filesystem channel where a message appears whole or not at all, and one reader gets it.

    The stock channel writes messages in place, so a reader may take half of one, names them by a clock that restarts
    with the machine, claims them by a move that copies across devices, and truncates its tables before locking them.
    No message waits for the disk, as a request waits for its message: one that a power cut took, or left empty, is
    rung again by the sweep.
    """

    def _put(self, queue: str, payload: dict[str, Any], **_: Any) -> None:
        name = f"{time.time_ns():020d}_{uuid.uuid4().hex}.{queue}.msg"
        temporary = f"{self.data_folder_out}/.{name}.part"
        try:
            with open(temporary, "wb") as file:
                file.write(json.dumps(payload).encode())
            os.rename(temporary, f"{self.data_folder_out}/{name}")
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise

    def _get(self, queue: str) -> dict[str, Any]:
        folder, claimed = Path(self.data_folder_in), Path(self.processed_folder)
        for name in sorted(name for name in os.listdir(folder) if _is_message(name, queue)):
            mine = claimed / name
            try:
                (folder / name).rename(mine)
            except FileNotFoundError:  # another worker was faster
                continue
            content = mine.read_bytes()
            mine.unlink()
            try:
                return dict(json.loads(content))
            except ValueError:
                log.error("a message in the queue folder is not JSON and was dropped: %s", name)
        raise Empty

    def get_table(self, exchange: str) -> list[Any]:
        with self._tables_locked():
            return list(super().get_table(exchange))

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        with self._tables_locked():
            super()._queue_bind(exchange, routing_key, pattern, queue)

    @contextmanager
    def _tables_locked(self) -> Iterator[None]:
        with (self.control_folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class FolderTransport(filesystem.Transport):  # type: ignore[misc]
    Channel = FolderChannel


def _is_message(name: str, queue: str) -> bool:
    return not name.startswith(".") and name.partition(".")[2] == f"{queue}.msg"


def build_celery(settings: Settings) -> Celery:
    """The Celery application of web (which only sends) and workers (which add the tasks).

    Creates the queue folder where messages are files.
    """
    is_folder = settings.resolved_broker_url.startswith("filesystem:")
    celery = Celery("idiolect", broker=_broker_url(settings), set_as_current=False)
    exchange = Exchange("idiolect", type="direct")
    celery.conf.update(
        broker_transport_options=_folders(settings)
        if is_folder
        else {"socket_connect_timeout": 2, "socket_timeout": 5},
        broker_connection_timeout=2,
        broker_connection_retry_on_startup=True,
        task_queues=[Queue(name, exchange, routing_key=name) for name in dict.fromkeys(ROUTES.values())],
        task_routes={task: {"queue": queue} for task, queue in ROUTES.items()},
        task_ignore_result=True,
        task_acks_late=False,
        # Whoever waits for the send holds a request open: one try, then the row waits for the sweep.
        task_publish_retry=False,
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
        # Remote control leaves reply queues behind, which nobody would sweep out of a folder.
        worker_enable_remote_control=not is_folder,
        worker_hijack_root_logger=False,
    )
    return celery


def _broker_url(settings: Settings) -> str:
    url = settings.resolved_broker_url
    if url.startswith("filesystem:"):
        return "atomic-folder://localhost"
    # Valkey speaks Redis' protocol; kombu knows only the older name.
    return url.replace("valkey", "redis", 1) if url.startswith(("valkey://", "valkeys://")) else url


def _folders(settings: Settings) -> dict[str, Any]:
    root = (settings.data_dir / "queue").resolve()
    messages, claimed, control = root / "messages", root / "claimed", root / "control"
    for folder in (messages, claimed, control):
        folder.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(messages),
        "data_folder_out": str(messages),
        "store_processed": True,
        "processed_folder": str(claimed),
        "control_folder": str(control),
        "polling_interval": 0.1,
    }


@lru_cache
def _sender(broker_url: str, data_dir: Path) -> Celery:
    return build_celery(get_settings())


def sender() -> Celery:
    """The application to send with, one per broker."""
    settings = get_settings()
    return _sender(settings.resolved_broker_url, settings.data_dir)


def ring(session: Session, task: str, **ids: str) -> None:
    """Tell the workers of rows this session writes, once they are committed.

    Raises KeyError for a task no queue is known for. A broker that is down costs a log line, not the request.
    """
    queue = ROUTES[task]

    def send() -> None:
        try:
            _post(sender(), queue, task, ids)
        except Exception as error:  # whatever the broker's client raises: the row stays and the sweep rings again
            log.warning("broker unreachable, %s %s waits for the sweep: %s", task, ids, error)

    after_commit(session, send)


def _post(celery: Celery, queue: str, task: str, ids: dict[str, str]) -> None:
    """What is of use here of `send_task`, which looks for routes and declares queues with each message it sends."""
    message = celery.amqp.as_task_v2(str(uuid.uuid4()), task, kwargs=ids, ignore_result=True)
    with celery.producer_pool.acquire(block=True) as producer:
        producer.publish(
            message.body, routing_key=queue, serializer="json", headers=message.headers, **message.properties
        )


def broker_ok() -> bool:
    """Whether a message could be sent now; answers within seconds."""
    try:
        with sender().connection_for_write() as connection:
            if connection.transport.driver_type == "filesystem":
                return all(
                    os.access(connection.transport_options[key], os.W_OK)
                    for key in ("data_folder_out", "control_folder")
                )
            connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=2)
            connection.default_channel.client.ping()
        return True
    except Exception as error:  # any failure has one meaning here
        log.warning("broker unreachable: %s", error)
        return False
