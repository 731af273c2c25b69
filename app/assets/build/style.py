"""Recipe of the style encoder: stylometric features and a small head, trained by contrast.

Anchor and positive are *different* contents in the *same* random style; the hard negative has the positive's content
in another style, often one habit away. A fifth of the anchors and positives are unaltered texts of the same source
(tweets, reviews, editorials), so that habits the rules do not know count too. InfoNCE at temperature .1; a minute.
"""

import random
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from app.assets.build.corpora import human_texts, rated
from app.inference.style import StyleHead
from app.inference.stylometry import features
from app.learning.neutralise import neutralise
from app.learning.restyle import restyle
from app.learning.styles import one_habit_changed, random_style

TRIPLES, EPOCHS, BATCH, TEMPERATURE = 16_000, 14, 256, 0.1


def build(data: Path, target: Path, report: Callable[[str], None] = print, seed: int = 1) -> dict[str, float]:
    """Write `style/head.safetensors` under `target`; return what was measured on held-out triples."""
    anchors, positives, negatives = _triples(data, random.Random(seed))
    report(f"{len(anchors)} triples; counting features")
    rows_3N_F = torch.tensor(features(anchors + positives + negatives))
    torch.manual_seed(seed)
    head = StyleHead.fresh(mean_F=rows_3N_F.mean(0), std_F=rows_3N_F.std(0) + 1e-2)
    train_count = len(anchors) - 1_000
    triples_N_3_F = torch.stack(rows_3N_F.split(len(anchors)), 1)  # type: ignore[no-untyped-call]
    optimizer = torch.optim.AdamW(head.parameters(), lr=2e-3, weight_decay=0.01)
    steps = EPOCHS * (train_count // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for epoch in range(EPOCHS):
        for batch in torch.randperm(train_count).split(BATCH):  # type: ignore[no-untyped-call]
            if len(batch) < BATCH:
                continue
            noisy = triples_N_3_F[batch]
            loss = _contrast(head, noisy)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        report(f"epoch {epoch + 1}/{EPOCHS}  loss {loss.item():.3f}")
    with torch.no_grad():
        anchor, positive, negative = (head(triples_N_3_F[train_count:, i]) for i in range(3))
        accuracy = ((anchor * positive).sum(1) > (anchor * negative).sum(1)).float().mean().item()
    head.save(target / "style" / "head.safetensors")
    return {"held_out_triple_accuracy": round(accuracy, 4), "triples": float(train_count)}


def _contrast(head: StyleHead, triples_B_3_F: Tensor) -> Tensor:
    anchor, positive, negative = (head(triples_B_3_F[:, i]) for i in range(3))
    logits = torch.cat([anchor @ positive.T, (anchor * negative).sum(1, keepdim=True)], 1) / TEMPERATURE
    return F.cross_entropy(logits, torch.arange(len(anchor)))


def _triples(data: Path, rng: random.Random) -> tuple[list[str], list[str], list[str]]:
    pool = human_texts(data, most=32)[:14_000]
    sources = [[text for text, _ in texts] for texts in rated(data).values()]
    anchors, positives, negatives = [], [], []
    for _ in range(TRIPLES):
        if rng.random() < 0.2:
            same, other = rng.sample(sources, 2)
            anchors.append(rng.choice(same))
            positives.append(rng.choice(same))
            negatives.append(rng.choice(other))
            continue
        style = random_style(rng)
        other_style = one_habit_changed(style, rng) if rng.random() < 0.35 else random_style(rng)
        one, two = (neutralise(text) for text in rng.sample(pool, 2))
        anchors.append(restyle(one, style, rng))
        positives.append(restyle(two, style, rng))
        negatives.append(restyle(two, other_style, rng))
    return anchors, positives, negatives
