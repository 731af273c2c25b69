"""What a base looks like: its linears, which adapters sit on, its context and its ends; of the Llama family from
config.json alone. No torch here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from app.inference.family import FAMILIES, Family, activation_of, is_fast, looks_back_only_so_far

SUPPORTED = (
    "model_type 'llama' (Llama 2 and 3, SmolLM2, TinyLlama and their like), 'mistral', 'qwen2', 'qwen3' and 'gemma', "
    "each with its own activation and attention to the whole text"
)


class UnsupportedModel(ValueError):
    """The folder holds a model that this engine does not compute."""


Route = Literal["fast", "general"]


@dataclass(frozen=True)
class FusedLinear:
    """Linears with one input, kept as one matrix [sum(outputs), inputs]; `parts` are their names in transformers."""

    parts: tuple[str, ...]
    inputs: int
    outputs: tuple[int, ...]

    @property
    def width(self) -> int:
        return sum(self.outputs)


class Shape(Protocol):
    """What is known of a base without its weights, by whichever path it is computed."""

    @property
    def route(self) -> Route: ...
    @property
    def layers(self) -> int:
        """So many linears of a group lie in one tensor."""
        ...

    @property
    def fused(self) -> Mapping[str, FusedLinear]:
        """Per group, in the order of the adapter's file."""
        ...

    @property
    def fan_in_fan_out(self) -> bool:
        """Whether its weights lie transposed, as PEFT wants to be told."""
        ...

    @property
    def parameters(self) -> int:
        """Weights of the base, the shared embedding counted once."""
        ...

    @property
    def context_tokens(self) -> int: ...
    @property
    def stop_ids(self) -> frozenset[int]:
        """Token ids that end a text."""
        ...

    @property
    def end_id(self) -> int:
        """The one that training writes at the end of a text."""
        ...

    def module(self, layer: int, part: str) -> str:
        """The name in transformers of a linear."""
        ...


@dataclass(frozen=True)
class Architecture:
    """Of the Llama family and its relatives, which model.py computes."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int
    norm_epsilon: float
    family: Family
    biased: frozenset[str]
    """Fused linears that have a bias."""
    is_tied: bool
    """Whether the output matrix is the embedding matrix."""
    context_tokens: int
    stop_ids: frozenset[int]
    """Token ids that end a text."""
    end_id: int
    """The one that training writes at the end of a text."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read config.json (and the stop ids of generation_config.json). Raises UnsupportedModel, FileNotFoundError."""
        config = _read(folder / "config.json")
        kind = str(config.get("model_type"))
        family = FAMILIES.get(kind)
        activation = activation_of(config) or (family and family.activation)
        if family is None or activation != family.activation or looks_back_only_so_far(config):
            raise UnsupportedModel(
                f"{folder.name} has model_type {kind!r} and hidden_act {activation!r}; supported is {SUPPORTED}"
            )
        if config.get("quantization_config"):
            raise UnsupportedModel(f"{folder.name} is quantized; give the folder of the unquantized model")
        ends = end_ids(folder, config.get("eos_token_id"))
        heads = config["num_attention_heads"]
        return cls(
            layers=config["num_hidden_layers"],
            hidden=config["hidden_size"],
            heads=heads,
            kv_heads=config.get("num_key_value_heads") or heads,
            head_dim=config.get("head_dim") or config["hidden_size"] // heads,
            intermediate=config["intermediate_size"],
            vocabulary=config["vocab_size"],
            norm_epsilon=config.get("rms_norm_eps", 1e-6),
            family=family,
            biased=family.biased(config),
            is_tied=config.get("tie_word_embeddings", family.is_tied),
            context_tokens=config.get("max_position_embeddings", 2048),
            stop_ids=frozenset(ends),
            end_id=ends[0],
        )

    @property
    def route(self) -> Route:
        return "fast"

    @property
    def fan_in_fan_out(self) -> bool:
        return False

    def module(self, layer: int, part: str) -> str:
        return f"model.layers.{layer}.{part}"

    @cached_property
    def fused(self) -> Mapping[str, FusedLinear]:
        """Per group of delta.GROUPS, in their order."""
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        return {
            "qkv": FusedLinear(
                ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"), self.hidden, (queries, keys, keys)
            ),
            "o": FusedLinear(("self_attn.o_proj",), queries, (self.hidden,)),
            "gate_up": FusedLinear(
                ("mlp.gate_proj", "mlp.up_proj"), self.hidden, (self.intermediate, self.intermediate)
            ),
            "down": FusedLinear(("mlp.down_proj",), self.intermediate, (self.hidden,)),
        }

    @property
    def parameters(self) -> int:
        """Weights of the base, the shared embedding counted once."""
        linears = sum(linear.inputs * linear.width for linear in self.fused.values())
        biases = sum(linear.width for group, linear in self.fused.items() if self.has_bias(group))
        embeddings = self.vocabulary * self.hidden * (1 if self.is_tied else 2)
        norms = 2 * self.hidden + (2 * self.head_dim if self.family.has_qk_norm else 0)
        return embeddings + self.layers * (linears + biases + norms) + self.hidden

    @property
    def activations(self) -> int:
        """Numbers per token and layer that training keeps for the backward pass (measured, about)."""
        return 8 * self.hidden + 4 * self.fused["qkv"].width + 3 * self.intermediate

    def has_bias(self, group: str) -> bool:
        return group in self.biased


def load_shape(folder: Path) -> Shape:
    """Of whichever decoder the folder holds, from its configuration alone.

    Raises UnsupportedModel, FileNotFoundError.
    """
    if is_fast(_read(folder / "config.json")):
        return Architecture.load(folder)
    # It imports transformers, which takes seconds.
    from app.inference.general_shape import GeneralShape

    return GeneralShape.load(folder)


def end_ids(folder: Path, configured: int | list[int] | None) -> list[int]:
    """What ends a text: the `configured` ids first, then those of generation_config.json. Raises UnsupportedModel."""
    generation = folder / "generation_config.json"
    ends = _ids(configured) + (_ids(_read(generation).get("eos_token_id")) if generation.exists() else [])
    if not ends:
        raise UnsupportedModel(f"{folder.name} names no eos_token_id, so its texts could not end")
    return ends


def _ids(value: int | list[int] | None) -> list[int]:
    return [] if value is None else [value] if isinstance(value, int) else value


def _read(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise UnsupportedModel(f"{path.name} must hold a JSON object")
    return content
