import subprocess
import sys
from typing import Any

import pytest

from app.queue import ROUTES

TASKS = """
import sys
from workers.main import celery
celery.loader.import_default_modules()
print(*sorted(name for name in celery.tasks if not name.startswith("celery.")))
print(*sorted({"torch", "transformers", "peft", "spacy", "sentence_transformers"} & set(sys.modules)))
print(celery.conf.worker_pool, celery.conf.worker_pool_start_method, celery.conf.worker_concurrency)
"""


def in_a_worker(monkeypatch: pytest.MonkeyPatch, folder: Any, device: str) -> list[str]:
    monkeypatch.setenv("IDIOLECT_DATA_DIR", str(folder))
    monkeypatch.setenv("IDIOLECT_DEVICE", device)
    ran = subprocess.run([sys.executable, "-c", TASKS], capture_output=True, text=True, check=True)
    return ran.stdout.splitlines()


def test_every_task_that_can_be_sent_is_known_to_the_workers(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    tasks, heavy, pool = in_a_worker(monkeypatch, tmp_path, "cpu")
    assert tasks.split() == sorted(ROUTES)
    assert heavy == "", "a worker that waits needs no model"
    assert pool.split()[::2] == ["threads", "1"]


def test_cuda_workers_are_spawned_one_per_device(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    *_, pool = in_a_worker(monkeypatch, tmp_path, "cuda")
    assert pool == "prefork spawn 1"
