"""More to imitate than a person has written: plain texts given the rule-made style that is nearest to theirs.

Thirty samples teach a small model how somebody writes, and also to forget how to carry over a name it has not seen
in them. So random rule styles are tried on plain texts, those that the style encoder finds most like the person are
kept, and their results join the person's own samples: content and names are kept by construction. (OURS; the filter is
the one of TinyStyler, arXiv 2406.15586, with rules in place of its generator.)
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from random import Random

import torch
from torch import Tensor

from app.learning.manners import DASH, ONE_EMOJI, PRICE_PER_HABIT, Manners, Price, Variant, devices, signs, with_signs
from app.learning.moods import suiting
from app.learning.neutralise import EMOTICON
from app.learning.restyle import restyle
from app.learning.rewards.style import References
from app.learning.seeding import generator
from app.learning.styles import Style, one_habit_changed, random_style

STYLES_DRAWN, STYLES_TRIED = 600, 160
"""Of all that are drawn, those whose manners are nearest: most do what a voice never does, and none needs an encoder to
tell."""
ROUNDS, PARENTS, CHILDREN = 6, 40, 5
"""The nearest have children with one habit changed: hashtags and faces together are too rare to be drawn often."""
TEXTS_PRICED, TEXTS_TRIED = 2, 6
STYLES_KEPT = 16
TEXTS_PER_IMITATION = 4
"""At most so many texts are looked at for each imitation."""
LEAST_SIMILARITY = 0.35
"""Calibrated: below it no rule style is like the person, and nothing is better than something wrong."""


Signs = Mapping[re.Pattern[str], Sequence[str]]


def imitations(
    person: References, plain: Sequence[str], count: int, *, seed: int, written: Mapping[str, Sequence[str]]
) -> list[tuple[str, str, str]]:
    """About `count` (plain text, imitation, mode) triples, modes by their shares, each with one at least; fewer where
    little is near enough.

    `person` is measured by the encoder that rewards. `written` are their own texts by mode, whole: emoji, dashes
    and faces are drawn from there, and nothing is done in a mode that its texts do not do.
    """
    if count < 1:
        return []
    manners = {mode: Manners.of(texts, plain) for mode, texts in written.items()}
    random = generator(seed, "imitations")
    texts = random.sample(list(plain), len(plain))
    styles = [random_style(random) for _ in range(STYLES_DRAWN)]

    def imitate(text: str, style: Style, drawn: Signs, its: Manners) -> Variant:
        styled = restyle(text, style, random, its.articles and its.articles.of(text))
        for sign, own in drawn.items():
            apt = suiting(text, own)
            styled = with_signs(sign, styled, lambda apt=apt: random.choice(apt))  # type: ignore[misc]
        return Variant(text, styled, style.opener + style.closer)

    found = []
    for place, (mode, share) in enumerate(person.shares.items()):
        drawn, its = _signs(written[mode]), manners[mode]

        def price(style: Style, drawn: Signs = drawn, its: Manners = its) -> float:
            if style.clipped and not its.is_terse:
                return math.inf
            return sum(sum(its.price(imitate(text, style, drawn, its))) for text in texts[:TEXTS_PRICED])

        fitting = _nearest(styles, price, random)
        tried = [imitate(text, style, drawn, its) for style in fitting for text in texts[:TEXTS_TRIED]]
        fit_N = _apart(_likeness(person, tried), place) - _prices(map(its.price, tried)).sum(-1)
        fit_F = fit_N.view(len(fitting), -1).mean(1)
        best = [fitting[index] for index in _various(fit_F, _shown(its, tried, len(fitting)), its)]
        # The same texts for every mode: what differs is then the mode's, and its tag is what tells it. Only a mode that
        # most texts give no occasion for goes on to others.
        wanted, dealt, dealer = max(1, round(count * share)), list[Variant](), _Dealer(its)
        for begin in range(0, min(len(texts), wanted * TEXTS_PER_IMITATION), wanted):
            variants = [imitate(text, style, drawn, its) for text in texts[begin : begin + wanted] for style in best]
            dealt += dealer.deal(variants, _apart(_likeness(person, variants), place), len(best))
            if len(dealt) >= wanted:
                break
        found += [(variant.plain, variant.styled, mode) for variant in dealt[:wanted]]
    return found


class _Dealer:
    """Picks, for text after text, the variant that is due: a person's lines are not all alike."""

    def __init__(self, manners: Manners) -> None:
        self._manners = manners
        self._wanted_D = torch.tensor(list(manners.rates.values()))
        self._owed_D = self._wanted_D

    def deal(self, variants: Sequence[Variant], likeness_N: Tensor, per_text: int) -> list[Variant]:
        """One of each text's variants, which are contiguous, if any is near enough."""
        amiss_N, missing_N = _prices(map(self._manners.price, variants)).unbind(-1)
        score_N = likeness_N - amiss_N
        rank_N = score_N - missing_N
        shown_N_D = _shown(self._manners, variants, len(variants))
        chosen = []
        for begin in range(0, len(variants), per_text):
            near = begin + (score_N[begin : begin + per_text] >= LEAST_SIMILARITY).nonzero().flatten()
            if not len(near):
                continue
            # What is owed for long weighs more and more, so that in the end every habit has its share.
            due = rank_N[near] - PRICE_PER_HABIT * (shown_N_D[near] - self._owed_D).square().sum(-1)
            best = int(near[due.argmax()])
            chosen.append(variants[best])
            self._owed_D = self._owed_D - shown_N_D[best] + self._wanted_D
        return chosen


