"""Who is told which voice, and what is said of reward dropout."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from app.assets.neutral import neutral_prompts
from app.feedback.corrections import Preferred
from app.feedback.service import Liked
from app.inference.encoders import centred, style_encoder, voice_encoder
from app.inference.types import prompt_for
from app.jobs import lessons
from app.jobs.curation import Material, Written
from app.jobs.lessons import Voice
from app.learning.recipes import resolve
from app.learning.types import Mode

WORK = [f"I should be most grateful, Sir, for report {number}." for number in range(4)]
FRIENDS = [f"lol c u at {number} ok??" for number in range(4)]


def voice_of(*contexts: str | None) -> Voice:
    """A voice for each context; of None a cluster."""
    texts = [WORK, FRIENDS][: len(contexts)]
    modes = [
        Mode(context or f"voice {place}", 1 / len(contexts), own)
        for place, (context, own) in enumerate(zip(contexts, texts, strict=True), start=1)
    ]
    written = [Written(text, context) for context, own in zip(contexts, texts, strict=True) for text in own]
    return Voice(modes, written, [[text] for own in texts for text in own])


def material(voice: Voice, heard: str | None) -> Material:
    liked = [Liked(f"See you at {number}.", f"c u {number}", heard) for number in range(50)]
    corrected = [Preferred("Good night.", "nighty night", "night", heard)]
    return Material(voice.written, [], liked, [], corrected, [], [])


def test_voices_are_told_apart_by_style_and_paid_for_by_habits_too() -> None:
    texts, plain = WORK + FRIENDS, neutral_prompts()
    recipe = resolve("voice", {}, 1)
    for encoder, shipped in ((lessons.mode_encoder, style_encoder), (lessons.reward_encoder, voice_encoder)):
        assert torch.equal(encoder(recipe)(texts), centred(shipped(), plain)(texts))


@pytest.mark.parametrize(
    ("contexts", "heard", "told"),
    [
        (("work", "friends"), "friends", "friends"),
        (("work", "friends"), "family", None),
        (("work", "friends"), None, None),
        ((None, None), "voice 1", None),
        (("work",), "work", None),
    ],
    ids=["named", "gone", "untold", "another training's cluster", "one voice"],
)
def test_feedback_trains_the_voice_that_it_is_about(
    contexts: tuple[str | None, ...], heard: str | None, told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lessons, "references_of", lambda voice, recipe: None)
    monkeypatch.setattr(lessons, "imitations", lambda *_, **__: [])
    voice = voice_of(*contexts)
    given = material(voice, heard)
    [preference] = lessons.preferences(voice, given)
    assert preference.prompt == prompt_for("Good night.", told)
    examples = lessons.examples(voice, given, resolve("sft", {}, 1))
    prompts = [pair.prompt for pair in examples if pair.completion.startswith("c u ")]
    is_told = [prompt == prompt_for(f"See you at {number}.", told) for number, prompt in enumerate(prompts)]
    assert len(is_told) == 50
    # A tenth of everything is told no voice.
    assert sum(is_told) >= 35 if told else all(is_told)


def test_sentences_that_were_cut_are_imitated_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second half of a long sentence begins with a small letter, as its writer never does."""
    given = []
    monkeypatch.setattr(lessons, "references_of", lambda voice, recipe: None)
    monkeypatch.setattr(lessons, "imitations", lambda *_, written, **__: given.append(written) or [])
    cut = [
        ("The committee met,", "a"),
        ("as it does on Mondays.", "a"),
        ("It was late.", "a"),
        ("Hello", "b"),
        ("so", "c"),
    ]
    passages = [Written(text, None, sample) for text, sample in cut]
    voice = Voice([Mode("voice 1", 1.0, [text for text, _ in cut])], passages, [[text] for text, _ in cut])
    lessons.examples(voice, Material(passages, [], [], [], [], [], []), resolve("sft", {}, 1))
    assert given == [{"voice 1": ["The committee met, as it does on Mondays.", "It was late.", "Hello", "so"]}]


@pytest.mark.parametrize(
    ("contexts", "recipe", "config", "words"),
    [
        (("work",), "voice", {}, "Reward dropout has nothing to drop: there is one voice."),
        (
            ("work", "friends"),
            "voice",
            {},
            "Where no voice is told, reward dropout leaves out each of the 2 voices 20% of the time.",
        ),
        (
            ("work",),
            "article",
            {"reward": {"dropout": 0.5}},
            "Where no voice is told, reward dropout leaves out each of the 4 passages 50% of the time.",
        ),
        (("work", "friends"), "voice", {"reward": {"dropout": 0.0}}, "Reward dropout is off."),
        (("work", "friends"), "sft", {}, ""),
    ],
)
def test_what_reward_dropout_does_is_told(
    contexts: tuple[str, ...], recipe: str, config: dict[str, dict[str, float]], words: str
) -> None:
    assert lessons.dropout_of(voice_of(*contexts), resolve(recipe, config, 1)) == words


def test_how_fluently_each_voice_reads_is_measured_beside_its_plain_texts_where_it_is_paid_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lessons, "references_of", lambda voice, recipe: None)
    plain = [["I would be very thankful, Sir, for report 1.", "Thanks."]] * 4 + [["Haha, see you at 1, okay?"]] * 4
    voice = replace(voice_of("work", "friends"), plain=plain)

    def log_likelihood(texts: Sequence[str]) -> torch.Tensor:
        return torch.tensor([-1.0 if text[0].isupper() else -1.75 for text in texts])

    paid = lessons.reward_of(voice, resolve("voice", {"reward": {"fluency": 1.0}}, 1), log_likelihood)
    assert paid.fluency is not None
    assert paid.fluency.costs == {"work": 0.0, "friends": 0.75}
    assert lessons.reward_of(voice, resolve("voice", {"reward": {"fluency": 0.0}}, 1), log_likelihood).fluency is None
