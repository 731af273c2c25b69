from pathlib import Path

import pytest
import torch
from torch import Tensor

from app.inference import adapter_file
from app.inference.bank import FEW_TOKENS, Bank, BankDelta
from app.inference.delta import GROUPS, Group
from app.inference.model import LlamaModel
from app.inference.policy import LoraPolicy
from app.inference.selfcheck import SelfCheckFailed, prove
from app.inference.tokens import Tokens
from tests.inference.voices import adapter, of_voices


@pytest.fixture
def bank(tiny_model: LlamaModel) -> Bank:
    return Bank(tiny_model.architecture, slots=3, rank=8, dtype=tiny_model.dtype, device=tiny_model.device)


def logits(model: LlamaModel, bank: Bank, slots: list[int]) -> Tensor:
    ids = torch.tensor([[5, 6, 7, 8, 9]] * len(slots))
    with torch.inference_mode():
        return model.logits(model.hidden(ids, bank.rows(slots)))


def test_a_row_of_a_mixed_batch_equals_the_adapter_alone(
    tiny_model: LlamaModel, tiny_tokens: Tokens, bank: Bank
) -> None:
    adapters = [
        adapter(tiny_model.architecture, 8, 1),
        adapter(tiny_model.architecture, 4, 2),
        adapter(tiny_model.architecture, 2, 3, ("qkv", "down")),
    ]
    for slot, each in enumerate(adapters, 1):
        bank.load(slot, each)
    mixed = logits(tiny_model, bank, [0, 1, 2, 3, 1])
    for row, each in ((1, adapters[0]), (2, adapters[1]), (3, adapters[2]), (4, adapters[0])):
        policy = LoraPolicy.from_adapter(tiny_model, tiny_tokens, each)
        with torch.no_grad():
            alone = tiny_model.logits(
                tiny_model.hidden(torch.tensor([[5, 6, 7, 8, 9]]), policy.lora.delta(tiny_model.dtype))
            )
        assert torch.allclose(mixed[row], alone[0], atol=1e-4)
    assert not torch.allclose(mixed[3], mixed[0], atol=1e-3)


def test_a_row_without_adapter_equals_the_base(tiny_model: LlamaModel, bank: Bank) -> None:
    bank.load(1, adapter(tiny_model.architecture, 8, 1))
    with torch.inference_mode():
        plain = tiny_model.logits(tiny_model.hidden(torch.tensor([[5, 6, 7, 8, 9]])))
    assert torch.allclose(logits(tiny_model, bank, [0, 1])[0], plain[0], atol=1e-4)
    assert torch.equal(logits(tiny_model, bank, [0])[0], plain[0])


def test_rows_that_share_an_adapter_take_the_same_numbers(tiny_model: LlamaModel, bank: Bank) -> None:
    bank.load(2, adapter(tiny_model.architecture, 8, 4))
    assert torch.allclose(logits(tiny_model, bank, [2, 2])[0], logits(tiny_model, bank, [2, 0])[0], atol=1e-4)


def test_a_new_tenant_of_a_slot_leaves_no_trace_of_the_old(tiny_model: LlamaModel, bank: Bank) -> None:
    small = adapter(tiny_model.architecture, 2, 5, ("o",))
    bank.load(1, small)
    fresh = logits(tiny_model, bank, [1])
    bank.load(1, adapter(tiny_model.architecture, 8, 6))
    bank.load(1, small)
    assert torch.equal(logits(tiny_model, bank, [1]), fresh)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_voice_lies_in_a_slot_as_its_trunk_and_branch_side_by_side(
    tiny_model: LlamaModel, dtype: torch.dtype
) -> None:
    made = of_voices(tiny_model.architecture, ["work", "friends"], rank=4, voice_rank=2, base="")
    made = adapter_file.unpack(adapter_file.pack(made), tiny_model.architecture, base_digest="")
    banks = [Bank(tiny_model.architecture, slots=1, rank=8, dtype=dtype, device=tiny_model.device) for _ in range(2)]
    for voice in ("work", None, "friends"):  # each also clears what the one before left
        banks[0].load(1, made, voice)
        banks[1].load(1, made.speaking(voice))
        for half, other in ((banks[0].down, banks[1].down), (banks[0].up, banks[1].up)):
            assert all(torch.equal(half[group], other[group]) for group in GROUPS)
        assert banks[0].ranks == banks[1].ranks
    with pytest.raises(KeyError):
        banks[0].load(1, made, "nobody")


def test_rank_and_slot_are_checked(tiny_model: LlamaModel, bank: Bank) -> None:
    with pytest.raises(ValueError, match="rank is 16"):
        bank.load(1, adapter(tiny_model.architecture, 16, 1))
    with pytest.raises(ValueError, match="slot 0"):
        bank.load(0, adapter(tiny_model.architecture, 8, 1))


def test_a_batch_may_shrink_and_repeat_its_rows(tiny_model: LlamaModel, bank: Bank) -> None:
    for slot in (1, 2, 3):
        bank.load(slot, adapter(tiny_model.architecture, 8, slot))
    ids = torch.tensor([[5, 6, 7]] * 4)
    chosen = bank.rows([3, 0, 1]).select(torch.tensor([2, 2, 0, 1]))
    with torch.inference_mode():
        mixed = tiny_model.hidden(ids, chosen)
        assert torch.allclose(mixed, tiny_model.hidden(ids, bank.rows([1, 1, 3, 0])), atol=1e-5)
        only = tiny_model.hidden(ids[:2], bank.rows([3, 0, 1]).select(torch.tensor([0, 0])))
    assert torch.allclose(only[0], mixed[2], atol=1e-4)


