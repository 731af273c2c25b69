"""Does an encoder order texts by style, whatever they talk about? STEL (Wegmann & Nguyen 2021), STEL-or-Content (2022).

A task has two anchors of two styles and two alternatives of the same two styles. STEL: which alternative goes with
which anchor? By the lower of sqrt((1-s11)^2 + (1-s22)^2) and sqrt((1-s12)^2 + (1-s21)^2), s_ij the cosine of anchor i
and alternative j. STEL-or-Content is harder: the first anchor must be nearer to the alternative of its own style than
to the second anchor, which says the same thing in the other style. A tie counts half; chance is .5.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from app.learning.types import Encoder


@dataclass(frozen=True)
class Task:
    style: str
    anchors: tuple[str, str]
    alternatives: tuple[str, str]
    """In the order of the anchors' styles: the first goes with the first."""


def read(folder: Path) -> list[Task]:
    """Every `*.jsonl` of the folder; `correct` = 1 says that `alternative1` goes with `anchor1`."""
    tasks = []
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            pair = (row["alternative1"], row["alternative2"])
            tasks.append(
                Task(row["style"], (row["anchor1"], row["anchor2"]), pair if row["correct"] == 1 else pair[::-1])
            )
    return tasks


def stel(tasks: Sequence[Task], encoder: Encoder) -> list[float]:
    """1 right, 0 wrong, .5 undecided, for each task."""
    a1, a2, s1, s2 = _encoded(tasks, encoder)
    straight = ((1 - (a1 * s1).sum(-1)) ** 2 + (1 - (a2 * s2).sum(-1)) ** 2).sqrt()
    crossed = ((1 - (a1 * s2).sum(-1)) ** 2 + (1 - (a2 * s1).sum(-1)) ** 2).sqrt()
    return _decided(crossed - straight)


def stel_or_content(tasks: Sequence[Task], encoder: Encoder) -> list[float]:
    """1 where style wins over content, 0 where content does, .5 undecided, for each task."""
    a1, a2, s1, _ = _encoded(tasks, encoder)
    return _decided((a1 * s1).sum(-1) - (a1 * a2).sum(-1))


def _encoded(tasks: Sequence[Task], encoder: Encoder) -> tuple[torch.Tensor, ...]:
    columns = [[task.anchors[i] for task in tasks] for i in (0, 1)]
    columns += [[task.alternatives[i] for task in tasks] for i in (0, 1)]
    return tuple(encoder(column) for column in columns)


def _decided(margin_N: torch.Tensor) -> list[float]:
    values: list[float] = torch.heaviside(margin_N, torch.tensor(0.5)).tolist()
    return values
