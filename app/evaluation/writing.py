"""Texts rewritten by a policy as the server rewrites them: in passages, several in one batch, joined again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.inference.candidates import Candidate, best
from app.inference.passages import split
from app.inference.policy import LoraPolicy
from app.inference.types import DEFAULT_TEMPERATURE, prompt_for
from app.learning.rewards.format import well_formed
from app.learning.seeding import derive

ROWS_AT_ONCE = 32
ROOM_WORDS = 3
"""Tokens of room for each word of a passage, and as many as for a dozen words more."""

Choose = Callable[[Sequence[Candidate], str | None], Candidate]
"""Candidates of a passage and the voice it was told, to the one that is taken."""


def as_answered(tried: Sequence[Candidate], tag: str | None) -> Candidate:
    """As the engine chooses, which asks for no voice."""
    return best(tried)


@dataclass(frozen=True)
class Written:
    texts: list[str]
    well_formed: list[float]
    """Per text the share of its passages that began and ended as they should."""


def rewrite(
    policy: LoraPolicy,
    texts: Sequence[str],
    tags: Sequence[str | None],
    *,
    passage_words: int,
    seed: int,
    temperature: float = DEFAULT_TEMPERATURE,
    candidates: int = 1,
    choose: Choose = as_answered,
    each: Callable[[float], None] = lambda share: None,
) -> Written:
    """Every text once, told its tag, or the one of several candidates that the engine would answer with, or `choose`.

    `each` is called with the share done after every batch.
    """
    cut = [split(text, passage_words) for text in texts]
    passages = [(passage, tag) for part, tag in zip(cut, tags, strict=True) for passage in part.passages]
    written: list[str] = []
    is_formed: list[float] = []
    at_once = max(1, ROWS_AT_ONCE // candidates)
    for start in range(0, len(passages), at_once):
        batch = passages[start : start + at_once]
        rollouts = policy.sample(
            [prompt_for(passage, tag) for passage, tag in batch],
            candidates,
            max_tokens=ROOM_WORDS * (12 + max(len(passage.split()) for passage, _ in batch)),
            temperature=temperature,
            seed=derive(seed, "rewrite", start),
            # Names are helped along as the engine does, wherever it is the engine that is meant.
            passages=[passage for passage, _ in batch] if candidates > 1 else (),
        )
        sources = [passage for passage, _ in batch for _ in range(candidates)]
        formed = well_formed(rollouts.texts, rollouts.is_finished, sources).tolist()
        for place, (passage, tag) in enumerate(batch):
            rows = range(place * candidates, (place + 1) * candidates)
            tried = [Candidate.of(passage, rollouts.texts[r], is_finished=rollouts.is_finished[r]) for r in rows]
            chosen = choose(tried, tag)
            written.append(chosen.text)
            is_formed.append(formed[rows[tried.index(chosen)]])
        each(min(1.0, (start + len(batch)) / len(passages)))
    return joined(texts, passage_words, written, is_formed)


def joined(texts: Sequence[str], passage_words: int, written: Sequence[str], is_formed: Sequence[float]) -> Written:
    """Passages in the order of the texts they were cut from, as whole texts again."""
    whole: list[str] = []
    formed: list[float] = []
    start = 0
    for text in texts:
        cut = split(text, passage_words)
        end = start + len(cut.passages)
        whole.append(cut.join(written[start:end]))
        formed.append(sum(is_formed[start:end]) / max(1, end - start))
        start = end
    return Written(whole, formed)
