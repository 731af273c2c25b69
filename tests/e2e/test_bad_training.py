"""A training with a ruinous learning rate, on the packaged base: its version is kept, told why, and does not speak."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from app.adapters import service as adapters
from app.config import Settings, get_settings
from app.db import transaction
from app.inference import adapter_file
from app.inference.base import ensure_base, read_card
from app.inference.engine import Engine
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from app.jobs import service
from app.jobs.runner import run_training
from app.models import SUCCEEDED, User
from app.storage import LocalStorage, Near
from tests.inference.voices import adapter, answer

pytestmark = [pytest.mark.slow, pytest.mark.model]

RUINOUS = {"sft": {"steps": 4, "batch_size": 4, "warmup_steps": 0, "learning_rate": 0.1}}
REQUEST = "Maria is having a small dinner at her flat on Friday evening."


@pytest.fixture(scope="module")
def packaged_base() -> Path:
    return ensure_base(get_settings())


def test_a_bad_training_does_not_replace_a_good_version(
    packaged_base: Path, settings: Settings, writer: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDIOLECT_BASE_MODEL", str(packaged_base))
    monkeypatch.setenv("IDIOLECT_REWRITE_CANDIDATES", "1")
    get_settings.cache_clear()
    card, storage = read_card(packaged_base), LocalStorage(get_settings())
    model, tokens = LlamaModel.load(packaged_base, dtype=torch.bfloat16), Tokens.load(packaged_base)
    user = writer("max")
    good = adapter_file.pack(adapter(model.architecture, 8, 1, base=card.digest, size=1e-3))
    digest = storage.put(good)
    with transaction(user.tenant_id) as session:
        adapters.publish(session, user_id=user.id, digest=digest, base_digest=card.digest, size_bytes=len(good))
        adapters.promote(session, user.id, 1, expected=None)
        job = service.create(session, user, "sft", RUINOUS)
    run_training(job.id)

    with transaction(user.tenant_id, read_only=True) as session:
        done = service.get(session, job.id)
        assert done.state == SUCCEEDED, done.reason
        bad = adapters.get(session, user.id, done.result["version"])
        speaking = adapters.active(session, user.id)
        assert speaking is not None
        assert (speaking.version, speaking.digest) == (1, digest)
    assert (done.result["outcome"], bad.version) == ("rejected", 2)
    assert bad.gate == done.result["gate"]
    failed = {check["name"]: check["words"] for check in bad.gate["checks"] if not check["passed"]}
    # Ruined, it writes nonsense or nothing at all: either keeps nothing of what was said. Style may well be fooled:
    # "k k k" is all letters that a night owl uses.
    assert {"meaning", "entities"} <= failed.keys()
    assert failed["meaning"].startswith("It loses too much of what you say")

    engine = Engine(model, tokens, card, Near(storage))
    engine.start()
    try:
        served = {
            version: answer(engine, text=REQUEST, adapter_digest=d, temperature=0.0, max_tokens=40)
            for version, d in ((1, digest), (2, bad.digest))
        }
    finally:
        engine.stop()
    assert (served[1].lost, served[1].faithfulness) == ([[]], [1.0])
    assert served[2].faithfulness[0] < 1.0
