"""Samples into prompts: each of a person's passages with plain versions of it, from which their voice is learned.

Two neutralisers work together. Rules (`learning.neutralise`) never invent, but cannot complete "Report late." or untie
a formal sentence; the base model, asked with the tag `plain`, can. So it is asked where the rules changed little,
and its version counts only if it says the same: near in meaning, with every name and number and nearly every content
word of the sample, and of about its length.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.inference.types import PLAIN_TAG, prompt_for
from app.learning.neutralise import neutralise
from app.learning.rewards import length
from app.learning.rewards.entities import kept_entities, recall
from app.learning.rewards.format import dangling, stripped, well_formed
from app.learning.types import Encoder, EntityFinder, Policy

NEAREST_MEANING = 0.8
SHORTEST_RATIO, LONGEST_RATIO = 0.85, 2.2
CONTENT_KEPT = 0.8
CONTENT_LETTERS = 4
ASKED_AT_ONCE = 32
"""Texts in one batch: more would not be written faster, but need the more memory."""
LITTLE_CHANGED = 0.8
"""Share of a sample's words that its rule version still has, above which the model is asked as well."""


@dataclass(frozen=True)
class Judges:
    encode_meaning: Encoder
    find_entities: EntityFinder


def plain_versions(
    policy: Policy, texts: Sequence[str], judges: Judges, *, max_tokens: int, seed: int
) -> list[list[str]]:
    """One or two plain versions of each text, the rules' first; `policy` is the untrained base."""
    versions = {text: [_plain(text, text)] for text in texts}
    asked = [text for text in versions if _kept_words(text, versions[text][0], letters=1) > LITTLE_CHANGED]
    for start in range(0, len(asked), ASKED_AT_ONCE):
        batch = asked[start : start + ASKED_AT_ONCE]
        prompts = [prompt_for(text, PLAIN_TAG) for text in batch]
        rollouts = policy.sample(prompts, 1, max_tokens=max_tokens, temperature=0.0, seed=seed)
        written = [_plain(stripped(w), text) for w, text in zip(rollouts.texts, batch, strict=True)]
        is_formed = well_formed(rollouts.texts, rollouts.is_finished, batch).bool().tolist()
        is_faithful = _faithful(batch, written, judges)
        for text, plain, formed, faithful in zip(batch, written, is_formed, is_faithful, strict=True):
            if formed and faithful and plain not in versions[text]:
                versions[text].append(plain)
    return [versions[text] for text in texts]


def _plain(version: str, text: str) -> str:
    """Without voice, and broken off as `text` is: a greeting's line is no sentence."""
    plain, end = neutralise(version), dangling(text)
    return plain.rstrip(f".{end}").rstrip() + end if end else plain


def _kept_words(text: str, plain: str, *, letters: int) -> float:
    """Share of the words of `text` with so many letters that `plain` has too."""
    words = {word for word in re.findall(r"\w+", text.lower()) if len(word) >= letters}
    return len(words & set(re.findall(r"\w+", plain.lower()))) / max(1, len(words))


def _faithful(texts: Sequence[str], written: Sequence[str], judges: Judges) -> list[bool]:
    rules = [neutralise(text) for text in texts]
    near_N = (judges.encode_meaning(rules) * judges.encode_meaning([w or "." for w in written])).sum(-1)
    kept_N = kept_entities(recall(judges.find_entities, rules, written))
    ratio_N = length.ratios(rules, written)
    return [
        near >= NEAREST_MEANING
        and kept >= 1.0
        and SHORTEST_RATIO <= ratio <= LONGEST_RATIO
        and _kept_words(rule, text, letters=CONTENT_LETTERS) >= CONTENT_KEPT
        and re.findall(r"\d+", rule) == re.findall(r"\d+", text)
        for near, kept, ratio, rule, text in zip(
            near_N.tolist(), kept_N.tolist(), ratio_N.tolist(), rules, written, strict=True
        )
    ]
