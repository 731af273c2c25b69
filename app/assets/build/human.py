"""Recipe of the detector's calibration: how to weigh likelihood, rank and curvature at each length of text.

Pairs of human and machine text (news, stories, abstracts) are read once; each length is a cut of the same reading, as a
causal model sees no further. The machine was given the opening of the human's text, so what both share is cut off.
Logistic regression: fitted on four fifths of the pairs at a time for the figures, on all of them for the file.
"""

from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from app.assets.build.corpora import rows
from app.config import get_settings
from app.inference.base import read_card, unmerged_base
from app.inference.detector import Band, Calibration, glances, traits
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens

SOURCES = ("xsum", "writing", "pubmed")
PAIRS_PER_SOURCE = 40
LENGTHS = (32, 64, 128, 200)
FOLDS = 5

Read = list[tuple[str, Tensor, Tensor]]
"""(source, glances at the human text, glances at the machine's)."""


def build(data: Path, target: Path, report: Callable[[str], None] = print, seed: int = 0) -> dict[str, float]:
    """Write `human/calibration.json` under `target`; return AUROC by length, and by length and source.

    `curvature_*` is Fast-DetectGPT alone, `human_*` the fitted score on pairs it was not fitted on.
    """
    folder = unmerged_base(get_settings())
    read = _read(folder, data, report)
    figures: dict[str, float] = {}
    bands = []
    for length in LENGTHS:
        pairs = [pair for pair in read if min(len(pair[1]), len(pair[2])) >= length - 1]
        if len(pairs) < 5 * FOLDS:
            report(f"{length} tokens: only {len(pairs)} pairs are that long; left out")
            continue
        traits_P_2_3 = torch.stack([torch.stack([traits(side[: length - 1]) for side in pair[1:]]) for pair in pairs])
        held_out_P_2 = _held_out(traits_P_2_3, torch.Generator().manual_seed(seed))
        figures[f"pairs_{length}"] = float(len(pairs))
        figures[f"human_{length}"] = _auroc(held_out_P_2)
        figures[f"curvature_{length}"] = _auroc(-traits_P_2_3[..., 0])
        figures[f"likelihood_{length}"] = _auroc(-traits_P_2_3[..., 1])
        for source in SOURCES:
            if of_source := [place for place, pair in enumerate(pairs) if pair[0] == source]:
                figures[f"human_{length}_{source}"] = _auroc(held_out_P_2[of_source])
        weights_3, bias = _fit(traits_P_2_3)
        bands.append(Band(length, (weights_3[0].item(), weights_3[1].item(), weights_3[2].item()), bias))
    Calibration(read_card(folder).digest, tuple(bands)).save(target / "human" / "calibration.json")
    return {name: round(value, 4) for name, value in figures.items()}


def _read(folder: Path, data: Path, report: Callable[[str], None]) -> Read:
    model, tokens = LlamaModel.load(folder), Tokens.load(folder)
    read: Read = []
    for source in SOURCES:
        for row in list(rows(data / "machine_text" / f"{source}_gpt-3.5-turbo.jsonl"))[:PAIRS_PER_SOURCE]:
            sides = _without_shared_opening(str(row["human"]), str(row["machine"]))
            human, machine = (glances(model, tokens.completion(side)[: max(LENGTHS)]) for side in sides)
            read.append((source, human, machine))
        report(f"{source}: {len(read)} pairs read")
    return read


def _without_shared_opening(human: str, machine: str) -> tuple[str, str]:
    """Both from the first word on that differs."""
    words = list(zip(human.split(" "), machine.split(" "), strict=False))
    shared = len(list(takewhile(lambda pair: pair[0] == pair[1], words)))
    return " ".join(human.split(" ")[shared:]), " ".join(machine.split(" ")[shared:])


def _held_out(traits_P_2_3: Tensor, generator: torch.Generator) -> Tensor:
    """The score of every text by weights that never saw its pair [P, 2]."""
    scores_P_2 = torch.zeros(traits_P_2_3.shape[:2])
    folds = torch.randperm(len(traits_P_2_3), generator=generator).tensor_split(FOLDS)
    for fold, held_out in enumerate(folds):
        others = torch.cat([rest for place, rest in enumerate(folds) if place != fold])
        weights_3, bias = _fit(traits_P_2_3[others])
        scores_P_2[held_out] = traits_P_2_3[held_out] @ weights_3 + bias
    return scores_P_2


def _fit(traits_P_2_3: Tensor, steps: int = 100, decay: float = 0.02) -> tuple[Tensor, float]:
    """Weights [3] and bias, for traits as they are; `decay` keeps three traits that go together from cancelling."""
    rows_N_3 = traits_P_2_3.flatten(0, 1)
    labels_N = torch.tensor([1.0, 0.0]).repeat(len(traits_P_2_3))
    mean_3, std_3 = rows_N_3.mean(0), rows_N_3.std(0) + 1e-6
    standard_N_3 = (rows_N_3 - mean_3) / std_3
    parameters = torch.zeros(4, requires_grad=True)
    optimizer = torch.optim.LBFGS([parameters], max_iter=steps)

    def loss() -> Tensor:
        optimizer.zero_grad()
        logits_N = standard_N_3 @ parameters[:3] + parameters[3]
        value = F.binary_cross_entropy_with_logits(logits_N, labels_N) + decay * parameters[:3].square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    weights_3 = parameters.detach()[:3] / std_3
    return weights_3, float(parameters.detach()[3] - (weights_3 * mean_3).sum())


def _auroc(scores_P_2: Tensor) -> float:
    """How often a human text scores above a machine's, over all pairings; column 0 is human."""
    human_P, machine_P = scores_P_2.unbind(-1)
    return auroc(human_P.tolist(), machine_P.tolist())


def auroc(higher: Sequence[float], lower: Sequence[float]) -> float:
    return sum((a > b) + 0.5 * (a == b) for a in higher for b in lower) / (len(higher) * len(lower))
