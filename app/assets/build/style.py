"""Recipe of the style encoder: countable habits and small heads, trained by contrast.

Anchor and positive are *different* contents in the *same* style. Two hard negatives tell style from content: the
positive's content in another style, and the anchor's own content in that style, which a content encoder would choose.
Three kinds of fours: bundles of rules laid over neutral sentences, one habit apart at times (`restyle`); texts as
written with one manner swapped (`build.manners`); unaltered texts of one source (tweets, editorials, abstracts), for
the habits that no rule knows. InfoNCE at temperature .1; the second kind only against its own negatives, because
whoever else contracts is no stranger. Seen from neutral text, as the encoder is used (`encoders.centred`), plain text
with nothing but a mark must not lie near a voice: in some bundles that is the other style, whose nearness is punished.
The heads that ship together differ in their seed alone.
"""

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from app.assets.build import manners
from app.assets.build.corpora import human_texts, is_clean, rated, rows, tidy
from app.assets.build.words import words
from app.inference.style import STYLE_HEADS, Committee, StyleHead, habits, save
from app.learning.neutralise import neutralise
from app.learning.restyle import restyle
from app.learning.styles import Style, one_habit_changed, random_style

FOURS, EPOCHS, BATCH, TEMPERATURE = 20_000, 14, 256, 0.1
HELD_OUT = 1_000
PLAIN, ORIGIN = 1_500, 128
"""Neutral texts, and how many of them stand for the origin in a step."""
BOUGHT, NEAR = 0.5, 0.1
"""Weight of a voice bought with a mark, and the cosine that a mark may have."""
SOURCE_SHARE, MANNER_SHARE, BOUGHT_SHARE = 0.14, 0.38, 0.12
MACHINE_TEXT = ("xsum", "writing", "pubmed")
LONGEST = 60
"""Words of a sentence; the rare longer one is mostly a list."""

BUNDLE, MANNER, MARK = range(3)
"""Kinds of fours: texts in bundles of rules or of one source; of one manner; whose other style is only a mark."""

Four = tuple[str, str, str, str]
"""Anchor, positive, the positive's content in another style, the anchor's content in that style."""


def build(data: Path, target: Path, report: Callable[[str], None] = print, seed: int = 1) -> dict[str, float]:
    """Write `style/head.safetensors` under `target`; return what was measured on held-out fours."""
    table = words(data)
    report(f"{len(table.words)} words")
    fours, kinds = zip(*_fours(data, FOURS, random.Random(seed)), strict=True)
    report(f"{len(fours)} fours; counting habits")
    habits_4N_H = torch.tensor(habits([text for four in fours for text in four], table))
    plain_P_H = torch.tensor(habits([neutralise(text) for text in human_texts(data, most=32)[-PLAIN:]], table))
    habits_N_4_H, kind_N = habits_4N_H.view(len(fours), 4, -1), torch.tensor(kinds)
    heads = [_trained(habits_N_4_H, kind_N, plain_P_H, report, seed + number) for number in range(STYLE_HEADS)]
    committee = Committee(heads).eval()
    save(committee, table, target / "style" / "head.safetensors")
    return _measured(committee, habits_N_4_H[-HELD_OUT:], kind_N[-HELD_OUT:])


