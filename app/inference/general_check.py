"""What a model of transformers must prove before it is used: there are hundreds of kinds, of which some were tried.

Two texts of different lengths, written side by side with the cache, must be as likely as each is when it is read at
once. That fails for a model that looks ahead, that keeps no keys and values, or that does not know its positions when
there is padding before them. And what the head makes of the hidden states must be the model's own logits.
"""

from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from app.inference.architecture import UnsupportedModel
from app.inference.delta import Delta
from app.inference.general_model import GeneralModel
from app.inference.general_shape import refused

EXACT, ROUNDED, LOOSEST = 1e-2, 0.5, 4.0
"""Largest difference of a log-probability in float32, in less, and in less whatever the logits are."""
STEPS = 2
"""Or, in less, so many roundings of the largest logit: GPT-2's lie around -100, where bfloat16 goes by halves."""
LENGTHS, WRITTEN = (9, 4), 2
"""Tokens of the two texts, and how many more are written."""


class _Silent:
    """Adds nothing, but is asked at every linear: each must see the tokens row by row."""

    def add(self, layer: int, group: str, x: Tensor, y: Tensor) -> Tensor:
        return y

    def select(self, rows: Tensor) -> Self:
        return self


@torch.inference_mode()
def check(model: GeneralModel, folder: Path) -> None:
    """Takes a few passes over a few tokens. Raises UnsupportedModel."""
    size, silent = model.net.config.vocab_size, _Silent()
    texts = [[(7 * place + 11 * row + 3) % size for place in range(n + WRITTEN)] for row, n in enumerate(LENGTHS)]
    try:
        own = [model.net(input_ids=torch.tensor([ids], device=model.device)).logits[0] for ids in texts]
        seen = [model.logits(model.hidden(torch.tensor([ids], device=model.device), silent))[0] for ids in texts]
        written = _written(model, texts, silent)
    except (torch.OutOfMemoryError, UnsupportedModel):
        raise
    except Exception as error:  # whatever the code of a model does with what it was not made for
        raise refused(folder, f"cannot be run here ({model.architecture.kind}: {type(error).__name__})") from error
    most = EXACT
    if model.dtype != torch.float32:
        # Of those that may be written: a head may mask others with -1e9.
        largest = float(torch.cat(own).float().nan_to_num().amax(-1).abs().max())
        most = min(LOOSEST, max(ROUNDED, STEPS * torch.finfo(model.dtype).eps * largest))
    if not (gap := _gap(own, seen)) <= most:  # NaN is not either
        raise refused(folder, f"has a head that cannot be told from its decoder ({model.architecture.kind}: {gap:.2g})")
    if not (gap := _gap([logits_T_V[-WRITTEN - 1 :] for logits_T_V in own], written)) <= most:
        raise refused(folder, f"does not write with its cache what it reads ({model.architecture.kind}: {gap:.2g})")


def _written(model: GeneralModel, texts: list[list[int]], delta: Delta) -> list[Tensor]:
    """Per text the logits after its prompt and after each of the tokens that follow."""
    reading, rows = model.prefill([ids[:-WRITTEN] for ids in texts], delta), model.decoding()
    while not reading.advance(3):
        pass
    rows.join(reading, range(len(texts)), WRITTEN)
    logits = [reading.logits()]
    for place in range(-WRITTEN, 0):
        logits.append(rows.feed(torch.tensor([[ids[place]] for ids in texts], device=model.device), delta)[:, 0])
        rows.advance([1] * len(texts))
    return list(torch.stack(logits, 1))


def _gap(expected: list[Tensor], found: list[Tensor]) -> float:
    """The largest difference of a log-probability; NaN if there is one."""
    left, right = (torch.cat(each).float().log_softmax(-1) for each in (expected, found))
    return float((left - right).abs().max())
