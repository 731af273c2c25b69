"""Recipe of the static satisfaction scorer: a small head on frozen sentence embeddings.

GoEmotions labels are folded into displeased / neither / pleased; rated snippets give soft labels (a rating of 4 is all
pleased, 0 is all neither). Temperature is fitted on the development split, so that the probabilities are calibrated.
"""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from app.assets.build.corpora import goemotions, rated, tidy
from app.inference.encoders import meaning_encoder
from app.learning.satisfaction.static import SatisfactionHead, satisfaction

PLEASED = set("admiration amusement approval caring desire excitement gratitude joy love optimism pride relief".split())
DISPLEASED = set(
    "anger annoyance disappointment disapproval disgust embarrassment fear grief nervousness remorse sadness".split()
)
EPOCHS, BATCH = 12, 256


def build(data: Path, target: Path, report: Callable[[str], None] = print, seed: int = 0) -> dict[str, float]:
    """Write `satisfaction/head.safetensors` under `target`; return dev figures."""
    torch.manual_seed(seed)
    encode = meaning_encoder()
    train_texts, train_labels = _emotions(data, "train")
    dev_texts, dev_labels = _emotions(data, "dev")
    rated_texts, rated_labels = _ratings(data)
    held_out = len(rated_texts) // 10
    report(f"embedding {len(train_texts) + len(rated_texts) + len(dev_texts)} texts")
    inputs_N_D = encode(train_texts + rated_texts[held_out:])
    targets_N_3 = torch.cat([train_labels, rated_labels[held_out:]])
    dev_N_D = encode(dev_texts)
    head = SatisfactionHead()
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.02)
    for epoch in range(EPOCHS):
        head.train()
        for batch in torch.randperm(len(inputs_N_D)).split(BATCH):  # type: ignore[no-untyped-call]
            loss = F.cross_entropy(head(inputs_N_D[batch]), targets_N_3[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        report(f"epoch {epoch + 1}/{EPOCHS}  dev accuracy {_accuracy(head.eval(), dev_N_D, dev_labels):.3f}")
    _fit_temperature(head, dev_N_D, dev_labels)
    path = target / "satisfaction" / "head.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(head.state_dict(), path)
    scores = satisfaction(head.moods(encode(rated_texts[:held_out])))
    truth = rated_labels[:held_out] @ torch.tensor([0.0, 0.5, 1.0])
    return {
        "goemotions_dev_3way_accuracy": round(_accuracy(head, dev_N_D, dev_labels), 4),
        "rated_held_out_pearson": round(torch.corrcoef(torch.stack([scores, truth]))[0, 1].item(), 4),
        "temperature": round(head.temperature.item(), 3),
    }


def _accuracy(head: SatisfactionHead, inputs_N_D: Tensor, targets_N_3: Tensor) -> float:
    with torch.no_grad():
        return float((head(inputs_N_D).argmax(-1) == targets_N_3.argmax(-1)).float().mean())


def _fit_temperature(head: SatisfactionHead, inputs_N_D: Tensor, targets_N_3: Tensor) -> None:
    with torch.no_grad():
        logits = head(inputs_N_D)
        grid = torch.arange(0.5, 3.0, 0.05)
        losses = torch.stack([F.cross_entropy(logits / t, targets_N_3) for t in grid])
        head.temperature.fill_(grid[losses.argmin()].item())


def _emotions(data: Path, split: str) -> tuple[list[str], Tensor]:
    texts, labels = [], []
    for row in goemotions(data, split):
        pleased, displeased = bool(PLEASED & set(row.labels)), bool(DISPLEASED & set(row.labels))
        if pleased and displeased:
            continue
        texts.append(tidy(row.text).replace("[NAME]", "Alex"))
        labels.append(2 if pleased else 0 if displeased else 1)
    return texts, F.one_hot(torch.tensor(labels), 3).float()


def _ratings(data: Path) -> tuple[list[str], Tensor]:
    pairs = [pair for texts in rated(data).values() for pair in texts]
    order = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(0)).tolist()
    texts = [pairs[i][0] for i in order]
    strength = torch.tensor([pairs[i][1] for i in order]).div(2.5).clamp(-1, 1)
    labels = torch.stack([(-strength).clamp(min=0), 1 - strength.abs(), strength.clamp(min=0)], -1)
    return texts, labels
