"""What a training learns from: a person's samples, those that are kept for its test, and their feedback.

Only what can be learned from counts: whole sentences in English. Long samples become passages, as everywhere else, each
once. A text of the test is not learned from by another door: not as feedback, and not as part of another sample, nor
sentence by sentence.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

from sqlalchemy.orm import Session

from app.feedback import corrections
from app.feedback import service as feedback
from app.feedback.corrections import Preferred
from app.feedback.service import FeedbackSignal, Liked
from app.inference.passages import split
from app.jobs import dealing
from app.jobs.context import TrainingFailure
from app.jobs.quoting import Phrases, bare, letters
from app.learning.satisfaction.readable import is_english
from app.learning.seeding import generator
from app.models import StyleSample
from app.samples import service as samples
from app.samples.service import folded

T = TypeVar("T")

SHORTEST_PASSAGE = 3
"""Words; anything shorter shows no voice."""
LONGEST_WORD = 12
"""Characters for each word that a passage may have: what is longer is no sentence but an address, a table or code."""
MOST_TRAINED = 400
"""Passages that are learned from: some hundred make a voice, and each costs a plain version. Chance chooses them."""
MOST_TESTED = 48
"""Passages of the test: several of each held-out sample."""
READ_CHARACTERS = 1000
"""Of a sample, from which its language is told."""
WORDLESS, FOREIGN, SHORT, UNBROKEN = (
    "without a word",
    "not in English",
    f"without a line of {SHORTEST_PASSAGE} words",
    "of endlessly long words",
)


@dataclass(frozen=True)
class Written:
    """A passage of a sample, with the occasion its writer named."""

    text: str
    context: str | None
    sample_id: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True)
class Material:
    train: list[Written]
    held_out: list[Written]
    liked: list[Liked]
    disliked: list[str]
    """Requests whose rewrite displeased: practised again."""
    corrected: list[Preferred]
    sample_ids: list[str]
    feedback_ids: list[str]
    remarks: list[str] = field(default_factory=list)
    """What the person should know about the choice, in sentences."""

    @property
    def digest(self) -> str:
        """Of all its texts, whatever the rows are called that they come from."""
        texts = (self.train, self.held_out, self.liked, self.disliked, self.corrected)
        return sha256(repr(texts).encode()).hexdigest()


@dataclass(frozen=True)
class Everything:
    """All that a person wrote and said, as it was read; choosing from it takes a while, and nobody's lock."""

    samples: Sequence[StyleSample]
    signal: FeedbackSignal
    corrected: Sequence[Preferred]
    undealt: frozenset[str]
    """Ids of the samples that no training has seen."""


def read(session: Session, user_id: str) -> Everything:
    rows = samples.all_of(session, user_id)
    undealt = frozenset(row.id for row in rows if row.is_held_out is None)
    return Everything(rows, feedback.signal(session, user_id), corrections.pairs(session, user_id), undealt)


def keep_dealt(session: Session, told: Everything) -> None:
    """Store for good which of the new samples are held out. Only if the training goes on."""
    samples.keep_parts(session, [row for row in told.samples if row.id in told.undealt])


