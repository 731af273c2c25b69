"""The real training on a tiny random base, killed in the middle: what is learned so far is not lost."""

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from app.adapters import service as adapters
from app.config import get_settings
from app.db import transaction
from app.jobs.lease import checkpoint_folder
from app.storage import LocalStorage
from tests.tiny import build_tiny_base

PEOPLE = Path(__file__).parents[2] / "app" / "assets" / "demo" / "people.json"
STEPS = 80
CONFIG = {
    "sft": {"steps": STEPS, "batch_size": 2},
    "rl": {"steps": 2, "prompts_per_step": 2, "group_size": 2, "max_tokens": 8},
}


@pytest.fixture
def tiny_base(tmp_path: Path) -> Path:
    return build_tiny_base(tmp_path / "tiny")


@pytest.mark.slow
def test_a_killed_training_goes_on_from_its_checkpoint_and_publishes(
    shop: Any, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDIOLECT_BASE_MODEL", str(tiny_base))
    monkeypatch.setenv("IDIOLECT_CHECKPOINT_EVERY_STEPS", "5")
    monkeypatch.setenv("IDIOLECT_THREADS", "1")
    get_settings.cache_clear()
    person = json.loads(PEOPLE.read_text(encoding="utf-8"))[0]
    job = shop.submit([sample["text"] for sample in person["samples"]][:8], CONFIG)
    folder = checkpoint_folder(get_settings(), job)
    trainers = [shop.start_worker("train", "tests.faults.warm_worker") for _ in range(2)]
    shop.start_worker("score", "workers.main")
    shop.until(lambda: len(shop.curve(job, "nll")) > 5)
    [victim] = [each for each in trainers if f":{each.pid}:" in (shop.row(job).lease_owner or "")]
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    row = shop.row(job)
    assert (row.state, row.stage, row.attempt) == ("running", "warm-start", 1)
    assert (folder / "state.safetensors").exists()
    reached = max(shop.curve(job, "nll"))

    shop.until(lambda: shop.row(job).state not in ("queued", "running"))
    row = shop.row(job)
    assert (row.state, row.attempt) == ("succeeded", 2), row.reason
    [resumed] = [note for note in shop.notes(job) if note.startswith("Resumed")]
    begun = re.search(r"step (\d+) of warm-start", resumed)
    assert begun
    assert 0 < int(begun[1]) <= STEPS
    assert int(begun[1]) >= reached - 5
    assert set(shop.curve(job, "nll")) >= set(range(int(begun[1]) + 1, STEPS + 1))
    assert set(shop.curve(job, "reward")) == {1, 2}
    with transaction(job.tenant_id, read_only=True) as session:
        version = adapters.get(session, job.user_id, row.result["version"])
    assert LocalStorage(get_settings()).path(version.digest).exists()
    assert not folder.exists()
