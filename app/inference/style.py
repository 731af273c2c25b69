"""The style encoder that ships: countable habits and small heads, trained by contrast (app/assets/build/style.py)."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from app.inference.manners import MANNERS
from app.inference.stylometry import FEATURES, Reading
from app.inference.wording import WORDING, Wording
from app.inference.words import Words

MATTERS = frozenset(
    "first_person second_person third_person plural_person questions ends_asking numbers names_capital length".split()
)
"""Habits of what is said rather than how: a rewrite can have more of them only by saying something else."""
STYLE_HEADS, STYLE_DIMENSIONS, STYLE_HIDDEN = 3, 64, 128
FARTHEST = 2.0
"""Standard deviations: a habit beyond them is not more of a habit, so that none counts for the others."""
HABITS = (*FEATURES, *MANNERS, *WORDING)
"""What the encoder sees of a text, by name and in order."""


def habits(texts: Sequence[str], words: Words) -> list[list[float]]:
    """A row of len(HABITS) numbers for each text."""
    rows = []
    for text in texts:
        reading = Reading.of(text)
        wording = Wording(reading, words)
        row = [float(feature(reading)) for table in (FEATURES, MANNERS) for feature in table.values()]
        rows.append(row + [float(feature(wording)) for feature in WORDING.values()])
    return rows


class StyleHead(nn.Module):
    """Habits [N, H] to unit rows [N, 64]."""

    mean: Tensor
    std: Tensor

    def __init__(self, habit_count: int = len(HABITS)) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(habit_count))
        self.register_buffer("std", torch.ones(habit_count))
        self.hidden = nn.Linear(habit_count, STYLE_HIDDEN)
        self.out = nn.Linear(STYLE_HIDDEN, STYLE_DIMENSIONS)

    @classmethod
    def fresh(cls, mean_H: Tensor, std_H: Tensor) -> "StyleHead":
        head = cls(len(mean_H))
        head.mean.copy_(mean_H)
        head.std.copy_(std_H)
        return head

    def forward(self, habits_N_H: Tensor) -> Tensor:
        standard = ((habits_N_H - self.mean) / self.std).clamp(-6, 6)
        return F.normalize(self.out(torch.tanh(self.hidden(standard))), dim=-1)


class Committee(nn.Module):
    """Habits [N, H] to unit rows [N, 64 times heads], whose cosine is the mean of the heads' own.

    Heads that differ in their seed alone disagree about what they know least; their mean is steadier than any of them.
    """

    def __init__(self, heads: Sequence[StyleHead]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)

    @property
    def usual(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of every habit [H] in the texts that the heads were trained on."""
        first = cast(StyleHead, self.heads[0])
        return first.mean, first.std

    def forward(self, habits_N_H: Tensor) -> Tensor:
        together_N_D: Tensor = torch.cat([head(habits_N_H) for head in self.heads], -1)
        return together_N_D / math.sqrt(len(self.heads))


def save(head: Committee, words: Words, path: Path) -> None:
    """One file: weights without the table they were trained on would read other numbers into the same places."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in head.state_dict().items()} | words.tensors(), path)


def load(path: Path) -> tuple[Committee, Words]:
    """Raises RuntimeError when the file was built for another set of habits."""
    tensors = load_file(path)
    head = Committee([StyleHead() for _ in range(STYLE_HEADS)])
    head.load_state_dict({name: value for name, value in tensors.items() if not name.startswith("words.")})
    return head.eval(), Words.of(tensors)


class Packaged:
    """What ships, in three views of a text; each of unit rows."""

    def __init__(self, path: Path) -> None:
        self._head, self._words = load(path)
        self._is_manner_H = torch.tensor([habit not in MATTERS for habit in HABITS])

    @torch.no_grad()
    def style(self, texts: Sequence[str]) -> Tensor:
        """By the networks."""
        unit: Tensor = self._head(self._habits(texts))
        return unit

    def manners(self, texts: Sequence[str]) -> Tensor:
        """By the habits themselves, each by how far it is from usual: no text is near a person by one of them alone.

        (Burrows' Delta, 2002, with habits of writing for words.) Those that are about what is said are left out.
        """
        return self._manners(self._habits(texts))

    @torch.no_grad()
    def voice(self, texts: Sequence[str]) -> Tensor:
        """Half and half; the habits are counted once."""
        habits_N_H = self._habits(texts)
        return halves(self._head(habits_N_H), self._manners(habits_N_H))

    def _habits(self, texts: Sequence[str]) -> Tensor:
        return torch.tensor(habits(texts, self._words)).view(len(texts), len(HABITS))

    def _manners(self, habits_N_H: Tensor) -> Tensor:
        usual_H, spread_H = self._head.usual
        standard_N_H = ((habits_N_H - usual_H) / spread_H).clamp(-FARTHEST, FARTHEST)
        return F.normalize(standard_N_H[:, self._is_manner_H], dim=-1)


def halves(one_N_D: Tensor, other_N_D: Tensor) -> Tensor:
    """Unit rows whose cosine is the mean of the two cosines."""
    return torch.cat([one_N_D, other_N_D], -1) / math.sqrt(2)
