"""Plots as PNG files. matplotlib is an extra (`pip install idiolect[plots]`): without it there are tables only."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

from app.learning.bootstrap import Interval

SIZE_INCHES = (4.4, 3.2)
DPI = 120
TITLE_CHARACTERS = 13
"""An inch, at the size of titles."""
LABEL_CHARACTERS = 48
"""At most so many in a line beside an axis."""
FEW_LINES = 4
"""More names than these would lie on the lines."""
COLOURS = ("#1b6ca8", "#d1495b", "#3a8f4d", "#e08e1b", "#6b4c9a", "#555555", "#00808a", "#a0527a")
DASHES = ("-", "--", ":", "-.")

Curve = Sequence[tuple[float, float]]
"""(x, y) points."""


@dataclass(frozen=True)
class Curves:
    """Panels beside each other, lines in each: what changes over training."""

    name: str
    title: str
    x: str
    y: str
    panels: Mapping[str, Mapping[str, Curve]]
    """Panel title to line label to points."""

    def draw(self, folder: Path) -> Path:
        """Write `<name>.png`. Raises ImportError without matplotlib."""
        most = max((len(lines) for lines in self.panels.values()), default=0)
        figure, axes = _canvas(len(self.panels), SIZE_INCHES[1] + (0.1 * most if most > FEW_LINES else 0))
        for place, (axis, (panel, lines)) in enumerate(zip(axes, self.panels.items(), strict=True)):
            for colour, dash, (label, points) in zip(
                _repeated(COLOURS), _repeated(DASHES), lines.items(), strict=False
            ):
                axis.plot(*zip(*points, strict=True), dash, color=colour, label=label, linewidth=1.6)
            axis.set(title=panel, xlabel=self.x, ylabel=self.y if place == 0 else "")
            if len(lines) > FEW_LINES:
                _legend_below(figure, axis, 0.4, ncols=2)
            elif lines:
                axis.legend(fontsize=7, frameon=False)
        return _saved(figure, self.title, folder / f"{self.name}.png")


@dataclass(frozen=True)
class Shares:
    """Stacked bars: what every row is made of."""

    name: str
    title: str
    panels: Mapping[str, Mapping[str, Mapping[str, float]]]
    """Panel title to row label to part to share."""

    def draw(self, folder: Path) -> Path:
        """Write `<name>.png`. Raises ImportError without matplotlib."""
        rows = max((len(bars) for bars in self.panels.values()), default=1)
        figure, axes = _canvas(len(self.panels), height=1.8 + 0.3 * rows)
        for axis, (panel, bars) in zip(axes, self.panels.items(), strict=True):
            parts = list(dict.fromkeys(part for shares in bars.values() for part in shares))
            labels = list(bars)[::-1]
            left = [0.0] * len(labels)
            for colour, part in zip(_repeated(COLOURS), parts, strict=False):
                widths = [bars[label].get(part, 0.0) for label in labels]
                axis.barh(labels, widths, left=left, color=colour, label=part)
                left = [start + width for start, width in zip(left, widths, strict=True)]
            axis.set(title=panel, xlim=(0, 1))
            axis.margins(y=0.02)
            axis.tick_params(labelsize=7)
            _legend_below(figure, axis, 0.25, title="share of texts", title_fontsize=7, ncols=3)
        return _saved(figure, self.title, folder / f"{self.name}.png")


@dataclass(frozen=True)
class Means:
    """Dots with their intervals, and the bars that were to be reached."""

    name: str
    title: str
    panels: Mapping[str, Mapping[str, Interval]]
    """Panel title to row label to what was measured; rows that were not measured are left out."""
    bars: Mapping[str, float] = field(default_factory=dict)
    """Row label to its bar."""

    def draw(self, folder: Path) -> Path:
        """Write `<name>.png`. Raises ImportError without matplotlib."""
        rows = max((len(means) for means in self.panels.values()), default=1)
        figure, axes = _canvas(len(self.panels), height=1.2 + 0.3 * rows)
        for axis, (panel, means) in zip(axes, self.panels.items(), strict=True):
            shown = [(label, mean) for label, mean in means.items() if mean.mean == mean.mean][::-1]
            for row, (label, mean) in enumerate(shown):
                axis.plot([mean.low, mean.high], [row, row], "-", color=COLOURS[0], linewidth=1.6)
                axis.plot([mean.mean], [row], "o", color=COLOURS[0], markersize=5)
                if label in self.bars:
                    axis.plot([self.bars[label]], [row], "|", color=COLOURS[1], markersize=12, markeredgewidth=2)
            axis.set(title=panel, ylim=(-0.6, len(shown) - 0.4))
            axis.set_yticks(range(len(shown)), [textwrap.fill(label, LABEL_CHARACTERS) for label, _ in shown])
            axis.tick_params(labelsize=7)
            axis.grid(axis="x", color="#dddddd", linewidth=0.6)
            axis.set_axisbelow(True)
        return _saved(figure, self.title, folder / f"{self.name}.png")


Figure = Curves | Shares | Means


def _canvas(panels: int, height: float = SIZE_INCHES[1]) -> tuple[Any, list[Any]]:
    # The object interface, without pyplot: no window system is looked for and nothing is left behind in the process.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Sheet

    figure = Sheet(figsize=(SIZE_INCHES[0] * max(1, panels), height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [figure.add_subplot(1, max(1, panels), place + 1) for place in range(panels)]


def _legend_below(figure: Any, axis: Any, inches: float, **more: Any) -> None:
    """Under the numbers of the axis, and its name if it has one."""
    from matplotlib.transforms import ScaledTranslation

    below = axis.transAxes + ScaledTranslation(0, -inches, figure.dpi_scale_trans)
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "bbox_transform": below}
    axis.legend(fontsize=7, frameon=False, **place, **more)


def _saved(figure: Any, title: str, path: Path) -> Path:
    figure.suptitle(textwrap.fill(title, int(TITLE_CHARACTERS * figure.get_figwidth())), fontsize=10)
    figure.savefig(path)
    return path


def _repeated(values: Sequence[str]) -> "cycle[str]":
    return cycle(values)