def gather(told: Everything, passage_words: int, *, fewest: int, seed: int = 0) -> Material:
    """Choose from everything and deal out new samples, in place. Raises TrainingFailure below `fewest` passages to
    learn from."""
    rows = told.samples
    passages = {row.id: _passages(row.text, passage_words) for row in rows}
    faults = {row.id: _fault(row.text, passages[row.id]) for row in rows}
    left_out = Counter(fault for fault in faults.values() if fault)
    usable = [row for row in rows if faults[row.id] is None]
    texts = dealing.Texts(passages, {row.id: bare(row.text) for row in usable})
    dealing.deal(usable, texts, told.undealt)
    learned_from = [row for row in usable if not row.is_held_out]
    tested_on = [row for row in usable if row.is_held_out]

    train = _written(learned_from, passages)
    if len(train) < fewest:
        raise _too_little(len(train), left_out, fewest)
    learned = dealing.learned(tested_on, learned_from, texts)
    test = [Written(text, row.context, row.id) for row, text in dealing.telling(tested_on, texts, learned)]
    of_test = (part for written in test for part in dealing.parts(written.text) if letters(part) not in learned)
    phrases = Phrases(of_test)
    secret = phrases.letters | {letters(row.text) for row in tested_on}

    def is_secret(text: str) -> bool:
        return letters(text) in secret or bool(phrases.long_in(bare(text)))

    def is_usable(chosen: str, *others: str) -> bool:
        """Somebody may like a rewrite of two words, but nothing can be learned from signs or from another language."""
        if not any(map(str.isalnum, chosen)) or not is_english(chosen):
            return False
        texts = (chosen, *others)
        if not all(_fits(text, passage_words) for text in texts):
            return False
        return not any(is_secret(part) for text in texts for part in (text, *split(text, passage_words).passages))

    signal = told.signal
    chosen = _drawn(train, MOST_TRAINED, seed)
    return Material(
        train=chosen,
        held_out=_of_each(test, MOST_TESTED, seed),
        liked=[each for each in signal.liked if is_usable(each.chosen, each.asked)],
        corrected=[each for each in told.corrected if is_usable(each.chosen, each.prompt, each.rejected)],
        disliked=[
            passage
            for text in signal.disliked
            for passage in split(text, passage_words).passages
            if is_english(passage) and _fits(passage, passage_words) and not is_secret(passage)
        ],
        sample_ids=[row.id for row in usable],
        feedback_ids=list(signal.feedback_ids),
        remarks=_remarks(left_out, len(train), len(chosen)),
    )


def _fault(text: str, passages: Sequence[str]) -> str | None:
    """Why nothing can be learned from a sample."""
    if not any(character.isalnum() for character in text):
        return WORDLESS
    if not is_english(text[:READ_CHARACTERS]):
        return FOREIGN
    if not passages:
        return SHORT if max(map(len, text.split())) <= LONGEST_WORD * SHORTEST_PASSAGE else UNBROKEN
    return None


def _passages(text: str, passage_words: int) -> list[str]:
    return [
        passage
        for passage in split(text, passage_words).passages
        if len(passage.split()) >= SHORTEST_PASSAGE and _fits(passage, passage_words)
    ]


def _fits(text: str, passage_words: int) -> bool:
    return len(text.split()) <= passage_words and len(text) <= LONGEST_WORD * passage_words


def _written(rows: Iterable[StyleSample], passages: Mapping[str, Sequence[str]]) -> list[Written]:
    """Every passage of these samples once."""
    found: dict[str, Written] = {}
    for row in rows:
        for passage in passages[row.id]:
            found.setdefault(folded(passage), Written(passage, row.context, row.id))
    return list(found.values())


def _drawn(written: list[T], most: int, seed: int) -> list[T]:
    """All, or so many by chance, in their order."""
    if len(written) <= most:
        return written
    places = generator(seed, "curation").sample(range(len(written)), most)
    return [written[place] for place in sorted(places)]


def _of_each(written: list[Written], most: int, seed: int) -> list[Written]:
    """All, or so many, one of every sample before a second of any: what decides is how many samples a test has."""
    if len(written) <= most:
        return written
    turns: Counter[str] = Counter()
    ranked: list[tuple[int, int, int]] = []
    for place in generator(seed, "test").sample(range(len(written)), len(written)):
        sample_id = written[place].sample_id
        ranked.append((turns[sample_id], len(ranked), place))
        turns[sample_id] += 1
    return [written[place] for place in sorted(place for _, _, place in sorted(ranked)[:most])]


def _remarks(left_out: Counter[str], there: int, chosen: int) -> list[str]:
    found = [_told(left_out)] if left_out else []
    if chosen < there:
        found.append(f"{chosen} of {there} passages were drawn to learn from: more teach little and take long.")
    return found


def _told(left_out: Counter[str]) -> str:
    ranked = sorted(left_out.items(), key=lambda item: (-item[1], item[0]))
    return f"Left out of the samples: {', '.join(f'{count} {fault}' for fault, count in ranked)}."


def _too_little(there: int, left_out: Counter[str], fewest: int) -> TrainingFailure:
    passages = "is only 1 different passage" if there == 1 else f"are only {there} different passages"
    return TrainingFailure(
        " ".join([f"There {passages} to learn from.", *([_told(left_out)] if left_out else [])]),
        f"Add samples of whole sentences in English until there are {fewest}; other languages cannot be learned yet.",
    )
