"""Lets a person's own scorer learn from their newest reactions, and lets others ask it. Only workers import it.

Reads in one short transaction, learns with none open, writes in another. A version is a row: weights as safetensors,
how well it foretold what it then learned, and what it believes in words. Two workers who listen to the same person
want the same version number; the slower one's work is dropped. Whatever happens, the traces remain: a scorer whose
weights are lost or stand on other features starts anew and is reminded of all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from typing import Final

from sqlalchemy.orm import Session
from torch import Tensor

from app.config import get_settings
from app.db import EVERY_TENANT, now, transaction
from app.feedback import repository
from app.feedback.tracing import as_row, as_trace
from app.learning.satisfaction import replay as memory
from app.learning.satisfaction.arf import ArfConfig, ArfScorer, Heard, hear
from app.learning.satisfaction.features import EMBEDDING_SCALE, PairFeatures, pair_features
from app.learning.satisfaction.replay import Replay
from app.learning.satisfaction.state import UnusableState, packed, unpacked
from app.learning.satisfaction.traces import SAID
from app.learning.satisfaction.tracker import beliefs
from app.learning.seeding import derive
from app.models import Scorer, Trace

STATES_KEPT: Final = 5
PROBES: Final = 12
"""The newest texts a scorer is asked about to say what it believes: each costs a score in 24 versions."""
REHEARSAL: Final = 10
"""Times the steps of an update for a scorer that has lost its weights."""

SatisfactionOf = Callable[[Sequence[str], Sequence[str]], Tensor]
"""Prompts and outputs to the satisfaction [N] of one person, in [0, 1]."""


@dataclass(frozen=True)
class Ears:
    """Features, and a name that changes with them."""

    features: PairFeatures
    name: str


@lru_cache
def packaged_ears() -> Ears:
    from app.inference import encoders, stylometry

    name = f"all-MiniLM-L6-v2 {EMBEDDING_SCALE} {' '.join(stylometry.FEATURES)}"
    return Ears(pair_features(encoders.meaning_encoder(), stylometry.features), sha256(name.encode()).hexdigest())


@dataclass(frozen=True)
class _News:
    tenant_id: str
    unheard: Sequence[Trace]
    heard: Sequence[Trace]
    latest: Scorer | None


def listen(user_id: str, ears: Ears | None = None, config: ArfConfig | None = None) -> int | None:
    """The new version of the person's scorer; None if too little is new, or somebody else was faster."""
    with transaction(EVERY_TENANT, read_only=True) as session:
        news = _news(session, user_id)
    if news is None:
        return None
    ears, config = ears or packaged_ears(), config or ArfConfig()
    version = news.latest.version + 1 if news.latest else 1
    scorer = _restored(news.latest, ears)
    if scorer is None:
        scorer = ArfScorer(_feature_count(ears))
        if news.heard:
            config = replace(config, steps=REHEARSAL * config.steps)
    replay = Replay(as_trace(row) for row in news.heard)
    fresh = [as_trace(row) for row in news.unheard]
    update = hear(scorer, replay, fresh, ears.features, config, update=version, seed=derive(user_id, "listen"))
    said = [trace for trace in (*(as_trace(row) for row in news.heard), *fresh) if trace.origin in SAID]
    probes = list(dict.fromkeys((trace.prompt, trace.output) for trace in reversed(said)))[:PROBES]
    row = Scorer(
        tenant_id=news.tenant_id,
        user_id=user_id,
        version=version,
        replies=max(trace.reply for trace in fresh),
        features=ears.name,
        state=packed(scorer),
        metrics={name: round(value, 4) for name, value in update.metrics.items()},
        beliefs=[belief.report() for belief in beliefs(scorer, probes, ears.features)],
    )
    with transaction(news.tenant_id) as session:
        return version if _written(session, row, news.unheard, update) else None


def satisfaction_of(session: Session, user_id: str, ears: Ears | None = None) -> SatisfactionOf | None:
    """The person's newest scorer as a reward for texts nobody has reacted to; None if there is none to use."""
    ears = ears or packaged_ears()
    scorer = _restored(repository.latest_scorer(session, user_id), ears)
    if scorer is None:
        return None
    return lambda prompts, outputs: scorer.satisfaction(ears.features(prompts, outputs))


def _news(session: Session, user_id: str) -> _News | None:
    tenant_id = repository.tenant_of_user(session, user_id)
    if tenant_id is None or repository.unheard_replies(session, user_id) < get_settings().feedback_listen_every:
        return None
    return _News(
        tenant_id,
        repository.unheard(session, user_id),
        repository.heard(session, user_id, memory.RECENT, memory.LONG),
        repository.latest_scorer(session, user_id),
    )


def _restored(row: Scorer | None, ears: Ears) -> ArfScorer | None:
    if row is None or row.state is None or row.features != ears.name:
        return None
    try:
        return unpacked(row.state, _feature_count(ears))
    except UnusableState:
        return None


def _feature_count(ears: Ears) -> int:
    return ears.features(["."], ["."]).shape[1]


def _written(session: Session, scorer: Scorer, unheard: Sequence[Trace], update: Heard) -> bool:
    if not repository.add_scorer(session, scorer):
        return False
    _relabel(session, scorer.version, {row.id: row for row in unheard}, update)
    repository.drop_states(session, scorer.user_id, scorer.version - STATES_KEPT + 1)
    return True


def _relabel(session: Session, version: int, unheard: Mapping[str, Trace], update: Heard) -> None:
    scores = {trace.id: trace.score for trace in (*update.added, *update.relabelled)}
    for row in repository.traces(session, [*unheard, *(trace.id for trace in update.relabelled)]):
        if row.heard_by is None:
            row.heard_by = version
        if row.score != scores[row.id]:
            row.score, row.rescored_at = scores[row.id], now()
    for copy in update.added:
        original = unheard[copy.id.partition("/")[0]]
        if copy.id not in unheard:
            session.add(as_row(copy, original, version))
