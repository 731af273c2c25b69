"""all-MiniLM-L6-v2 as plain tensors: six BERT layers, and a seam where an adapter can be trained or merged.

Why not transformers' own class: a command that scores one line would import it for seconds, and only the seam differs.
Axes: _N text, _T token, _E hidden.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

LAYERS, HEADS, WIDTH = 6, 12, 384
NORM_EPSILON: Final = 1e-12
LINEARS: Final = (
    "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
    "intermediate.dense", "output.dense",
)  # fmt: skip

Seam = Callable[[int, str, Tensor, Tensor], Tensor]
"""(layer, linear, its input, its output) to the output that counts."""


class MiniLm:
    def __init__(self, weights: Mapping[str, Tensor], tokenizer: Tokenizer) -> None:
        self.weights = weights
        self.tokenizer = tokenizer

    @classmethod
    def load(cls, folder: Path) -> Self:
        """From a folder with model.safetensors and tokenizer.json, in float32."""
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        return cls(load_file(folder / "model.safetensors"), tokenizer)

    def merged(self, adapter: Mapping[str, Tensor]) -> "MiniLm":
        """With `a.{layer}.{linear}` [r, in] and `b.{layer}.{linear}` [out, r] added to the weights they name."""
        weights = dict(self.weights)
        for name, down in adapter.items():
            side, _, place = name.partition(".")
            if side == "a":
                weight = f"encoder.layer.{place}.weight"
                weights[weight] = weights[weight] + adapter[f"b.{place}"].float() @ down.float()
        return MiniLm(weights, self.tokenizer)

    def tokens(self, texts: Sequence[str], longest: int) -> list[list[int]]:
        self.tokenizer.enable_truncation(longest)
        return [encoding.ids for encoding in self.tokenizer.encode_batch(list(texts))]

    def states(self, ids_N: Sequence[Sequence[int]]) -> tuple[list[Tensor], Tensor]:
        """After the embedding and after each layer, 7 of [N, T, E], and which places hold a token [N, T]."""
        longest = max(map(len, ids_N))
        ids_N_T = torch.tensor([[*ids, *[0] * (longest - len(ids))] for ids in ids_N])
        mask_N_T = torch.tensor([[True] * len(ids) + [False] * (longest - len(ids)) for ids in ids_N])
        states = [self._embedded(ids_N_T)]
        for layer in range(LAYERS):
            states.append(self.layer(layer, states[-1], mask_N_T))
        return states, mask_N_T

    def layer(self, layer: int, x_N_T_E: Tensor, mask_N_T: Tensor, seam: Seam | None = None) -> Tensor:
        query, key, value = (self._heads(self._linear(layer, name, x_N_T_E, seam)) for name in LINEARS[:3])
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask_N_T[:, None, None, :])
        mixed = self._linear(layer, LINEARS[3], mixed.transpose(1, 2).flatten(2), seam)
        x = self._normed(f"encoder.layer.{layer}.attention.output", x_N_T_E + mixed)
        inner = F.gelu(self._linear(layer, LINEARS[4], x, seam))
        return self._normed(f"encoder.layer.{layer}.output", x + self._linear(layer, LINEARS[5], inner, seam))

    def _embedded(self, ids_N_T: Tensor) -> Tensor:
        table = {
            name: self.weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")
        }
        x = F.embedding(ids_N_T, table["word"]) + table["position"][: ids_N_T.shape[1]] + table["token_type"][0]
        return self._normed("embeddings", x)

    def _linear(self, layer: int, name: str, x: Tensor, seam: Seam | None) -> Tensor:
        place = f"encoder.layer.{layer}.{name}"
        y = F.linear(x, self.weights[f"{place}.weight"], self.weights[f"{place}.bias"])
        return y if seam is None else seam(layer, name, x, y)

    def _normed(self, place: str, x: Tensor) -> Tensor:
        weight, bias = (self.weights[f"{place}.LayerNorm.{kind}"] for kind in ("weight", "bias"))
        return F.layer_norm(x, (WIDTH,), weight, bias, NORM_EPSILON)

    @staticmethod
    def _heads(x_N_T_E: Tensor) -> Tensor:
        texts, tokens, _ = x_N_T_E.shape
        return x_N_T_E.view(texts, tokens, HEADS, WIDTH // HEADS).transpose(1, 2)
