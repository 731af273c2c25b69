"""A tiny base, data sets of a few lines in the formats of the real ones, and nobody's real texts."""

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app.config import Settings, get_settings
from tests.tiny import build_tiny_base

TOPICS = ("the garden", "a train to Leeds", "our dinner", "the report", "my sister", "a new phone", "the rain", "tea")
VOICES = ("I should be most grateful to hear about {}, Sir.", "lol {} again, c u l8r ok??")


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With room for the prompts of the baselines, which are long and whose every letter is a token here."""
    return build_tiny_base(tmp_path_factory.mktemp("tiny"), max_position_embeddings=4096)


@pytest.fixture
def settings(settings: Settings, tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("IDIOLECT_BASE_MODEL", str(tiny_base))
    monkeypatch.setenv("IDIOLECT_CHECKPOINT_EVERY_STEPS", "1")
    get_settings.cache_clear()
    yield get_settings()
    get_settings.cache_clear()


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for style in ("formality", "simplicity", "emotives", "contraction"):
        task = {"anchor1": "It is not so.", "anchor2": "it isnt so lol", "style": style, "correct": 1}
        _write(
            folder / "stel" / f"{style}.jsonl", [task | {"alternative1": "I do not know.", "alternative2": "idk"}] * 2
        )
    emotions = [("I love this, thank you!", "love"), ("This is awful.", "anger"), ("It is Monday.", "neutral")]
    rows = [{"text": text, "labels": [label]} for text, label in [*emotions, ("Really?", "surprise")]]
    _write(folder / "goemotions" / "dev.jsonl", [*rows, {"text": "Both.", "labels": ["joy", "fear"]}])
    for name in ("nytEditorialSnippets", "amazonReviewSnippets", "movieReviewSnippets", "tweets"):
        rated = [{"text": f"{name} {number} is {'good' if number % 2 else 'bad'}", "rating": number % 2 - 0.5}
                 for number in range(24)]  # fmt: skip
        _write(folder / "rated_sentiment" / f"{name}.jsonl", rated)
    for name in ("xsum", "writing", "pubmed"):
        pair = {
            "human": "It rained. " + "ngl that storm was wild " * 8,
            "machine": "It rained. " + "The weather was wet. " * 8,
        }
        _write(folder / "machine_text" / f"{name}_gpt-3.5-turbo.jsonl", [pair] * 44)
    short = [
        {"author": f"{role}-{place}", "role": role, "text": voice.format(topic)}
        for place, (role, voice) in enumerate(zip(("source", "target"), VOICES, strict=True))
        for topic in TOPICS
    ]
    _write(folder / "authors_short" / "random.jsonl", short)
    for part, topics in (("train", TOPICS[:5]), ("val", TOPICS[5:7]), ("test", TOPICS[7:])):
        essays = [
            {
                "author": author,
                "prompt": "Write.",
                "text": " ".join(voice.format(topic) for topic in topics for _ in range(4)),
            }
            for author, voice in enumerate(VOICES)
        ]
        _write(folder / "authors_cmcc" / f"{part}.jsonl", essays)
    return folder


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
