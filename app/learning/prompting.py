"""The baselines that train nothing: what an instructed model is told, so that it writes like somebody.

- few-shot: numbered texts of the person, then the text to rewrite. The baseline of Roman S, "The Right Approach to
  Personalize LLM Style", in our words.
- role-play: who to be, described by the person's voices and one text of each.
- contrastive: pairs of a plain text and how the person would say it, so that the difference can be seen.

Messages are (role, text); a model that knows no roles gets them as paragraphs.
"""

from collections.abc import Callable, Sequence

from app.learning.rewards.format import PREFIX
from app.learning.types import Mode

Message = tuple[str, str]
Prompting = Callable[[Sequence[Mode], str], list[Message]]
"""A person's voices and a passage to the messages that ask for it in their voice."""

EXAMPLES = 8
"""Texts of the person in a prompt, shared out among their voices."""
_START = f"Start your answer with '{PREFIX.strip()}' and write nothing else."


def few_shot(modes: Sequence[Mode], passage: str) -> list[Message]:
    texts = "\n".join(f"{number}. {text}" for number, text in enumerate(_examples(modes), start=1))
    return [
        (
            "system",
            "You are a helpful assistant. You rewrite a message in the style of the user. Keep its content, names and "
            f"figures. {_START}\n\nMessages of the user:\n{texts}",
        ),
        ("user", f"Rewrite this message in my style:\n{passage}"),
    ]


def role_play(modes: Sequence[Mode], passage: str) -> list[Message]:
    voices = "\n".join(f"- {mode.tag}: for example, '{_typical(mode)[0]}'" for mode in modes)
    return [
        ("system", f"You are a person who writes messages in these ways:\n{voices}\nStay in character. {_START}"),
        ("user", f"How would you write this message yourself, with the same content?\n{passage}"),
    ]


def contrastive(neutralise: Callable[[str], str]) -> Prompting:
    """`neutralise` makes the plain side of each pair."""

    def prompt(modes: Sequence[Mode], passage: str) -> list[Message]:
        pairs = "\n".join(f"Plain: {neutralise(text)}\nMine: {text}" for text in _examples(modes))
        return [
            (
                "system",
                "You rewrite plain messages the way the user writes. Study how the user's version of each message "
                f"differs from the plain one. {_START}\n\n{pairs}",
            ),
            ("user", f"Plain: {passage}\nWrite my version of it."),
        ]

    return prompt


def _examples(modes: Sequence[Mode]) -> list[str]:
    """Some texts of every voice, those of a usual length first."""
    each = max(1, EXAMPLES // max(1, len(modes)))
    return [text for mode in modes for text in _typical(mode)[:each]]


def _typical(mode: Mode) -> list[str]:
    """The mode's texts of a usual length, then the others; the order is theirs otherwise."""
    median = sorted(len(text.split()) for text in mode.texts)[len(mode.texts) // 2]
    return sorted(mode.texts, key=lambda text: abs(len(text.split()) - median))
