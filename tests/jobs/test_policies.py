"""The voice that learns, and the version in use, with the voices that they have."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from app.config import Settings
from app.inference import adapter_file
from app.inference.adapter_file import InvalidAdapter
from app.inference.card import read_card
from app.inference.loader import served_rank
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from app.inference.types import prompt_for
from app.jobs import patience
from app.jobs import policies as module
from app.jobs.context import TrainingFailure
from app.jobs.policies import Policies, Shape, shaped
from app.learning.recipes import resolve
from app.models import Adapter, User
from app.storage import LocalStorage, StorageUnavailable
from tests.tiny import build_tiny_base

VOICES = ["work", "friends"]


@pytest.fixture
def policies(settings: Settings, tmp_path: Path) -> Policies:
    base = build_tiny_base(tmp_path / "base")
    context: Any = SimpleNamespace(give_way=lambda: None)
    model, tokens = LlamaModel.load(base, dtype=torch.float32), Tokens.load(base)
    return Policies(settings, context, read_card(base), model, tokens, Shape(8, 16.0))


def test_a_version_goes_on_with_its_voices(
    policies: Policies, make_user: Callable[..., User], make_adapter: Callable[..., Adapter]
) -> None:
    learning, chance = policies.fresh(3, VOICES), torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in learning.parameters():
            parameter.normal_(std=0.1, generator=chance)
    content, _ = learning.adapter_bytes(policies.card.digest)
    speaking = policies.of(make_adapter(make_user(), content))
    assert (speaking.voices, speaking.voice_rank) == (("work", "friends"), policies.settings.adapter_voice_rank)
    prompts = [prompt_for("See you.", tag) for tag in (*VOICES, None)]
    texts = [policy.sample(prompts, 1, max_tokens=8, temperature=0.0, seed=0).texts for policy in (learning, speaking)]
    assert len(set(texts[1])) == 3
    assert speaking.adapter_bytes(policies.card.digest)[0] == content


def test_a_storage_out_of_reach_is_waited_for(
    settings: Settings,
    policies: Policies,
    make_user: Callable[..., User],
    make_adapter: Callable[..., Adapter],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content, _ = policies.fresh(3).adapter_bytes(policies.card.digest)
    version = make_adapter(make_user(), content)
    answers = iter((StorageUnavailable("nobody answers"), StorageUnavailable("nobody answers"), content))

    def read(_: str) -> bytes:
        if isinstance(answer := next(answers), StorageUnavailable):
            raise answer
        return answer

    told: list[str] = []
    waiting: Any = SimpleNamespace(give_way=lambda: None, note=told.append)
    monkeypatch.setattr(patience, "WAITS_S", (0.01, 0.01))
    monkeypatch.setattr(module, "open_storage", lambda _: SimpleNamespace(read=read))
    assert replace(policies, context=waiting).of(version).adapter_bytes(policies.card.digest)[0] == content
    assert told == ["Waiting to read the version in use: nobody answers."] * 2


@pytest.mark.parametrize(
    ("recipe", "config", "room", "shape", "notes"),
    [
        ("voice", {}, 8, (8, 16.0), 0),
        ("voice", {}, 4, (4, 8.0), 0),
        ("voice", {"lora": {"rank": 4}}, 8, (4, 8.0), 0),
        ("voice", {"lora": {"rank": 4, "alpha": 6}}, 8, (4, 6.0), 0),
        ("article", {}, 32, (32, 16.0), 0),
        ("article", {}, 64, (32, 16.0), 0),
        ("article", {}, 8, (8, 16.0), 1),
    ],
)
def test_an_adapter_has_the_shape_that_is_asked_for_as_far_as_there_is_room(
    settings: Settings, recipe: str, config: dict[str, Any], room: int, shape: tuple[int, float], notes: int
) -> None:
    told: list[str] = []
    context: Any = SimpleNamespace(note=told.append)
    small = resolve(recipe, config, base_parameters=135_000_000)
    found, made = shaped(context, small, settings.model_copy(update={"adapter_rank": room}), 135_000_000)
    assert (found.lora.rank, found.lora.alpha) == made == shape
    assert len(told) == notes
    assert all("IDIOLECT_ADAPTER_RANK=32" in note for note in told)


@pytest.mark.parametrize(
    ("parameters", "recipe", "config", "configured", "shape"),
    [
        (135_000_000, "voice", {}, 0, (8, 16.0)),
        (3_000_000_000, "voice", {}, 0, (32, 16.0)),
        (3_000_000_000, "article", {}, 0, (32, 16.0)),
        (3_000_000_000, "voice", {}, 16, (16, 16.0)),
        (3_000_000_000, "voice", {"lora": {"rank": 48}}, 0, (32, 16.0)),
    ],
)
def test_a_base_of_billions_takes_the_articles_rank_by_itself(
    settings: Settings, parameters: int, recipe: str, config: dict[str, Any], configured: int, shape: tuple[int, float]
) -> None:
    context: Any = SimpleNamespace(note=lambda text: None)
    given = settings.model_copy(update={"adapter_rank": configured})
    assert shaped(context, resolve(recipe, config, parameters), given, parameters)[1] == shape
    assert served_rank(given, parameters) >= shape[0] + settings.adapter_voice_rank
    by_itself = served_rank(settings, parameters)
    assert served_rank(given, parameters) >= by_itself, "what was trained before a setting was lowered is served"


def test_the_articles_adapter_is_written_and_served(settings: Settings, policies: Policies) -> None:
    article = replace(policies, shape=Shape(32, 16.0))
    data, digest = article.fresh(3, VOICES).adapter_bytes(policies.card.digest)
    room = served_rank(settings.model_copy(update={"adapter_rank": 32}), 0)
    adapter = adapter_file.unpack(
        data, policies.model.architecture, base_digest=policies.card.digest, digest=digest, max_rank=room
    )
    assert (adapter.rank, adapter.alpha, adapter.scale) == (32, 16.0, 0.5)
    with pytest.raises(InvalidAdapter, match="rank is 32"):
        adapter_file.unpack(
            data, policies.model.architecture, base_digest=policies.card.digest, max_rank=served_rank(settings, 0)
        )


def test_the_bare_base_has_no_voices(policies: Policies) -> None:
    bare = policies.fresh(3)
    assert bare.voices == ()
    prompts = [prompt_for("See you.", tag) for tag in VOICES]
    first, second = bare.sample(prompts, 1, max_tokens=1, temperature=0.0, seed=0).prompt_ids
    assert first != second


def test_a_version_that_cannot_be_read_is_a_failure_with_a_remedy(
    policies: Policies, make_user: Callable[..., User], make_adapter: Callable[..., Adapter]
) -> None:
    version = make_adapter(make_user(), b"no adapter")
    with pytest.raises(TrainingFailure, match="version in use \\(1\\) cannot be read"):
        policies.of(version)
    LocalStorage(policies.settings).path(version.digest).unlink()
    with pytest.raises(TrainingFailure, match="cannot be read"):
        policies.of(version)