def _shown(manners: Manners, variants: Sequence[Variant], rows: int) -> Tensor:
    """Share of a row's variants that have each device of the voice [rows, D]."""
    found = [devices(variant.styled) for variant in variants]
    shown = torch.tensor([[float(device in has) for device in manners.rates] for has in found])
    return shown.view(rows, len(found) // rows, len(manners.rates)).mean(1)


def _various(fit_F: Tensor, shown_F_D: Tensor, manners: Manners) -> list[int]:
    """The styles that fit best and that together have each device as often as the voice: the best alone would all
    end in a kiss, or none."""
    wanted_D = torch.tensor(list(manners.rates.values()))
    kept: list[int] = []
    sum_D = torch.zeros(len(wanted_D))
    for count in range(1, min(STYLES_KEPT, len(fit_F)) + 1):
        apart_F = ((sum_D + shown_F_D) / count - wanted_D).abs().sum(-1)
        score_F = fit_F - PRICE_PER_HABIT * apart_F
        score_F[kept] = -torch.inf
        kept.append(int(score_F.argmax()))
        sum_D = sum_D + shown_F_D[kept[-1]]
    return kept


def _nearest(styles: Sequence[Style], price: Callable[[Style], float], random: Random) -> list[Style]:
    """The cheapest of the styles, and of the children of the cheapest: half and half, as children are much alike. Each
    once, so there are fewer where only a few are cheap."""
    priced = sorted(((price(style), style) for style in styles), key=itemgetter(0))
    nearest = priced[:PARENTS]
    for _ in range(ROUNDS):
        children = [one_habit_changed(style, random) for _, style in nearest[:PARENTS] for _ in range(CHILDREN)]
        known = {style for _, style in nearest}
        new = [style for style in dict.fromkeys(children) if style not in known]
        nearest = sorted([*nearest, *((price(style), style) for style in new)], key=itemgetter(0))
    drawn = dict.fromkeys(style for _, style in priced[: STYLES_TRIED // 2])
    bred = [style for _, style in nearest if style not in drawn]
    return [*drawn, *bred[: STYLES_TRIED // 2]]


def _prices(prices: Iterable[Price]) -> Tensor:
    """[N, 2]"""
    return torch.tensor(list(prices))


def _signs(texts: Sequence[str]) -> dict[re.Pattern[str], list[str]]:
    """The emoji, dashes and faces to draw from, where there are any."""
    return {sign: own for sign in (ONE_EMOJI, DASH, EMOTICON) if (own := signs(sign, texts))}


def _apart(likeness_N_M: Tensor, place: int) -> Tensor:
    """Likeness to one mode [N], less what a text is more like another: whatever departs from plain English is a little
    like every voice that does."""
    own_N = likeness_N_M[:, place]
    return own_N - (likeness_N_M.amax(-1) - own_N)


def _likeness(person: References, variants: Sequence[Variant]) -> Tensor:
    """Similarity to each mode [N, M]. Unbounded, unlike the reward: among many that are typical enough, the finer
    habits still decide."""
    return person.by_mode(person.scaled(person.cosine([variant.styled for variant in variants])))
