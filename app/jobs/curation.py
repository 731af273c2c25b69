"""What a training learns from: a person's samples, split for good into training and held-out, and their feedback.

The split is by the samples' own hashes, so that it stays the same from training to training and a held-out sample is
never trained on later. Long samples become passages, as everywhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.feedback import corrections
from app.feedback import service as feedback
from app.inference.passages import split
from app.models import StyleSample
from app.samples import service as samples

HELD_OUT_AT_MOST, HELD_OUT_SHARE = 12, 1 / 3
SHORTEST_PASSAGE = 3
"""Words; anything shorter shows no voice."""


@dataclass(frozen=True)
class Written:
    """A passage of a sample, with the occasion its writer named."""

    text: str
    context: str | None


@dataclass(frozen=True)
class Material:
    train: list[Written]
    held_out: list[Written]
    liked: list[tuple[str, str]]
    """(request, rewrite the person was pleased with or corrected)."""
    disliked: list[str]
    """Requests whose rewrite displeased: practised again."""
    corrected: list[tuple[str, str, str]]
    """(request, what the person made of the rewrite, the rewrite)."""
    sample_ids: list[str]
    feedback_ids: list[str]


def gather(session: Session, user_id: str, passage_words: int) -> Material:
    rows = samples.all_of(session, user_id)
    signal = feedback.signal(session, user_id)
    held_out = held_out_ids(rows)
    return Material(
        train=_passages([row for row in rows if row.id not in held_out], passage_words),
        held_out=_passages([row for row in rows if row.id in held_out], passage_words),
        liked=[
            (asked, chosen)
            for asked, chosen in signal.liked
            if max(len(asked.split()), len(chosen.split())) <= passage_words
        ],
        corrected=[
            pair
            for pair in corrections.pairs(session, user_id)
            if max(len(text.split()) for text in pair) <= passage_words
        ],
        disliked=[passage for text in signal.disliked for passage in split(text, passage_words).passages],
        sample_ids=[row.id for row in rows],
        feedback_ids=list(signal.feedback_ids),
    )


def held_out_ids(rows: Sequence[StyleSample]) -> set[str]:
    """A third of the samples of each context by hash, at most 12 in all; none of fewer than six samples."""
    if len(rows) < 6:
        return set()
    budget = min(HELD_OUT_AT_MOST, int(len(rows) * HELD_OUT_SHARE))
    contexts = sorted({row.context or "" for row in rows})
    chosen: list[str] = []
    for place, context in enumerate(contexts):
        own = sorted((row for row in rows if (row.context or "") == context), key=lambda row: row.sha256)
        share = round(budget * (len(own) / len(rows))) if place < len(contexts) - 1 else budget - len(chosen)
        chosen += [row.id for row in own[: max(0, min(share, len(own) - 4))]]
    return set(chosen)


def _passages(rows: Sequence[StyleSample], passage_words: int) -> list[Written]:
    return [
        Written(passage, row.context)
        for row in rows
        for passage in split(row.text, passage_words).passages
        if len(passage.split()) >= SHORTEST_PASSAGE
    ]
