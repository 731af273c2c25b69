"""The general path computes what transformers and PEFT compute, forwards and backwards."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModel, AutoModelForCausalLM

from app.inference import adapter_file, peft_bridge
from app.inference.adapter_file import Adapter, InvalidAdapter
from app.inference.architecture import UnsupportedModel
from app.inference.bank import Bank
from app.inference.card import read_card
from app.inference.general_model import GeneralModel
from app.inference.language_model import load_model
from app.inference.policy import LoraPolicy
from app.inference.tokens import Tokens
from tests.inference.kinds import general_config
from tests.inference.voices import adapter
from tests.tiny import build_tiny_base

IDS = torch.randint(1, 300, (2, 24), generator=torch.Generator().manual_seed(1))
ROWS = [[5, 6, 7, 8, 9, 10], [5, 6, 7, 30], list(range(40, 60))]
PROMPTS = [2, 3, 9]
DIGEST = "d" * 64


def plain(base: Path) -> AutoModelForCausalLM:
    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()


def logits_of(model: GeneralModel, made: Adapter) -> Tensor:
    bank = Bank(model.architecture, slots=1, rank=8, dtype=torch.float32, device=model.device)
    bank.load(1, made)
    with torch.inference_mode():
        return model.logits(model.hidden(IDS, bank.rows([1, 1])))


def test_without_an_adapter_it_is_what_transformers_computes(general_base: Path, general_model: GeneralModel) -> None:
    with torch.no_grad():
        expected = plain(general_base)(IDS).logits
        assert (general_model.logits(general_model.hidden(IDS)) - expected).abs().max() < 1e-5


def test_logits_with_an_adapter_are_those_of_peft(
    general_base: Path, general_model: GeneralModel, tmp_path: Path
) -> None:
    made = adapter(general_model.architecture, 4, 7)
    peft_bridge.export(made, general_model.architecture, tmp_path, base_name=str(general_base))
    reference = plain(general_base)
    with torch.no_grad():
        before = reference(IDS).logits
        expected = PeftModel.from_pretrained(reference, tmp_path).eval()(IDS).logits
    assert (logits_of(general_model, made) - expected).abs().max() < 1e-4
    assert (before - expected).abs().max() > 0.1


@pytest.mark.parametrize("kind", ["gemma2", "gemma3_text"])
def test_newer_gemmas_with_an_adapter_compute_what_peft_does(kind: str, tmp_path: Path) -> None:
    """With windows, capped scores and norms on both sides of every part."""
    base = build_tiny_base(tmp_path / "base", **general_config(kind))
    model = load_model(base, dtype=torch.float32)
    assert isinstance(model, GeneralModel)
    made = adapter(model.architecture, 4, 7)
    peft_bridge.export(made, model.architecture, tmp_path / "peft", base_name=str(base))
    with torch.no_grad():
        expected = PeftModel.from_pretrained(plain(base), tmp_path / "peft").eval()(IDS).logits
    assert (logits_of(model, made) - expected).abs().max() < 1e-4


def test_an_adapter_that_peft_puts_on_all_linears_computes_the_same_here(
    general_base: Path, general_model: GeneralModel, tmp_path: Path
) -> None:
    config = LoraConfig(r=3, lora_alpha=5, target_modules="all-linear", init_lora_weights=False)
    model = get_peft_model(plain(general_base), config).eval()
    model.save_pretrained(tmp_path)
    found = peft_bridge.import_folder(tmp_path, general_model.architecture, base_digest=DIGEST)
    assert list(found.down) == list(general_model.architecture.fused)
    with torch.no_grad():
        assert (logits_of(general_model, found) - model(IDS).logits).abs().max() < 1e-4


def test_what_was_exported_comes_back(general_model: GeneralModel, tmp_path: Path) -> None:
    shape = general_model.architecture
    for groups in (list(shape.fused), list(shape.fused)[1:3]):
        made = adapter(shape, 4, 3, groups, base=DIGEST)
        peft_bridge.export(made, shape, tmp_path, base_name="tiny")
        back = peft_bridge.import_folder(tmp_path, shape, base_digest=DIGEST)
        assert (back.rank, back.alpha, list(back.down)) == (4, 8.0, groups)
        assert all(torch.equal(tensor, back.tensors[name]) for name, tensor in made.tensors.items())


def test_a_file_is_checked_against_the_modules_of_the_base(general_model: GeneralModel) -> None:
    shape = general_model.architecture
    made = adapter(shape, 4, 3, base=DIGEST)
    back = adapter_file.unpack(adapter_file.pack(made), shape, base_digest=DIGEST)
    assert all(torch.equal(tensor, back.tensors[name]) for name, tensor in made.tensors.items())
    group, *others = shape.fused
    broken = {
        "has shape": made.down | {group: torch.zeros(1, 4, 7)},
        "are not those it must have": {name: made.down[name] for name in others},
        "targets are": made.down | {"qkv": torch.ones(1, 1, 1)},
        "not finite": made.down | {group: made.down[group] * torch.nan},
    }
    for words, down in broken.items():
        with pytest.raises(InvalidAdapter, match=words):
            adapter_file.unpack(adapter_file.pack(replace(made, down=down)), shape, base_digest=DIGEST)


def test_gradients_are_those_of_peft(general_base: Path, general_model: GeneralModel, tmp_path: Path) -> None:
    made = adapter(general_model.architecture, 4, 7)
    peft_bridge.export(made, general_model.architecture, tmp_path, base_name=str(general_base))
    reference = PeftModel.from_pretrained(plain(general_base), tmp_path, is_trainable=True)
    for ids, start in zip(ROWS, PROMPTS, strict=True):
        scores = (reference(torch.tensor([ids])).logits[0, :-1] / 0.7).log_softmax(-1)
        scores.gather(1, torch.tensor(ids[1:])[:, None])[start - 1 :].sum().backward()

    policy = LoraPolicy.from_adapter(general_model, Tokens.load(general_base), made)
    delta = policy.lora.delta(torch.float32)
    general_model.logprobs(ROWS, PROMPTS, delta, temperature=0.7).sum().backward()
    modules = dict(reference.named_modules())
    for group, linear in general_model.architecture.fused.items():
        theirs = modules["base_model.model." + linear.parts[0]]
        for ours, name in ((policy.lora.A[group], "lora_A"), (policy.lora.B[group], "lora_B")):
            expected = getattr(theirs, name)["default"].weight.grad
            assert ours.grad is not None
            assert torch.allclose(ours.grad[0], expected, rtol=1e-3, atol=1e-3 * expected.abs().max().item())


def test_logprobs_are_those_of_the_rows_alone(general_base: Path, general_model: GeneralModel) -> None:
    with torch.no_grad():
        found = general_model.logprobs(ROWS, PROMPTS, temperature=0.5)
        expected = [
            (plain(general_base)(torch.tensor([ids])).logits[0, :-1] / 0.5)
            .log_softmax(-1)
            .gather(1, torch.tensor(ids[1:])[:, None])[start - 1 :, 0]
            for ids, start in zip(ROWS, PROMPTS, strict=True)
        ]
        states = general_model.states(ROWS, PROMPTS)
    assert torch.allclose(found, torch.cat(expected), atol=1e-4)
    assert states.shape == (len(found), 64)
    with pytest.raises(ValueError, match="both parts need at least one"):
        general_model.logprobs([[1, 2]], [2])


def test_every_row_speaks_through_its_own_adapter(general_model: GeneralModel) -> None:
    bank = Bank(general_model.architecture, slots=3, rank=4, dtype=torch.float32, device=general_model.device)
    for slot in (1, 2, 3):
        bank.load(slot, adapter(general_model.architecture, 4, slot, size=0.05))
    ids = IDS[:1].repeat(5, 1)
    slots = [2, 0, 3, 2, 1]
    with torch.inference_mode():
        mixed = general_model.hidden(ids, bank.rows(slots))
        for row, slot in enumerate(slots):
            alone = general_model.hidden(ids[:1], bank.rows([slot]) if slot else None)
            assert (mixed[row] - alone[0]).abs().max() < 1e-4
    assert (mixed[0] - mixed[1]).abs().max() > 0.1


def test_a_linear_that_sees_something_else_is_refused(general_model: GeneralModel) -> None:
    linear = next(iter(general_model.architecture.fused.values()))
    delta = Bank(general_model.architecture, slots=1, rank=1, dtype=torch.float32, device=general_model.device).rows(
        [1]
    )
    with (
        general_model._speaking(delta, IDS[:1]),
        pytest.raises(UnsupportedModel, match=f"{linear.parts[0]}.*IDIOLECT_BASE_MODEL"),
    ):
        general_model.net.get_submodule(linear.parts[0])(torch.zeros(3, linear.inputs))


def test_weights_that_were_saved_without_their_head_are_found(
    general_base: Path, general_model: GeneralModel, tmp_path: Path
) -> None:
    """As those of GPT-2 were: their names lack the first part."""
    AutoModel.from_pretrained(general_base, dtype=torch.float32).save_pretrained(tmp_path)
    (tmp_path / "config.json").write_bytes((general_base / "config.json").read_bytes())
    model = GeneralModel.load(tmp_path, dtype=torch.float32)
    with torch.no_grad():
        assert torch.equal(model.logits(model.hidden(IDS)), general_model.logits(general_model.hidden(IDS)))


def test_weights_that_are_missing_are_named(general_base: Path, tmp_path: Path) -> None:
    for path in general_base.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    tensors = load_file(general_base / "model.safetensors")
    name = next(name for name in tensors if ".1." in name and name.endswith("weight"))
    del tensors[name]
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UnsupportedModel, match="has no weight"):
        GeneralModel.load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(UnsupportedModel, match="cannot be read"):
        GeneralModel.load(tmp_path)
    assert read_card(tmp_path).digest == read_card(general_base).digest
