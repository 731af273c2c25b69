"""Simulated people, to see whether the scorer listens: each has a hidden utility over texts, says what they think of a
text in free words (some of it indirect, some about something else), and changes their mind half-way.

The utility reads habits with counters of its own (HABITS), not with what the scorer sees. A person likes or dislikes
three of the habits; utility = sigmoid(SHARPNESS * sum of likes * habits) in [0, 1], .5 for plain text. After the change
every like is turned round: the hardest case, in which all that was learned is wrong.
"""

import math
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from app.learning.satisfaction.directions import DIRECTIONS
from app.learning.satisfaction.simulated_replies import COMPLAINT, LIKED, LUKEWARM, OFF_TOPIC, PRAISE, REMARKS
from app.learning.seeding import generator

SHARPNESS: Final = 2.5
LIKES_PER_PERSON: Final = 3
OFF_TOPIC_SHARE: Final = 0.15
REMARK_SHARE: Final = 0.5
"""Of the replies about the text, those that talk of one habit, often indirectly; the rest are plain."""
MOOD_NOISE: Final = 0.08
PLEASED_FROM, DISPLEASED_UP_TO = 0.58, 0.42
EDITS_PER_TEXT: Final = 3

_WARM_WORDS = re.compile(r"\b(?:love|hugs?|thinking of you|take care|miss you|hope you are well|dear|darling)\b", re.I)
_FORMAL_WORDS = re.compile(
    r"\b(?:obtain(?:ed)?|purchased?|assist|requires?d?|enquired?|commences?|regarding|sufficient|numerous|additional|"
    r"inform(?:ed)?|forward(?:ed)?|therefore|furthermore|endeavour|retain|demonstrate|depart|reside|shall|however|rectify)\b",
    re.I,
)
_SHORT_FORMS = re.compile(r"\w'(?:m|re|ve|ll|d|t|s)\b", re.I)
_CHAT_WORDS = re.compile(r"\b(?:u|ur|r|tmrw|pls|thx|cuz|rly|abt|2|ppl|msg|gonna|wanna|ok|2nite|c|4|b4|lol)\b", re.I)
_PICTURES = re.compile("[\U0001f300-\U0001faff☀-➿]")


def _per_ten_words(pattern: re.Pattern[str]) -> Callable[[str, str], float]:
    return lambda _, output: min(1.0, 10 * len(pattern.findall(output)) / max(8, len(output.split())))


def _length(prompt: str, output: str) -> float:
    return max(-1.0, min(1.0, 1.5 * math.log(max(1, _words(output)) / max(1, _words(prompt)))))


def _words(text: str) -> int:
    """Nobody who likes longer texts means rows of pictures."""
    return sum(any(map(str.isalnum, word)) for word in text.split())


def _formality(prompt: str, output: str) -> float:
    return _per_ten_words(_FORMAL_WORDS)(prompt, output) - _per_ten_words(_SHORT_FORMS)(prompt, output)


HABITS: Final[dict[str, Callable[[str, str], float]]] = {
    "length": _length,
    "warmth": lambda _, output: min(1.0, float(len(_WARM_WORDS.findall(output)))),
    "formality": _formality,
    "exclaiming": lambda _, output: min(1.0, output.count("!") / 2),
    "emoji": lambda _, output: min(1.0, float(len(_PICTURES.findall(output)))),
    "abbreviating": _per_ten_words(_CHAT_WORDS),
}
"""How much of it (prompt, output) has, in about [-1, 1]; plain text has none."""


@dataclass(frozen=True)
class SimulatedPerson:
    likes: dict[str, float]
    """Weight of each habit they care about, in [-1, 1]."""

    @classmethod
    def drawn(cls, seed: int) -> "SimulatedPerson":
        random = generator(seed, "person")
        habits = random.sample(sorted(HABITS), LIKES_PER_PERSON)
        return cls({habit: random.choice((-1, 1)) * random.uniform(0.5, 1.0) for habit in habits})

    def with_mind_changed(self) -> "SimulatedPerson":
        return SimulatedPerson({habit: -like for habit, like in self.likes.items()})

    def utility(self, prompt: str, output: str) -> float:
        """Hidden from every scorer; in [0, 1]."""
        drive = sum(like * HABITS[habit](prompt, output) for habit, like in self.likes.items())
        return 1 / (1 + math.exp(-SHARPNESS * drive))

    def reply(self, prompt: str, output: str, rng: random.Random) -> str:
        """What they say about it."""
        if rng.random() < OFF_TOPIC_SHARE:
            return rng.choice(OFF_TOPIC)
        felt = self.utility(prompt, output) + rng.gauss(0, MOOD_NOISE)
        if DISPLEASED_UP_TO < felt < PLEASED_FROM:
            return rng.choice(LUKEWARM)
        is_pleased = felt >= PLEASED_FROM
        if rng.random() >= REMARK_SHARE:
            return rng.choice(PRAISE if is_pleased else COMPLAINT)
        habit, wish = self._reason(prompt, output, is_pleased)
        return rng.choice((LIKED if is_pleased else REMARKS)[habit][wish])

    def _reason(self, prompt: str, output: str, is_pleased: bool) -> tuple[str, str]:
        """The habit that moves them most, and whether they want more or less of it."""
        sign = 1 if is_pleased else -1
        moved = {habit: sign * like * HABITS[habit](prompt, output) for habit, like in self.likes.items()}
        habit = max(moved, key=lambda name: moved[name])
        return habit, "more" if self.likes[habit] > 0 else "less"


def variants(prompts: Sequence[str], count: int, seed: int) -> list[tuple[str, str]]:
    """(prompt, output) pairs: each prompt in turn, with up to three random edits of style."""
    random = generator(seed, "variants")
    pairs = []
    for place in range(count):
        prompt = output = prompts[place % len(prompts)]
        for direction in random.sample(DIRECTIONS, random.randint(0, EDITS_PER_TEXT)):
            output = (direction.raised if random.random() < 0.65 else direction.lowered)(output)
        pairs.append((prompt, output))
    return pairs
