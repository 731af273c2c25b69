"""In what the model types that this engine computes differ from Llama. No torch here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Activation = Literal["silu", "gelu_pytorch_tanh"]

ATTENTION: Final = frozenset({"qkv", "o"})
MLP: Final = frozenset({"gate_up", "down"})


@dataclass(frozen=True)
class Family:
    activation: Activation = "silu"
    always_biased: frozenset[str] = frozenset()
    """Fused linears that have a bias whatever config.json says."""
    has_qk_norm: bool = False
    """Queries and keys are normed per head before they are rotated."""
    norm_offset: float = 0.0
    """Added to the weights of the norms."""
    scales_embedding: bool = False
    """Embeddings are multiplied by the square root of their size."""
    has_window: bool = False
    """Layers see a window of the text unless config.json says that there is none."""
    is_tied: bool = False
    """Whether the output matrix is the embedding matrix where config.json does not say."""

    def biased(self, config: Mapping[str, Any]) -> frozenset[str]:
        attention = ATTENTION if config.get("attention_bias") else frozenset()
        return self.always_biased | attention | (MLP if config.get("mlp_bias") else frozenset())


FAMILIES: Final[Mapping[str, Family]] = {
    "llama": Family(),
    "mistral": Family(has_window=True),
    "qwen2": Family(always_biased=frozenset({"qkv"})),
    "qwen3": Family(has_qk_norm=True),
    "gemma": Family("gelu_pytorch_tanh", norm_offset=1.0, scales_embedding=True, is_tied=True),
}


SCALINGS: Final = ("default", "linear", "llama3", "yarn")
"""Of rotary positions: those whose frequencies do not depend on the length of the text."""


def is_fast(config: Mapping[str, Any]) -> bool:
    """Whether the model of this config.json is computed by model.py, which is faster than the general path."""
    family = FAMILIES.get(str(config.get("model_type")))
    if family is None or looks_back_only_so_far(config):
        return False
    return activation_of(config) in (None, family.activation) and scaling_of(config) in SCALINGS


def activation_of(config: Mapping[str, Any]) -> str | None:
    return config.get("hidden_activation") or config.get("hidden_act")


def scaling_of(config: Mapping[str, Any]) -> str:
    """How its rotary positions are scaled, in the words of any version of transformers."""
    settings = config.get("rope_parameters") or config.get("rope_scaling") or {}
    return str(settings.get("rope_type") or settings.get("type") or "default")


def looks_back_only_so_far(config: Mapping[str, Any]) -> bool:
    """Whether a layer sees a window of the text, which is not computed here."""
    layers = config.get("layer_types") or []
    family = FAMILIES.get(str(config.get("model_type")))
    if family and family.has_window and config.get("sliding_window", "unstated") is not None:
        return True
    return bool(config.get("use_sliding_window")) or any(layer != "full_attention" for layer in layers)
