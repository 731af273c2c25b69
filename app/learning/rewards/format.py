"""1 for a completion the engine can use as it is, else 0. It multiplies every other reward.

A completion is "Rewritten: ", then one non-empty line (a passage is one line), and it ends by itself: a text cut off at
the token limit is worth nothing, however well it began, and so is one that breaks off at a dash or a comma.
"""

import re
from collections.abc import Sequence

import torch
from torch import Tensor

PREFIX = "Rewritten: "
_DANGLING = re.compile(r"(?:\s[-–—]|[,;])$")


def well_formed(texts: Sequence[str], is_finished: Sequence[bool]) -> Tensor:
    """1.0 or 0.0 per completion [N]."""
    return torch.tensor([float(_is_well_formed(t, f)) for t, f in zip(texts, is_finished, strict=True)])


def stripped(text: str) -> str:
    """The rewrite itself, without the prefix and the space around it."""
    return text.removeprefix(PREFIX).strip()


def _is_well_formed(text: str, is_finished: bool) -> bool:
    rewrite = stripped(text)
    return (
        is_finished
        and text.startswith(PREFIX)
        and bool(rewrite)
        and len(rewrite.splitlines()) == 1
        and not _DANGLING.search(rewrite)
        and PREFIX.strip().casefold() not in rewrite.casefold()
    )
