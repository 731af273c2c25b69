"""A person's satisfaction as the dashboard draws it: a point for each reaction, and a line that follows them slowly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.models import Feedback

WIDTH, HEIGHT, MARGIN = 600.0, 120.0, 6.0
SLOWNESS: Final = 0.8
"""How much of the line's height stays from one reaction to the next."""


@dataclass(frozen=True)
class Sketch:
    """Coordinates in a picture of 600 by 120; above is pleased."""

    points: list[tuple[float, float]]
    line: str
    """As SVG's polyline takes it."""
    last: float
    """Where the line ends, in [0, 1]."""


def sketched(reactions: Sequence[tuple[Feedback, int | None]]) -> Sketch | None:
    """None of fewer than two reactions."""
    values = [feedback.satisfaction or 0.0 for feedback, _ in reactions]
    if len(values) < 2:
        return None
    slow = [values[0]]
    for value in values[1:]:
        slow.append(SLOWNESS * slow[-1] + (1 - SLOWNESS) * value)
    across = [MARGIN + (WIDTH - 2 * MARGIN) * place / (len(values) - 1) for place in range(len(values))]
    points = [(round(x, 1), _height(value)) for x, value in zip(across, values, strict=True)]
    line = " ".join(f"{x:.1f},{_height(value)}" for x, value in zip(across, slow, strict=True))
    return Sketch(points, line, slow[-1])


def _height(satisfaction: float) -> float:
    return round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * satisfaction, 1)
