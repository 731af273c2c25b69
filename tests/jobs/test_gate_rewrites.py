"""The gate hears what a user would be answered: what is not welcome is written again."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from app.config import Settings, get_settings
from app.jobs import training
from app.jobs.lessons import Voice
from app.learning.recipes import resolve
from app.learning.types import Mode

MARIA, OMAR = "Maria has a dinner on Friday.", "Omar is late."


class Writer:
    """Writes these texts, one list for each time it is asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[list[str], int]] = []

    def sample(self, prompts: Sequence[str], group_size: int, **_: Any) -> Any:
        self.asked.append((list(prompts), group_size))
        texts = self.answers.pop(0)
        return SimpleNamespace(texts=[f"Rewritten: {text}" for text in texts], is_finished=[True] * len(texts))


def rewritten(writer: Writer) -> list[str]:
    voice = Voice([Mode("a", 1.0, [])], [], [])
    return training._rewrite(writer, [MARIA, OMAR], ["a", "a"], voice, resolve("sft", {}, 1))  # type: ignore[arg-type]


def test_only_what_is_not_welcome_is_written_again(settings: Settings) -> None:
    writer = Writer(["mother has a dinner", "omar is late!"], ["mum", "maria has a dinner on friday", "Maria, Friday"])
    assert rewritten(writer) == ["maria has a dinner on friday", "omar is late!"]
    assert [(len(prompts), times) for prompts, times in writer.asked] == [(2, 1), (1, 3)]
    assert MARIA in writer.asked[1][0][0]


def test_what_is_welcome_is_written_once(settings: Settings) -> None:
    writer = Writer(["maria has a dinner on friday", "omar is late!"])
    rewritten(writer)
    assert len(writer.asked) == 1


def test_with_one_candidate_the_first_text_counts(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDIOLECT_REWRITE_CANDIDATES", "1")
    get_settings.cache_clear()
    writer = Writer([MARIA, "the guy is late"])
    assert rewritten(writer) == [MARIA, "the guy is late"]
    assert len(writer.asked) == 1