def _trained(
    habits_N_4_H: Tensor, kind_N: Tensor, plain_P_H: Tensor, report: Callable[[str], None], seed: int
) -> StyleHead:
    torch.manual_seed(seed)
    rows_H = habits_N_4_H.flatten(0, 1)
    head = StyleHead.fresh(mean_H=rows_H.mean(0), std_H=rows_H.std(0) + 1e-2)
    count = len(habits_N_4_H) - HELD_OUT
    optimizer = torch.optim.AdamW(head.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * (count // BATCH))
    for epoch in range(EPOCHS):
        order = torch.randperm(count)
        for start in range(0, count - BATCH + 1, BATCH):
            batch = order[start : start + BATCH]
            rows_B_4_D = head(habits_N_4_H[batch])
            origin_D = head(plain_P_H[torch.randint(len(plain_P_H), (ORIGIN,))]).mean(0)
            departures_B_4_D = F.normalize(rows_B_4_D - origin_D, dim=-1)
            is_manner_B, is_mark_B = kind_N[batch] == MANNER, kind_N[batch] == MARK
            loss = contrast(rows_B_4_D, is_manner_B) + BOUGHT * bought(departures_B_4_D[is_mark_B])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        report(f"epoch {epoch + 1}/{EPOCHS}  loss {loss.item():.3f}")
    return head


def contrast(rows_B_4_D: Tensor, is_manner_B: Tensor) -> Tensor:
    """InfoNCE of anchors against all positives and their own two negatives; a manner against its own ones alone."""
    anchor_B_D, positive_B_D, negative_B_D, content_B_D = rows_B_4_D.unbind(1)
    among_B_B = anchor_B_D @ positive_B_D.T
    others_B_B = ~torch.eye(len(among_B_B), dtype=torch.bool)
    among_B_B = among_B_B.masked_fill(is_manner_B.unsqueeze(1) & others_B_B, -torch.inf)
    own_B_2 = torch.stack([(anchor_B_D * row).sum(1) for row in (negative_B_D, content_B_D)], 1)
    return F.cross_entropy(torch.cat([among_B_B, own_B_2], 1) / TEMPERATURE, torch.arange(len(among_B_B)))


def bought(departures_M_4_D: Tensor) -> Tensor:
    """How near to the anchors the marked plain texts lie: the mean square of what is above NEAR; 0 without any."""
    anchor_M_D, _, *marked = departures_M_4_D.unbind(1)
    near_2_M = torch.stack([(anchor_M_D * row).sum(1) for row in marked])
    return (near_2_M - NEAR).clamp(min=0).square().sum() / max(1, len(anchor_M_D))


@torch.no_grad()
def _measured(head: Committee, habits_N_4_H: Tensor, kind_N: Tensor) -> dict[str, float]:
    """How often the positive is nearer than each of the two negatives, for bundles and for single manners."""
    anchor, positive, negative, content = head(habits_N_4_H).unbind(1)
    figures = {"fours": float(FOURS - HELD_OUT)}
    for name, chosen in (("bundles", kind_N == BUNDLE), ("manners", kind_N == MANNER), ("marks", kind_N == MARK)):
        for other, rows_N_D in (("style", negative), ("content", content)):
            right_N = (anchor * positive).sum(1) > (anchor * rows_N_D).sum(1)
            figures[f"{name}_against_{other}"] = round(right_N[chosen].float().mean().item(), 4)
    return figures


def _fours(data: Path, count: int, rng: random.Random) -> Iterator[tuple[Four, int]]:
    """`count` of them, each with its kind."""
    comments = human_texts(data, most=32)[:20_000]
    sources = sentences(data)
    makers, shares = list(manners.MAKERS), list(manners.MAKERS.values())
    made = 0
    while made < count:
        draw, kind = rng.random(), BUNDLE
        four: Four | None
        if draw < SOURCE_SHARE:
            same, other = rng.sample(sources, 2)
            four = rng.choice(same), rng.choice(same), rng.choice(other), rng.choice(other)
        elif draw < SOURCE_SHARE + MANNER_SHARE:
            kind, source = MANNER, comments if rng.random() < 0.35 else rng.choice(sources)
            four = _in_one_manner(source, rng.choices(makers, shares)[0], rng)
        else:
            kind = MARK if draw > 1 - BOUGHT_SHARE else BUNDLE
            four = _in_a_bundle(comments, kind == MARK, rng)
        if four:
            made += 1
            yield four, kind


def _in_one_manner(source: list[str], make: manners.Maker, rng: random.Random) -> Four | None:
    found: list[manners.Two] = []
    for _ in range(60):
        if two := make(rng.choice(source), rng):
            found.append(two)
        if len(found) == 2:
            side = rng.randrange(2)
            return found[0][side], found[1][side], found[1][1 - side], found[0][1 - side]
    return None


def _in_a_bundle(comments: list[str], is_bought: bool, rng: random.Random) -> Four:
    """`is_bought`: the other style is nothing but a mark, of this one or any, which must not be enough."""
    style = random_style(rng)
    if is_bought:
        own = Style(ending=style.ending, emoji=style.emoji, emoticon=style.emoticon)
        other = rng.choice((own, Style(ending=rng.choice(("!", "!!", "!!!"))), Style(emoji=1)))
    else:
        other = one_habit_changed(style, rng) if rng.random() < 0.35 else random_style(rng)
    one, two = (neutralise(text) for text in rng.sample(comments, 2))
    return restyle(one, style, rng), restyle(two, style, rng), restyle(two, other, rng), restyle(one, other, rng)


def sentences(data: Path) -> list[list[str]]:
    """Usable sentences of each source, of people's and of machines' writing."""
    found = [[text for text, _ in texts] for texts in rated(data).values()]
    for name in MACHINE_TEXT:
        for side in ("human", "machine"):
            texts = (tidy(str(row[side])) for row in rows(data / "machine_text" / f"{name}_gpt-3.5-turbo.jsonl"))
            found.append([part for text in texts for part in re.split(r"(?<=[a-z][.!?]) (?=[A-Z])", text)[1:-1]])
    return [[text for text in texts if 4 <= len(text.split()) <= LONGEST and is_clean(text)] for texts in found]
