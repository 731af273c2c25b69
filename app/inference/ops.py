"""Differentiable pieces whose plain form would keep too much memory or run too slowly on a CPU.

The base is frozen, so none of them computes a gradient for its weights. Axes: _N token, _E hidden, _V word.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK_TOKENS = 128
"""Tokens whose logits exist at one time."""


class _RmsNorm(torch.autograd.Function):
    """Saves the input and one number per token; autograd's own graph of the formula keeps four copies of the input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        normed, scale = _scaled(x, epsilon)
        ctx.save_for_backward(x, weight, scale)
        return normed * weight

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        x, weight, scale = ctx.saved_tensors
        gradient, normed = gradients[0] * weight, x * scale
        along = (gradient * normed).float().mean(-1, keepdim=True).to(x.dtype)
        return scale * (gradient - normed * along), None, None


class _SwiGlu(torch.autograd.Function):
    """silu(gate) * up, saving only its input: two tensors less per layer."""

    @staticmethod
    def forward(ctx: Any, gate_up: Tensor) -> Tensor:
        ctx.save_for_backward(gate_up)
        gate, up = gate_up.chunk(2, -1)
        return F.silu(gate) * up

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (gate_up,) = ctx.saved_tensors
        gate, up = gate_up.chunk(2, -1)
        result = torch.empty_like(gate_up)
        gate_gradient, up_gradient = result.chunk(2, -1)
        torch.mul(gradients[0], F.silu(gate), out=up_gradient)
        torch.ops.aten.silu_backward(gradients[0] * up, gate, grad_input=gate_gradient)
        return result


class _WordLogprobs(torch.autograd.Function):
    """log p(word) under softmax(hidden @ head.T / temperature), without ever holding all logits.

    The head is frozen and the result is one number per token, so its derivative by the hidden state can be computed in
    the forward pass, a chunk of tokens at a time: (head[word] - sum_v p(v) head[v]) / temperature.
    """

    @staticmethod
    def forward(ctx: Any, hidden_N_E: Tensor, head_V_E: Tensor, words_N: Tensor, temperature: float) -> Tensor:
        logprobs_N = hidden_N_E.new_empty(len(words_N), dtype=torch.float32)
        wants_gradient = ctx.needs_input_grad[0]
        slope_N_E = torch.empty_like(hidden_N_E) if wants_gradient else None
        for first in range(0, len(words_N), CHUNK_TOKENS):
            chunk = slice(first, first + CHUNK_TOKENS)
            words = words_N[chunk, None]
            scores_N_V = F.linear(hidden_N_E[chunk], head_V_E).float().div_(temperature)
            norm = scores_N_V.logsumexp(-1, keepdim=True)
            logprobs_N[chunk] = (scores_N_V.gather(1, words) - norm).squeeze(1)
            if slope_N_E is not None:
                probabilities = scores_N_V.sub_(norm).exp_().to(head_V_E.dtype)
                slope_N_E[chunk] = (head_V_E[words_N[chunk]] - probabilities @ head_V_E).div_(temperature)
        if slope_N_E is not None:
            ctx.save_for_backward(slope_N_E)
        return logprobs_N

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (slope_N_E,) = ctx.saved_tensors
        return slope_N_E * gradients[0].to(slope_N_E.dtype).unsqueeze(-1), None, None, None


def _scaled(x: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """x with root mean square one, and the factor [..., 1] that made it so."""
    scale = torch.rsqrt(x.float().square().mean(-1, keepdim=True) + epsilon).to(x.dtype)
    return x * scale, scale


def rms_norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """x [..., E] divided by its root mean square and scaled by a frozen `weight` [E]."""
    if not x.requires_grad:
        return _scaled(x, epsilon)[0] * weight
    result: Tensor = _RmsNorm.apply(x, weight, epsilon)  # type: ignore[no-untyped-call]
    return result


def swiglu(gate_up: Tensor) -> Tensor:
    """[..., 2F] -> [..., F]: the first half, through SiLU, gates the second."""
    if not gate_up.requires_grad:
        gate, up = gate_up.chunk(2, -1)
        return F.silu(gate) * up
    result: Tensor = _SwiGlu.apply(gate_up)  # type: ignore[no-untyped-call]
    return result


def geglu(gate_up: Tensor) -> Tensor:
    """[..., 2F] -> [..., F]: the first half, through GELU (tanh), gates the second."""
    gate, up = gate_up.chunk(2, -1)
    return F.gelu(gate, approximate="tanh") * up


def word_logprobs(hidden_N_E: Tensor, head_V_E: Tensor, words_N: Tensor, temperature: float) -> Tensor:
    """Float32 log-probabilities [N] of `words_N`, with gradient to `hidden_N_E`. `temperature` must be above 0."""
    result: Tensor = _WordLogprobs.apply(hidden_N_E, head_V_E, words_N, temperature)  # type: ignore[no-untyped-call]
    return result
