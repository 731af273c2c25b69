"""How texts end, as kinds: what a policy puts under everything shows here, whatever its other figures say.

A text that ends with a face and one that ends with another differ in their last token, yet a reader sees one habit.
"""

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from app.learning.neutralise import EMOJI, EMOTICON

KINDS = ("face", "tag", "!", "?", "…", ".", "other mark", "none")
_GLUED = re.compile(r"[:;=]['\-^]?[)(DPp]+$")
_TAG = re.compile(r"[#@]\w+[!.?]*$")


def kind(text: str) -> str:
    """One of KINDS: of the last thing that is neither a letter nor white space, if a text ends with such."""
    text = text.rstrip()
    if any(found.end() == len(text) for pattern in (EMOJI, EMOTICON) for found in pattern.finditer(text)):
        return "face"
    if _GLUED.search(text):
        return "face"
    if _TAG.search(text):
        return "tag"
    if text.endswith(("...", "…")):
        return "…"
    last = text.rstrip("\"'”’)")[-1:]
    if last in KINDS:
        return last
    return "none" if not last or last.isalnum() else "other mark"


def one_hot(texts: Sequence[str]) -> Tensor:
    """[N, C], a column a kind."""
    return torch.tensor([[float(kind(text) == one) for one in KINDS] for text in texts])


def apart(shares: Tensor, own_C: Tensor) -> Tensor:
    """Total variation between distributions over the kinds [..., C] and the person's own: 0 alike, 1 nothing shared."""
    return (shares - own_C.to(shares)).abs().sum(-1) / 2
