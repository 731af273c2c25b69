"""What a decoder that model.py does not compute looks like, found in the modules that transformers makes of its config.

Adapters sit where PEFT's "all-linear" puts them: on every linear of the decoder, and not on the head. Architectures
differ too much to stack layers, so every linear is a group of its own, named by its place in the model with `/` for `.`
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import torch
from torch import nn

from app.inference.architecture import FusedLinear, Route, UnsupportedModel, end_ids

SUPPORTED: Final = (
    "IDIOLECT_BASE_MODEL may name any decoder of transformers that reads text alone and keeps keys and values: of the "
    "Llama, Mistral, Qwen and Gemma families, which are served fastest, or GPT-2, GPT-NeoX, Phi, OPT and their like"
)
LENGTHS: Final = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
"""What configurations call the longest text."""
UNSTATED_LENGTH: Final = 2048
SCALED_BY_LENGTH: Final = ("dynamic", "longrope")
"""Ways of scaling positions by the longest text of a batch: beyond the length before scaling, rows would feel each
other."""


@dataclass(frozen=True)
class GeneralShape:
    kind: str
    """Its model type."""
    fused: Mapping[str, FusedLinear]
    """Of one part each, whose name is the module's."""
    fan_in_fan_out: bool
    parameters: int
    context_tokens: int
    stop_ids: frozenset[int]
    end_id: int
    layers: int = 1

    @classmethod
    def load(cls, folder: Path) -> Self:
        """From the configuration alone; no weight is made. Raises UnsupportedModel."""
        config = _config(folder)
        net = _without_weights(folder, config)
        if net._is_stateful:
            raise refused(folder, f"keeps a state in place of keys and values (model_type {config.model_type!r})")
        linears = dict(_linears(net))
        if not linears:
            raise refused(folder, f"has no linear that an adapter could sit on (model_type {config.model_type!r})")
        ends = end_ids(folder, config.eos_token_id)
        return cls(
            kind=config.model_type,
            fused={name.replace(".", "/"): _fused(name, linear) for name, linear in linears.items()},
            fan_in_fan_out=not any(isinstance(linear, nn.Linear) for linear in linears.values()),
            parameters=net.num_parameters(),
            context_tokens=_context(config),
            stop_ids=frozenset(ends),
            end_id=ends[0],
        )

    @property
    def route(self) -> Route:
        return "general"

    def module(self, _layer: int, part: str) -> str:
        return part


def refused(folder: Path, why: str) -> UnsupportedModel:
    """The error that says what is wrong with the model and what to do."""
    return UnsupportedModel(f"{folder.name} {why}; {SUPPORTED}")


def _fused(name: str, linear: Any) -> FusedLinear:
    """transformers' Conv1D, of GPT-2, is a linear whose weight lies transposed."""
    outputs, inputs = linear.weight.shape if isinstance(linear, nn.Linear) else reversed(linear.weight.shape)
    return FusedLinear((name,), inputs, (outputs,))


def _config(folder: Path) -> Any:
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # of many kinds: every model checks its own
        raise refused(folder, f"has a config.json that transformers cannot read ({_first_line(error)})") from error
    if config.is_encoder_decoder:
        raise refused(folder, f"has an encoder beside its decoder (model_type {config.model_type!r})")
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING or config.get_text_config() is not config:
        raise refused(folder, f"is no decoder of text alone (model_type {config.model_type!r})")
    if getattr(config, "quantization_config", None):
        raise UnsupportedModel(f"{folder.name} is quantized; give the folder of the unquantized model")
    return config


def _without_weights(folder: Path, config: Any) -> Any:
    from transformers import AutoModelForCausalLM

    try:
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except Exception as error:  # whatever a configuration out of the ordinary makes of a model's code
        raise refused(folder, f"cannot be made from its config.json ({_first_line(error)})") from error


def _linears(net: Any) -> Iterator[tuple[str, nn.Module]]:
    from transformers.pytorch_utils import Conv1D

    decoder = set(net.get_decoder().modules())
    for name, module in net.named_modules():
        if isinstance(module, (nn.Linear, Conv1D)) and module in decoder:
            yield name, module


def _context(config: Any) -> int:
    stated = (getattr(config, name, None) for name in LENGTHS)
    context = next((int(length) for length in stated if length), UNSTATED_LENGTH)
    scaling = getattr(config, "rope_parameters", None) or {}
    # Some keep their settings by the kind of layer.
    for settings in (scaling, *(each for each in scaling.values() if isinstance(each, dict))):
        if settings.get("rope_type") in SCALED_BY_LENGTH:
            context = min(context, int(settings.get("original_max_position_embeddings") or context))
    return context


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
