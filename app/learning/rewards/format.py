"""1 for a completion the engine can use as it is, else 0. It multiplies every other reward.

A completion is "Rewritten: ", then one non-empty line (a passage is one line), and it ends by itself: a text cut off at
the token limit is worth nothing, however well it began, and so is one that breaks off at a dash or a comma where its
source did not (a long sentence is cut at such a place, and a letter's greeting ends there).
"""

import re
from collections.abc import Sequence

import torch
from torch import Tensor

PREFIX = "Rewritten: "
_DANGLING = re.compile(r"(?:\s-+|--|[–—]|(?<=[\w\"'”’)\]])[,;])$")


def well_formed(texts: Sequence[str], is_finished: Sequence[bool], sources: Sequence[str]) -> Tensor:
    """1.0 or 0.0 per completion [N] of these sources, the plain passages."""
    rows = zip(texts, is_finished, sources, strict=True)
    return torch.tensor([float(_is_well_formed(*row)) for row in rows])


def dangling(text: str) -> str:
    """The dash or comma that a text ends in; empty for most."""
    found = _DANGLING.search(text.rstrip())
    return found.group() if found else ""


def stripped(text: str) -> str:
    """The rewrite itself, without the prefix and the space around it."""
    return text.removeprefix(PREFIX).strip()


def _is_well_formed(text: str, is_finished: bool, source: str) -> bool:
    rewrite = stripped(text)
    return (
        is_finished
        and text.startswith(PREFIX)
        and bool(rewrite)
        and len(rewrite.splitlines()) == 1
        and (not dangling(rewrite) or bool(dangling(source)))
        and PREFIX.strip().casefold() not in rewrite.casefold()
    )
