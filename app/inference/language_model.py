"""What training, serving and measuring need of a base, and which of the two ways of computing it they get.

model.py writes out the Llama family and its relatives, for speed. Any other decoder is computed by transformers' own
code (general_model.py): slower, and the same in all that it does. Axes: _P prompt, _B row, _T token of a row, _E
hidden, _N token of all rows, _V word.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from app.inference.architecture import Architecture, Shape, load_shape
from app.inference.delta import Delta, PackedDelta


class Reading(Protocol):
    """Prompts on their way through the model, all at once or piece by piece."""

    def advance(self, most_tokens: int | None = None) -> bool:
        """Read so many tokens more at most (of all prompts together, but at least one); True at the end."""
        ...

    def logits(self) -> Tensor:
        """[P, V] of what follows each prompt; call it at the end."""
        ...


class Rows(Protocol):
    """The keys and values of the rows that are being written, which join and leave at any token."""

    @property
    def takes_drafts(self) -> bool:
        """Whether a row may be fed several tokens of which only the first ones stay."""
        ...

    def join(self, prefill: Any, owners: Sequence[int], room: int) -> None:
        """Add a row for each of `owners`, numbers of prompts, expecting up to `room` more tokens each.

        `prefill` is what the same model's `prefill` gave, read to its end.
        """
        ...

    def feed(self, ids_B_T: Tensor, delta: Delta | None) -> Tensor:
        """Logits [B, T, V] after each of T more tokens of every row; `advance` says how many of them stay."""
        ...

    def advance(self, tokens: Sequence[int]) -> None: ...

    def leave(self, staying: Sequence[int], *, is_tainted: bool = False) -> list[int]:
        """Keep only these rows; their new order. `is_tainted`: those who leave wrote numbers that are not finite."""
        ...


class LanguageModel(Protocol):
    @property
    def architecture(self) -> Shape: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def dtype(self) -> torch.dtype: ...
    @property
    def is_packed(self) -> bool:
        """Whether its layers are in the form that decodes batches fastest."""
        ...

    def packed(self) -> Self:
        """The model for decoding batches, with all else shared; a head that is not packed stays as it is."""
        ...

    def hidden(self, ids_B_T: Tensor, delta: Delta | None = None) -> Tensor:
        """Final hidden states [B, T, E] of rows that start together (padding, if any, on the right)."""
        ...

    def logits(self, hidden: Tensor) -> Tensor:
        """[..., E] -> [..., V]."""
        ...

    def logprobs(
        self,
        sequences: Sequence[Sequence[int]],
        prompt_lengths: Sequence[int],
        delta: PackedDelta | None = None,
        *,
        kinds: Sequence[int] | None = None,
        temperature: float = 1.0,
    ) -> Tensor:
        """Float32 log-probabilities of every token after its row's prompt, flat: one row after the other.

        Differentiable by whatever the delta trains. `kinds` has the row of the delta that each row takes; all take the
        first unless told. At `temperature` the logits are divided by it, as they were when the tokens were sampled.
        Raises ValueError for a row without a prompt or without a token after it.
        """
        ...

    def states(
        self,
        sequences: Sequence[Sequence[int]],
        prompt_lengths: Sequence[int],
        delta: PackedDelta | None = None,
        *,
        kinds: Sequence[int] | None = None,
    ) -> Tensor:
        """The final hidden state that predicts every token after its row's prompt [N, E], as flat as logprobs()."""
        ...

    def prefill(self, prompts: Sequence[Sequence[int]], delta: Delta | None) -> Reading:
        """Start reading; `delta` has one row per prompt."""
        ...

    def decoding(self) -> Rows:
        """Nobody writes yet."""
        ...


def load_model(
    folder: Path, *, device: str = "cpu", dtype: torch.dtype | None = None, is_packed: bool = True
) -> LanguageModel:
    """From a transformers folder (config.json and safetensors), by the fast path if it knows the architecture.

    `is_packed` keeps the copy that decodes fastest, where there is one. Raises UnsupportedModel (a ValueError) for what
    is no decoder of text with a cache of keys and values, FileNotFoundError without the files.
    """
    shape = load_shape(folder)
    if isinstance(shape, Architecture):
        from app.inference.model import LlamaModel

        return LlamaModel.load(folder, device=device, dtype=dtype, is_packed=is_packed)
    # It imports transformers, which takes seconds.
    from app.inference.general_check import check
    from app.inference.general_model import GeneralModel

    model = GeneralModel.load(folder, device=device, dtype=dtype)
    check(model, folder)
    return model
