"""Scores what was rewritten and what was said about it. Joins rows, learning and encoders, so only workers import it.

Each function reads in one short transaction, computes with none open, and writes in another. A message that comes
twice, or too late for a person who was erased, changes nothing.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Protocol

from sqlalchemy.orm import Session

from app.config import get_settings
from app.db import EVERY_TENANT, now, transaction
from app.feedback import repository
from app.feedback.edits import kept_share
from app.feedback.satisfaction import Satisfaction, satisfaction
from app.feedback.tracing import leave
from app.feedback.voices import Written, measured_voices
from app.inference import encoders
from app.learning.neutralise import neutralise
from app.learning.rewards import entities, meaning
from app.learning.rewards.style import FEWEST_TEXTS
from app.learning.satisfaction.readable import SILENT, STATIC
from app.learning.satisfaction.reading import Moods, Reading, read
from app.learning.types import Encoder, EntityFinder, LanguageModelScore
from app.models import Feedback, Rewrite
from app.rewrites import repository as rewrites
from app.samples import repository as samples

SAMPLES_READ: Final = 200
"""The newest samples, against which style is measured; more would change little and cost seconds."""
OFF_TOPIC: Final = 0.2
"""Words of so little confidence say nothing about a text that its reader corrected."""


class Scorers(Protocol):
    """The models behind the scores, loaded when first asked for."""

    def meaning_encoder(self) -> Encoder: ...
    def style_encoder(self) -> Encoder: ...
    def evaluation_encoder(self) -> Encoder: ...
    def entity_finder(self) -> EntityFinder: ...
    def likelihood(self) -> LanguageModelScore: ...
    def mood_reader(self) -> Moods: ...


class PackagedScorers:
    """The encoders that come with the server, and the base model in the settings. Loaded once per process."""

    meaning_encoder = staticmethod(encoders.meaning_encoder)
    style_encoder = staticmethod(encoders.style_encoder)
    evaluation_encoder = staticmethod(encoders.evaluation_encoder)
    entity_finder = staticmethod(encoders.entity_finder)
    mood_reader = staticmethod(encoders.mood_reader)

    @staticmethod
    @lru_cache
    def likelihood() -> LanguageModelScore:
        from app.inference.base import ensure_base
        from app.inference.language_model import load_model
        from app.inference.likelihood import base_likelihood
        from app.inference.tokens import Tokens

        settings = get_settings()
        base = ensure_base(settings)
        # It reads and never writes: nothing to decode faster.
        model = load_model(base, device=settings.device, is_packed=False)
        return base_likelihood(model, Tokens.load(base))


def score_feedback(feedback_id: str, scorers: Scorers | None = None) -> None:
    """Fill in the satisfaction by the rule of `app.feedback.satisfaction`, what it was read from, and leave traces.

    Words that cannot be read (another language, signs) or are no feedback (orders to the machine) say nothing: alone
    they give .5 and leave no trace.
    """
    scorers = scorers or PackagedScorers()
    with transaction(EVERY_TENANT, read_only=True) as session:
        row = repository.unscored(session, feedback_id)
    if row is None:
        return
    feedback, rewrite = row
    is_read = feedback.rating is None and feedback.text
    reading = read(feedback.text, scorers.mood_reader()) if is_read else None
    verdict = _verdict(feedback, rewrite.outputs[feedback.output_index], reading)
    with transaction(feedback.tenant_id) as session:
        is_first = repository.settle(session, feedback_id, verdict.value, verdict.source, now())
        if is_first and verdict.source not in SILENT:
            leave(session, feedback, rewrite, verdict.value, reading if verdict.source == STATIC else None)


def _verdict(feedback: Feedback, output: str, reading: Reading | None) -> Satisfaction:
    kept = None if feedback.edited_text is None else kept_share(output, feedback.edited_text)
    if reading is not None and reading.source in SILENT and kept is None:
        return Satisfaction(reading.value, reading.source)
    if reading is not None and kept is not None and reading.confidence <= OFF_TOPIC:
        reading = None  # what was corrected says it, and the words are about something else
    return satisfaction(
        rating=feedback.rating,
        reading=reading.value if reading else None,
        kept_share=kept,
        reader=reading.source if reading else STATIC,
    )


def score_rewrite(rewrite_id: str, scorers: Scorers | None = None) -> None:
    """Fill in style, meaning, entities and human for each text of the rewrite.

    Style is the calibrated similarity to the voice that was asked for, else to the nearest one, by the encoder that is
    never a reward; None while the person has fewer than four samples. The rest is as its name in `learning` says.
    """
    scorers = scorers or PackagedScorers()
    with transaction(EVERY_TENANT, read_only=True) as session:
        rewrite = rewrites.unscored(session, rewrite_id)
    if rewrite is None:
        return
    with transaction(rewrite.tenant_id, read_only=True) as session:
        written = _written(session, rewrite.user_id)
    scores = _scores(rewrite, written, scorers)
    with transaction(rewrite.tenant_id) as session:
        if (row := rewrites.unscored(session, rewrite_id)) is not None:
            row.scores, row.scored_at = scores, now()


def _written(session: Session, user_id: str) -> Written:
    newest, _ = samples.page(session, user_id, None, SAMPLES_READ)
    return tuple((sample.text, sample.context) for sample in newest)


def _scores(rewrite: Rewrite, written: Written, scorers: Scorers) -> list[dict[str, float | None]]:
    texts = [text or "." for text in rewrite.outputs]
    sources = [rewrite.text] * len(texts)
    columns = {
        "style": _style(rewrite, texts, written, scorers),
        "meaning": meaning.similarity(scorers.meaning_encoder(), neutralise, sources, texts).tolist(),
        "entities": entities.kept_entities(entities.recall(scorers.entity_finder(), sources, texts)).tolist(),
        "human": scorers.likelihood()(texts).tolist(),
    }
    return [{name: _number(column[place]) for name, column in columns.items()} for place in range(len(texts))]


def _style(rewrite: Rewrite, texts: Sequence[str], written: Written, scorers: Scorers) -> Sequence[float | None]:
    if len(written) < FEWEST_TEXTS:
        return [None] * len(texts)
    person = measured_voices(written, scorers.style_encoder(), scorers.evaluation_encoder())
    similarity_N_M = person.by_mode(person.similarity(texts))
    modes = list(person.shares)
    column_N = similarity_N_M[:, modes.index(rewrite.mode)] if rewrite.mode in modes else similarity_N_M.amax(-1)
    scores: list[float | None] = column_N.tolist()
    return scores


def _number(value: float | None) -> float | None:
    return round(value, 4) if value is not None and math.isfinite(value) else None
