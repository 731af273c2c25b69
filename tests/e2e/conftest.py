"""The whole path small: real database, real loops, real encoders, a tiny random base instead of the packaged one."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.config import Settings, get_settings
from app.jobs import runner
from app.models import StyleSample, User
from tests.tiny import build_tiny_base

PEOPLE = Path(__file__).parents[2] / "app" / "assets" / "demo" / "people.json"


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_base(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def settings(settings: Settings, tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("IDIOLECT_BASE_MODEL", str(tiny_base))
    monkeypatch.setenv("IDIOLECT_ENGINE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("IDIOLECT_FEEDBACK_QUIET_S", "0")
    monkeypatch.setenv("IDIOLECT_FEEDBACK_MIN_NEW", "3")
    monkeypatch.setenv("IDIOLECT_CHECKPOINT_EVERY_STEPS", "1")
    get_settings.cache_clear()
    runner.worker_is_stopping.clear()
    yield get_settings()
    runner.worker_is_stopping.clear()


@pytest.fixture
def writer(
    database: str, make_user: Callable[..., User], make_samples: Callable[..., list[StyleSample]]
) -> Callable[..., User]:
    """A person with samples of one of the demo's people."""

    def make(person_id: str, count: int = 40) -> User:
        user = make_user(person_id)
        people = {person["id"]: person["samples"] for person in json.loads(PEOPLE.read_text(encoding="utf-8"))}
        contexts = dict.fromkeys(sample.get("context") for sample in people[person_id])
        for context in contexts:
            texts = [s["text"] for s in people[person_id] if s.get("context") == context]
            make_samples(user, texts[: count // len(contexts)], context=context)
        return user

    return make
