"""The gate hears what a user would be answered, from either side."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from app.config import Settings, get_settings
from app.jobs import trial
from app.jobs.curation import Material, Written
from app.jobs.lessons import Voice
from app.jobs.prompting import Judges
from app.jobs.trial import Speaker, compared, rewritten
from app.learning.evaluate import Comparison
from app.learning.recipes import resolve
from app.learning.types import Mode

MARIA, OMAR = "Maria has a dinner on Friday.", "Omar is late today."
RECIPE = resolve("sft", {}, 1)


class Writer:
    """Writes these texts, one list for each time it is asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[list[str], int]] = []

    def sample(self, prompts: Sequence[str], group_size: int, **_: Any) -> Any:
        self.asked.append((list(prompts), group_size))
        texts = self.answers.pop(0)
        return SimpleNamespace(texts=[f"Rewritten: {text}" for text in texts], is_finished=[True] * len(texts))


def written_by(writer: Writer) -> list[str]:
    return rewritten(Speaker(writer), [MARIA, OMAR], [None, None], RECIPE)  # type: ignore[arg-type]


def test_only_what_is_not_welcome_is_written_again(settings: Settings) -> None:
    writer = Writer(
        ["mother has a dinner", "omar is late today!"], ["mum", "maria has a dinner on friday", "Maria, Friday"]
    )
    assert written_by(writer) == ["maria has a dinner on friday", "omar is late today!"]
    assert [(len(prompts), times) for prompts, times in writer.asked] == [(2, 1), (1, 3)]
    assert MARIA in writer.asked[1][0][0]


def test_what_is_welcome_is_written_once(settings: Settings) -> None:
    writer = Writer(["maria has a dinner on friday", "omar is late today!"])
    written_by(writer)
    assert len(writer.asked) == 1


def test_with_one_candidate_the_first_text_counts(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDIOLECT_REWRITE_CANDIDATES", "1")
    get_settings.cache_clear()
    writer = Writer([MARIA, "the guy is late"])
    assert written_by(writer) == [MARIA, "the guy is late"]
    assert len(writer.asked) == 1


def test_silence_is_measured_as_silence(settings: Settings) -> None:
    writer = Writer(["", "omar is late today!"], ["", " ", ""])
    assert written_by(writer) == ["", "omar is late today!"]


FORMAL, CASUAL = "I should be most grateful, Sir, for news of {}.", "lol {} again, c u l8r ok??"
TOPICS = ("the garden", "a train to Leeds", "our dinner", "the report", "my sister", "a new phone", "the rain", "tea")
STYLES = {"formal": FORMAL, "casual": CASUAL}


class Impersonator:
    """Writes in the style that a prompt's tag stands for, in the first without one; plain where that is asked for."""

    def __init__(self, **styles: str) -> None:
        self.styles = {tag.replace("_", " "): STYLES[style] for tag, style in styles.items()}
        self.tags: list[str | None] = []
        self.model = self.tokens = None

    def sample(self, prompts: Sequence[str], group_size: int, **_: Any) -> Any:
        texts = []
        for prompt in prompts:
            [passage, *lines] = prompt.strip().splitlines()
            tag = lines[0][1:-1] if lines else None
            if tag != "plain":
                self.tags.append(tag)
            style = "{}" if tag == "plain" else self.styles.get(tag or "", next(iter(self.styles.values()), "{}"))
            texts += [f"Rewritten: {style.format(passage)}"] * group_size
        return SimpleNamespace(texts=texts, is_finished=[True] * len(texts))


def tried(
    candidate: Speaker, incumbent: Speaker, contexts: tuple[str | None, str | None], monkeypatch: pytest.MonkeyPatch
) -> Comparison:
    """A person of a formal and a casual voice, as many texts of each."""
    monkeypatch.setenv("IDIOLECT_REWRITE_CANDIDATES", "1")
    get_settings.cache_clear()
    monkeypatch.setattr(trial, "base_likelihood", lambda model, tokens: lambda texts: torch.full((len(texts),), -3.0))
    texts = [[style.format(topic) for topic in TOPICS] for style in (FORMAL, CASUAL)]
    tags = [context or f"voice {place}" for place, context in enumerate(contexts, start=1)]
    modes = [Mode(tag, 0.5, own) for tag, own in zip(tags, texts, strict=True)]
    learned = [Written(text, context) for own, context in zip(texts, contexts, strict=True) for text in own]
    held_out = [Written(f"Maria told Omar about {topic} on Friday.", None) for topic in TOPICS]
    judges = Judges(lambda texts: torch.ones(len(texts), 1), lambda texts: [frozenset()] * len(texts))
    material = Material(learned, held_out, [], [], [], [], [])
    base: Any = Impersonator()
    return compared(candidate, incumbent, base, Voice(modes, learned, []), material, judges, RECIPE)


def speaker(shares: dict[str, float] | None = None, **styles: str) -> Any:
    return Speaker(Impersonator(**styles), shares or {})  # type: ignore[arg-type]


def test_clusters_that_another_training_numbered_otherwise_cost_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    halves = {"voice 1": 0.5, "voice 2": 0.5}
    candidate = speaker(halves, voice_1="formal", voice_2="casual")
    swapped = speaker(halves, voice_1="casual", voice_2="formal")
    found = tried(candidate, swapped, (None, None), monkeypatch)
    assert sorted(map(str, swapped.policy.tags)) == ["voice 1"] * 4 + ["voice 2"] * 4
    assert found.candidate.mean("style") == pytest.approx(found.incumbent.mean("style"), abs=0.05)
    assert found.incumbent.mean("style") > 0.5


def test_a_voice_that_the_person_named_is_asked_for_by_its_name(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    halves = {"work": 0.5, "friends": 0.5}
    candidate = speaker(halves, work="formal", friends="casual")
    mistaken = speaker(halves, work="casual", friends="formal")
    found = tried(candidate, mistaken, ("work", "friends"), monkeypatch)
    assert candidate.policy.tags == mistaken.policy.tags
    assert set(candidate.policy.tags) == {"work", "friends"}
    assert found.style_gain.low > 0.5


def test_a_version_that_does_not_know_the_name_writes_with_a_voice_of_its_own(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = speaker({"work": 0.5, "friends": 0.5}, work="formal", friends="casual")
    earlier = speaker({"voice 1": 0.75, "voice 2": 0.25}, voice_1="formal", voice_2="casual")
    tried(candidate, earlier, ("work", "friends"), monkeypatch)
    assert sorted(map(str, earlier.policy.tags)) == ["voice 1"] * 6 + ["voice 2"] * 2


@pytest.mark.parametrize("contexts", [(None, None), ("work", "friends")])
def test_the_base_and_a_version_of_one_voice_are_told_nothing(
    contexts: tuple[str | None, str | None], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = [context or f"voice {place}" for place, context in enumerate(contexts, start=1)]
    candidate = speaker(dict.fromkeys(tags, 0.5), work="formal", friends="casual", voice_1="formal", voice_2="casual")
    untold = speaker(None, one="formal")
    tried(candidate, untold, contexts, monkeypatch)
    assert untold.policy.tags == [None] * len(TOPICS)
    assert set(candidate.policy.tags) == set(tags)