@pytest.mark.parametrize(
    "slots",
    [
        pytest.param([0, 1, 2, 3, 4], id="in order"),
        pytest.param([3, 1, 2], id="out of order"),
        pytest.param([1, 1, 2, 2, 3, 3], id="pairs in order"),
        pytest.param([2, 3, 1, 3, 2, 1], id="pairs out of order"),
        pytest.param([2, 2, 3], id="an empty place"),
        pytest.param([1, 9, 1, 9], id="far apart"),
        pytest.param([9, 0, 9], id="far apart, beside the base"),
        pytest.param([4, *[5] * 7, 6], id="most rows of one"),
        pytest.param([7] * 3, id="all of one"),
    ],
)
@pytest.mark.parametrize("has_bags", [True, False])
@pytest.mark.parametrize("tokens", [1, FEW_TOKENS, FEW_TOKENS + 1])
def test_every_row_gets_what_it_would_alone(
    tiny_model: LlamaModel, tiny_tokens: Tokens, slots: list[int], tokens: int, has_bags: bool
) -> None:
    """And as from the trainable adapter, whichever way it is computed."""
    bank = Bank(tiny_model.architecture, slots=9, rank=4, dtype=tiny_model.dtype, device=tiny_model.device)
    bank.has_bags = has_bags  # or products, as on a GPU
    adapters = {slot: adapter(tiny_model.architecture, 2 + slot % 3, slot) for slot in range(1, 10)}
    for slot, each in adapters.items():
        bank.load(slot, each)
    ids = torch.arange(5, 5 + tokens * len(slots)).view(-1, tokens)
    with torch.inference_mode():
        together = tiny_model.hidden(ids, bank.rows(slots))
        for row, slot in enumerate(slots):
            alone = None
            if slot:
                alone = LoraPolicy.from_adapter(tiny_model, tiny_tokens, adapters[slot]).lora.delta(tiny_model.dtype)
            assert torch.allclose(together[row], tiny_model.hidden(ids[row : row + 1], alone)[0], atol=1e-4)


@pytest.mark.parametrize("tokens", [1, FEW_TOKENS + 1])
def test_in_bfloat16_it_is_as_near_as_the_trainable_adapter(tiny_base: Path, tiny_tokens: Tokens, tokens: int) -> None:
    """To what float32 makes of the same numbers."""
    exact, rounded = (LlamaModel.load(tiny_base, dtype=dtype) for dtype in (torch.float32, torch.bfloat16))
    made = adapter(exact.architecture, 4, 3)
    bank = Bank(rounded.architecture, slots=2, rank=6, dtype=torch.bfloat16, device=rounded.device)
    bank.load(2, made)
    ids = torch.arange(5, 5 + 2 * tokens).view(2, tokens)
    with torch.inference_mode():
        wanted, learned = (
            model.hidden(ids, LoraPolicy.from_adapter(model, tiny_tokens, made).lora.delta(model.dtype)).float()
            for model in (exact, rounded)
        )
        served = rounded.hidden(ids, bank.rows([2, 2])).float()
    assert (served - wanted).abs().mean() <= 1.2 * (learned - wanted).abs().mean()


def test_a_slot_is_as_large_as_it_says(tiny_model: LlamaModel, bank: Bank) -> None:
    tensors = [*bank.down.values(), *bank.up.values()]
    held = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    per_slot = Bank.bytes_per_slot(tiny_model.architecture, bank.rank, tiny_model.dtype)
    assert held == per_slot * (bank.slots + 1)


def test_a_sound_engine_passes_its_self_check(tiny_model: LlamaModel, monkeypatch: pytest.MonkeyPatch) -> None:
    added, asked = BankDelta.add, set()

    def add(self: BankDelta, layer: int, group: Group, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        asked.add((layer, group))
        return added(self, layer, group, x, y)

    monkeypatch.setattr(BankDelta, "add", add)
    prove(tiny_model, [5, 6, 7, 8])
    assert asked == {(layer, group) for layer in range(tiny_model.architecture.layers) for group in GROUPS}


def test_an_engine_that_ignores_adapters_fails_it(tiny_model: LlamaModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.inference.bank.BankDelta.add", lambda self, layer, group, x, y: y)
    with pytest.raises(SelfCheckFailed, match="cannot be told from the base"):
        prove(tiny_model, [5, 6, 7, 8])


def test_an_engine_that_gives_everybody_the_same_adapter_fails_it(
    tiny_model: LlamaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Bank.rows
    monkeypatch.setattr(Bank, "rows", lambda self, slots: rows(self, [1] * len(slots)))
    with pytest.raises(SelfCheckFailed, match="without an adapter differs"):
        prove(tiny_model, [5, 6, 7, 8])


def test_an_engine_that_mistakes_one_adapter_for_another_fails_it(
    tiny_model: LlamaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Bank.rows
    monkeypatch.setattr(Bank, "rows", lambda self, slots: rows(self, [min(slot, 1) for slot in slots]))
    with pytest.raises(SelfCheckFailed, match="cannot be told from another adapter"):
        prove(tiny_model, [5, 6, 7, 8])
