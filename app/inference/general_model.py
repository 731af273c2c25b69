"""Any decoder of transformers, computed by transformers' own code, with an adapter for every row.

Each linear hands what it made of its input to the delta before anything else sees it (a forward hook), so one trainable
adapter, or a bank of one per row, sits on it as on the fast path. Nothing is fused, packed or recomputed in the
backward pass, and rows of a group do not share their prompt: it is the slower way. One pass runs at a time. Axes: _B
row, _T token of a row, _S token that is seen, _N token of all rows, _E hidden, _V word.
"""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from app.inference.architecture import UnsupportedModel
from app.inference.delta import Delta, Group, PackedDelta
from app.inference.general_decoding import GeneralDecoding, GeneralPrefill
from app.inference.general_head import head_of
from app.inference.general_shape import GeneralShape
from app.inference.model import best_dtype
from app.inference.ops import CHUNK_TOKENS
from app.inference.packing import check_rows


class GeneralModel:
    is_packed = True
    """There is nothing to pack."""

    def __init__(self, architecture: GeneralShape, net: Any) -> None:
        """`net` is a causal language model of transformers with frozen weights; it gets hooks."""
        self.architecture, self.net = architecture, net
        self._decoder = net.get_decoder()
        self._head = head_of(net)
        self._weight: Tensor = net.get_input_embeddings().weight
        self._takes = inspect.signature(self._decoder.forward).parameters.keys()
        self._delta: Delta | None = None
        self._rows = self._tokens = 0
        for group, linear in architecture.fused.items():
            module = net.get_submodule(linear.parts[0])
            module.register_forward_hook(partial(self._adapt, group), with_kwargs=True)

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu", dtype: torch.dtype | None = None) -> Self:
        """From a transformers folder (config.json and safetensors); no code that lies in it is run.

        Raises UnsupportedModel for anything but a decoder of text, and for weights that are missing or do not fit.
        """
        from transformers import AutoModelForCausalLM

        architecture = GeneralShape.load(folder)
        try:
            net, found = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=dtype or best_dtype(device),
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
        except Exception as error:  # the libraries that read weights raise whatever they find
            raise UnsupportedModel(f"the weights in {folder.name} cannot be read: {error}") from error
        if missing := sorted(found["missing_keys"]):
            raise UnsupportedModel(f"{folder.name} has no weight {missing[0]}")
        return cls(architecture, net.eval().requires_grad_(False).to(device))

    @property
    def device(self) -> torch.device:
        return self._weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self._weight.dtype

    def packed(self) -> Self:
        return self

    def prefill(self, prompts: Sequence[Sequence[int]], delta: Delta | None) -> GeneralPrefill:
        return GeneralPrefill(self, prompts, delta)

    def decoding(self) -> GeneralDecoding:
        return GeneralDecoding(self)

    def hidden(self, ids_B_T: Tensor, delta: Delta | None = None) -> Tensor:
        """Final hidden states [B, T, E] of rows that start together (padding, if any, on the right)."""
        # Nothing looks to its right, so padding there needs no mask.
        return self.run(ids_B_T, delta)

    def logits(self, hidden: Tensor) -> Tensor:
        """[..., E] -> [..., V]."""
        logits: Tensor = self._head(inputs_embeds=hidden.reshape(1, -1, hidden.shape[-1])).logits
        return logits.reshape(*hidden.shape[:-1], -1)

    def logprobs(
        self,
        sequences: Sequence[Sequence[int]],
        prompt_lengths: Sequence[int],
        delta: PackedDelta | None = None,
        *,
        kinds: Sequence[int] | None = None,
        temperature: float = 1.0,
    ) -> Tensor:
        """See LanguageModel. Logits of a stretch of tokens exist at a time, in the backward pass too."""
        states_N_E = self.states(sequences, prompt_lengths, delta, kinds=kinds)
        rows = zip(sequences, prompt_lengths, strict=True)
        words_N = torch.tensor([word for ids, start in rows for word in ids[start:]], device=self.device)
        chunks = zip(states_N_E.split(CHUNK_TOKENS), words_N.split(CHUNK_TOKENS), strict=True)  # type: ignore[no-untyped-call]
        return torch.cat(
            [checkpoint(self._word_logprobs, *chunk, temperature, use_reentrant=False) for chunk in chunks]
        )

    def states(
        self,
        sequences: Sequence[Sequence[int]],
        prompt_lengths: Sequence[int],
        delta: PackedDelta | None = None,
        *,
        kinds: Sequence[int] | None = None,
    ) -> Tensor:
        """The final hidden state that predicts every token after its row's prompt [N, E], as flat as logprobs()."""
        check_rows(sequences, prompt_lengths)
        longest = max(map(len, sequences))
        ids_B_T = torch.tensor([[*ids, *[0] * (longest - len(ids))] for ids in sequences], device=self.device)
        along = delta and delta.select(torch.tensor(kinds or [0] * len(sequences), device=self.device))
        hidden_B_T_E = self.hidden(ids_B_T, along)
        starts = zip(sequences, prompt_lengths, strict=True)
        return torch.cat([hidden_B_T_E[row, start - 1 : len(ids) - 1] for row, (ids, start) in enumerate(starts)])

    def run(
        self,
        ids_B_T: Tensor,
        delta: Delta | None,
        *,
        cache: Any = None,
        is_seen_B_S: Tensor | None = None,
        positions_B_T: Tensor | None = None,
    ) -> Tensor:
        """Final hidden states [B, T, E], for callers that bring their own positions, mask and cache."""
        given = {"past_key_values": cache, "attention_mask": is_seen_B_S, "position_ids": positions_B_T}
        # Models that take no positions count what is seen, or look at distances only.
        given = {name: value for name, value in given.items() if value is not None and name in self._takes}
        with self._speaking(delta, ids_B_T):
            states: Tensor = self._decoder(input_ids=ids_B_T, use_cache=cache is not None, **given).last_hidden_state
        return states

    def _word_logprobs(self, states_N_E: Tensor, words_N: Tensor, temperature: float) -> Tensor:
        scores_N_V = self.logits(states_N_E).float() / temperature
        return (scores_N_V.gather(1, words_N[:, None]) - scores_N_V.logsumexp(-1, keepdim=True)).squeeze(1)

    @contextmanager
    def _speaking(self, delta: Delta | None, ids_B_T: Tensor) -> Iterator[None]:
        self._delta, (self._rows, self._tokens) = delta, ids_B_T.shape
        try:
            yield
        finally:
            self._delta = None

    def _adapt(self, group: Group, _module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], y: Tensor) -> Any:
        """What a linear made of its input, with what the adapters of the rows add."""
        if self._delta is None:
            return None
        x = given[0] if given else next(iter(named.values()))
        is_of_rows = x.ndim > 2 and len(x) == self._rows
        is_of_tokens = x.ndim == 2 and len(x) == self._rows * self._tokens
        if not (is_of_rows or is_of_tokens):
            raise UnsupportedModel(
                f"{self.architecture.fused[group].parts[0]} of {self.architecture.kind} does not see the tokens row by "
                "row, so it cannot be adapted per row; set IDIOLECT_BASE_MODEL to another model"
            )
        adapted = self._delta.add(
            0, group, x.reshape(self._rows, -1, x.shape[-1]), y.reshape(self._rows, -1, y.shape[-1])
        )
        return adapted.reshape(y.shape)
