"""More to imitate than a person has written: plain texts given the rule-made style that is nearest to theirs.

Thirty samples teach a small model how somebody writes, and also to forget how to carry over a name it has not seen
in them. So random rule styles are tried on plain texts, those that the style encoder finds most like the person are
kept, and their results join the person's own samples: content and names are kept by construction. (OURS; the filter is
the one of TinyStyler, arXiv 2406.15586, with rules in place of its generator.)
"""

from collections.abc import Sequence

from app.learning.restyle import random_style, restyle
from app.learning.rewards.style import References
from app.learning.seeding import generator

STYLES_TRIED = 320
TEXTS_TRIED = 6
STYLES_KEPT = 8
LEAST_SIMILARITY = 0.35
"""Calibrated: below it no rule style is like the person, and nothing is better than something wrong."""


def imitations(person: References, plain: Sequence[str], count: int, *, seed: int) -> list[tuple[str, str, str]]:
    """Up to `count` (plain text, imitation, mode) triples, modes by their shares.

    `person` is measured by the encoder that rewards.
    """
    random = generator(seed, "imitations")
    texts = random.sample(list(plain), min(len(plain), max(count, TEXTS_TRIED)))
    styles = [random_style(random) for _ in range(STYLES_TRIED)]
    tried = [restyle(text, style, random) for style in styles for text in texts[:TEXTS_TRIED]]
    similarity_N_M = person.by_mode(person.similarity(tried)).view(len(styles), -1, len(person.shares)).mean(1)
    found = []
    for place, (mode, share) in enumerate(person.shares.items()):
        best = similarity_N_M[:, place].argsort(descending=True)[:STYLES_KEPT].tolist()
        own = texts[: max(1, round(count * share))]
        random.shuffle(texts)
        variants = [restyle(text, styles[index], random) for text in own for index in best]
        score_N = person.by_mode(person.similarity(variants))[:, place].view(len(own), -1)
        for row, text in enumerate(own):
            # Any of the better half, not always the best: a person's lines are not all alike.
            ranked = score_N[row].argsort(descending=True).tolist()
            chosen = random.choice(ranked[: max(1, len(ranked) // 2)])
            if score_N[row, chosen] >= LEAST_SIMILARITY:
                found.append((text, variants[row * len(best) + chosen], mode))
    return found
