import pytest
import torch
from torch import Tensor

from app.inference.architecture import FusedLinear
from app.inference.delta import GROUPS
from app.inference.lora import Lora, branched, dense
from app.inference.model import LlamaModel


def trained(model: LlamaModel, seed: int = 5, *, rank: int = 4) -> Lora:
    lora, chance = Lora(model.architecture, rank=rank, alpha=6, seed=seed), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for b in lora.B.values():
            b.normal_(std=0.05, generator=chance)
    return lora


def merged_output(lora: Lora, layer: int, group: str, x: Tensor) -> Tensor:
    """B @ A of every part, written out."""
    parts, offset = [], 0
    for j, width in enumerate(lora.architecture.fused[group].outputs):
        a = lora.A[group][layer, j * lora.rank : (j + 1) * lora.rank]
        b = lora.B[group][layer, offset : offset + width]
        parts.append(x @ a.T @ b.T * lora.alpha / lora.rank)
        offset += width
    return torch.cat(parts, -1)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("with_gradient", [True, False])
def test_every_part_of_a_group_has_its_own_adapter(tiny_model: LlamaModel, group: str, with_gradient: bool) -> None:
    lora = trained(tiny_model)
    linear = tiny_model.architecture.fused[group]
    x, y = torch.randn(2, 3, linear.inputs), torch.randn(2, 3, linear.width)
    expected = y + merged_output(lora, 1, group, x)
    with torch.set_grad_enabled(with_gradient):
        found = lora.delta(torch.float32).add(1, group, x, y)  # type: ignore[arg-type]
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("with_gradient", [True, False])
def test_a_row_has_the_trunk_and_its_own_branch(tiny_model: LlamaModel, group: str, with_gradient: bool) -> None:
    trunk, first, second = trained(tiny_model, 5), trained(tiny_model, 6, rank=2), trained(tiny_model, 7, rank=2)
    linear = tiny_model.architecture.fused[group]
    x, y = torch.randn(4, 3, linear.inputs), torch.randn(4, 3, linear.width)
    expected = y + merged_output(trunk, 1, group, x)
    for row, branch in ((0, second), (2, first), (3, second)):
        expected[row] += merged_output(branch, 1, group, x[row])
    delta, rows = branched(trunk, [first, second], torch.float32), torch.tensor([2, 0, 1, 2])
    with torch.set_grad_enabled(with_gradient):
        found = delta.select(rows).add(1, group, x, y.clone())  # type: ignore[arg-type]
        along = delta.along(rows.repeat_interleave(3)).add(1, group, x.view(1, 12, -1), y.view(1, 12, -1).clone())  # type: ignore[arg-type]
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.allclose(along.view_as(y), expected, atol=1e-5)


def test_a_branch_learns_from_its_own_rows_only(tiny_model: LlamaModel) -> None:
    trunk, first, second = (trained(tiny_model, seed) for seed in (5, 6, 7))
    delta, sequences = branched(trunk, [first, second], torch.float32), [[1, 2, 3, 4, 5], [1, 2, 9, 8]]
    tiny_model.logprobs(sequences, [2, 2], delta, kinds=[0, 1]).sum().backward()
    for lora in (trunk, first):
        assert all(p.grad is not None and bool((p.grad != 0).any()) for p in lora.parameters())
    assert all(p.grad is None or not bool(p.grad.any()) for p in second.parameters())


def test_gradients_reach_the_masters_of_every_group(tiny_model: LlamaModel) -> None:
    lora = trained(tiny_model)
    tiny_model.logprobs([[1, 2, 3, 4, 5]], [2], lora.delta(torch.float32)).sum().backward()
    assert all(bool((p.grad != 0).any()) for p in lora.parameters() if p.grad is not None)
    assert sum(p.grad is not None for p in lora.parameters()) == 2 * len(GROUPS)


def test_the_gradient_is_the_slope(tiny_model: LlamaModel) -> None:
    lora, rows = trained(tiny_model), [[1, 2, 3, 4, 5, 6], [9, 8, 7]]

    def value() -> Tensor:
        return tiny_model.logprobs(rows, [2, 1], lora.delta(torch.float32), temperature=0.8).sum()

    value().backward()
    with torch.no_grad():
        for parameter in lora.parameters():
            assert parameter.grad is not None
            direction = parameter.grad / parameter.grad.norm()
            parameter.add_(direction, alpha=1e-2)
            above = value()
            parameter.add_(direction, alpha=-2e-2)
            slope = (above - value()) / 2e-2
            parameter.add_(direction, alpha=1e-2)
            assert torch.isclose(slope, parameter.grad.norm(), rtol=0.03)


def test_the_seed_decides_a_and_nothing_else_does(tiny_model: LlamaModel) -> None:
    first, again, other = (Lora(tiny_model.architecture, rank=4, alpha=8, seed=seed) for seed in (1, 1, 2))
    assert all(torch.equal(first.A[group], again.A[group]) for group in GROUPS)
    assert not torch.equal(first.A["qkv"], other.A["qkv"])
    bound = 1 / tiny_model.architecture.hidden**0.5
    assert 0.95 * bound < first.A["qkv"].abs().max() <= bound


def test_dense_puts_one_block_per_part_on_the_diagonal() -> None:
    up = torch.arange(1.0, 7.0).view(1, 2, 3)
    expected = torch.tensor([[[1.0, 2, 0], [4, 5, 0], [0, 0, 3], [0, 0, 6]]])
    assert torch.equal(dense(up, FusedLinear(("a", "b"), 5, (2, 1))), expected)
