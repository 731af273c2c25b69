from pathlib import Path

import pytest
import torch

from app.inference.frozen import Frozen, can_pack
from app.inference.model import LlamaModel

packs = pytest.mark.skipif(not can_pack("cpu"), reason="weights are packed on x86-64 only")


@packs
@pytest.mark.parametrize("rows", [1, 2, 3, 7, 16, 200])
@pytest.mark.parametrize("has_bias", [False, True])
def test_packed_and_plain_are_the_same_map(rows: int, has_bias: bool) -> None:
    matrix, bias = torch.randn(48, 40), torch.randn(48) if has_bias else None
    x = torch.randn(rows, 1, 40)
    packed, plain = (Frozen.new(matrix, bias, is_packed=choice) for choice in (True, False))
    assert packed.packed is not None
    assert plain.packed is None
    assert packed(x).shape == (rows, 1, 48)
    assert torch.allclose(packed(x), plain(x), atol=1e-4)


@packs
def test_gradients_flow_through_a_packed_map() -> None:
    linear, x = Frozen.new(torch.randn(48, 40), is_packed=True), torch.randn(5, 40, requires_grad=True)
    linear(x).sum().backward()
    assert x.grad is not None
    assert torch.allclose(x.grad, linear.matrix.sum(0).expand(5, -1), atol=1e-4)


@packs
def test_packing_later_shares_the_matrix_and_changes_nothing(tiny_base: Path) -> None:
    plain, packed = (LlamaModel.load(tiny_base, dtype=torch.float32, is_packed=choice) for choice in (False, True))
    later = plain.packed()
    [before, after] = (model.weights.layers[0].linears["qkv"] for model in (plain, later))
    assert before.packed is None
    assert after.packed is not None
    assert after.matrix is before.matrix
    assert later.weights.head.packed is None
    ids = torch.arange(1, 9).unsqueeze(0)
    with torch.no_grad():
        assert torch.equal(later.hidden(ids), packed.hidden(ids))
    assert packed.packed().weights.head is packed.weights.head


def test_nothing_is_packed_for_a_gpu() -> None:
    assert not can_pack("cuda")
