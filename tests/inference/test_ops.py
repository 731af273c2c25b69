import torch
import torch.nn.functional as F
from torch import Tensor

from app.inference import ops


def gradient(result: Tensor, x: Tensor) -> Tensor:
    weights = torch.randn(result.shape, generator=torch.Generator().manual_seed(3))
    return torch.autograd.grad((result * weights).sum(), x)[0]


def test_rms_norm_and_its_gradient_are_those_of_torch() -> None:
    x, weight = torch.randn(4, 5, 16, requires_grad=True), torch.rand(16) + 0.5
    expected, found = F.rms_norm(x, (16,), weight, 1e-5), ops.rms_norm(x, weight, 1e-5)
    assert torch.allclose(found, expected, atol=1e-6)
    assert torch.allclose(gradient(found, x), gradient(expected, x), atol=1e-5)


def test_swiglu_and_its_gradient_are_those_of_the_formula() -> None:
    x = torch.randn(3, 7, 24, requires_grad=True)
    gate, up = x.chunk(2, -1)
    expected, found = F.silu(gate) * up, ops.swiglu(x)
    assert torch.allclose(found, expected)
    assert torch.allclose(gradient(found, x), gradient(expected, x), atol=1e-6)


def test_word_logprobs_and_their_gradient_do_not_depend_on_chunks() -> None:
    tokens = 2 * ops.CHUNK_TOKENS + 3
    hidden, head = torch.randn(tokens, 8, requires_grad=True), torch.randn(50, 8)
    words = torch.randint(0, 50, (tokens,))
    expected = (hidden @ head.T / 0.6).log_softmax(-1).gather(1, words[:, None])[:, 0]
    found = ops.word_logprobs(hidden, head, words, 0.6)
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.allclose(gradient(found, hidden), gradient(expected, hidden), atol=1e-4)
