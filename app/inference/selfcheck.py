"""Before an engine serves anybody it proves that it tells people apart.

Engines have been seen to ignore adapters silently, or to leave a trace of one in "no adapter". So at start-up, in one
mixed batch: rows without an adapter equal the plain base, two random adapters differ from the base and from each other.
"""

import math

import torch
from torch import Tensor

from app.inference.adapter_file import Adapter
from app.inference.bank import BASE_SLOT, FEW_TOKENS, Bank
from app.inference.language_model import LanguageModel

TOLERANCE = 0.05
"""Largest difference of log-probabilities that rounding may make between a plain batch and a mixed one."""
LEAST_EFFECT = 0.2
PROBE = "The parcel from London arrived on Friday."


class SelfCheckFailed(RuntimeError):
    """The engine mixes people up on this machine; it must not serve."""


@torch.inference_mode()
def prove(model: LanguageModel, probe_ids: list[int]) -> None:
    """Raises SelfCheckFailed with what was wrong. Takes a few forward passes of a short text."""
    rank = 4
    bank = Bank(model.architecture, slots=2, rank=rank, dtype=model.dtype, device=model.device)
    for slot in (1, 2):
        bank.load(slot, _random_adapter(model, rank, slot))
    for tokens in (FEW_TOKENS, 2 * FEW_TOKENS):  # a delta computes few and many in different ways
        _compare(model, bank, torch.tensor([_repeated(probe_ids, tokens)] * 4, device=model.device))


def _repeated(ids: list[int], count: int) -> list[int]:
    return (ids * -(-count // len(ids)))[:count]


def _compare(model: LanguageModel, bank: Bank, ids_B_T: Tensor) -> None:
    plain = model.logits(model.hidden(ids_B_T)).float().log_softmax(-1)
    mixed = model.logits(model.hidden(ids_B_T, bank.rows([BASE_SLOT, 1, 2, BASE_SLOT]))).float().log_softmax(-1)
    if not torch.isfinite(mixed).all():
        raise SelfCheckFailed("the model's numbers are not finite")
    for row in (0, 3):
        if (gap := (mixed[row] - plain[row]).abs().max().item()) > TOLERANCE:
            raise SelfCheckFailed(f"a row without an adapter differs from the base by {gap:.3f}")
    for name, left, right in (("the base", 0, 1), ("the base", 0, 2), ("another adapter", 1, 2)):
        if (gap := (mixed[left] - mixed[right]).abs().max().item()) < LEAST_EFFECT:
            raise SelfCheckFailed(f"an adapter cannot be told from {name}: they differ by {gap:.3f} only")


def _random_adapter(model: LanguageModel, rank: int, seed: int) -> Adapter:
    chance = torch.Generator().manual_seed(seed)
    down, up = {}, {}
    for group, linear in model.architecture.fused.items():
        layers = model.architecture.layers
        down[group] = torch.randn(layers, len(linear.parts) * rank, linear.inputs, generator=chance)
        up[group] = 0.05 * torch.randn(layers, linear.width, rank, generator=chance) / math.sqrt(linear.inputs)
    return Adapter(rank=rank, alpha=float(4 * rank), base_digest="", down=down, up=up)
