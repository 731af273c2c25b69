"""The head of a decoder of transformers: its own code, from hidden states to logits.

A head is more than a matrix: some models scale its logits or cap them. So the model is run with its decoder replaced by
one that hands on the hidden states it is given as embeddings.
"""

import copy
from typing import Any

from torch import Tensor, nn


class _States:
    """What a decoder answers, of which nothing but the hidden states is known."""

    def __init__(self, last_hidden_state: Tensor) -> None:
        self.last_hidden_state = last_hidden_state

    def __getitem__(self, place: int) -> Tensor | None:
        return None if place else self.last_hidden_state

    def __getattr__(self, _name: str) -> None:
        return None


class _Given(nn.Module):
    def forward(self, *_: Any, inputs_embeds: Tensor, **__: Any) -> _States:
        return _States(inputs_embeds)


def head_of(net: Any) -> Any:
    """`net` called with hidden states as `inputs_embeds` [B, T, E] answers their logits; all weights are shared."""
    decoder = net.get_decoder()
    path = next(name for name, module in net.named_modules() if module is decoder)
    return _replaced(net, path.split("."), _Given())


def _replaced(module: nn.Module, path: list[str], new: nn.Module) -> nn.Module:
    """A copy with another module at the end of the path; all beside the path is shared."""
    name, *rest = path
    child = module.get_submodule(name)
    changed = copy.copy(module)
    changed._modules = {**module._modules, name: _replaced(child, rest, new) if rest else new}
    return changed
