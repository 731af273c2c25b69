import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM

from app.inference import peft_bridge
from app.inference.adapter_file import Adapter, InvalidAdapter
from app.inference.bank import Bank
from app.inference.delta import GROUPS
from app.inference.lora import Lora
from app.inference.model import LlamaModel
from app.inference.policy import LoraPolicy
from app.inference.tokens import Tokens
from tests.tiny import build_tiny_base

IDS = torch.randint(1, 300, (2, 24), generator=torch.Generator().manual_seed(1))


def random_adapter(model: LlamaModel, digest: str = "d" * 64) -> Adapter:
    lora, chance = Lora(model.architecture, rank=4, alpha=6), torch.Generator().manual_seed(7)
    down = {group: lora.A[group].detach() for group in GROUPS}
    up = {group: torch.randn(lora.B[group].shape, generator=chance) * 0.1 for group in GROUPS}
    return Adapter(4, 6.0, digest, down, up)


def our_logits(model: LlamaModel, tokens: Tokens, adapter: Adapter) -> Tensor:
    policy = LoraPolicy.from_adapter(model, tokens, adapter)
    with torch.no_grad():
        return model.logits(model.hidden(IDS, policy.lora.delta(torch.float32)))


def served_logits(model: LlamaModel, adapter: Adapter) -> Tensor:
    """As the engine computes them, beside a row of the base."""
    bank = Bank(model.architecture, slots=2, rank=6, dtype=model.dtype, device=model.device)
    bank.load(2, adapter)
    with torch.inference_mode():
        return model.logits(model.hidden(torch.cat([IDS, IDS[:1]]), bank.rows([2, 2, 0])))[:2]


FAMILIES: list[dict[str, Any]] = [
    {},
    {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": False},
    {"kind": "mistral", "sliding_window": None},
    {"kind": "qwen2"},
    {"kind": "qwen3", "head_dim": 24},
    {"kind": "gemma", "head_dim": 24},
]


@pytest.mark.parametrize("config", FAMILIES)
def test_logits_with_an_adapter_are_those_of_peft(tmp_path: Path, config: dict[str, Any]) -> None:
    base = build_tiny_base(tmp_path / "base", **config)
    model, tokens = LlamaModel.load(base, dtype=torch.float32), Tokens.load(base)
    adapter = random_adapter(model)
    peft_bridge.export(adapter, model.architecture, tmp_path / "peft", base_name=str(base))
    reference = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    with torch.no_grad():
        plain = reference(IDS).logits
        expected = PeftModel.from_pretrained(reference, tmp_path / "peft").eval()(IDS).logits
    for found in (our_logits(model, tokens, adapter), served_logits(model, adapter)):
        assert (found - expected).abs().max() < 1e-4
    assert (plain - expected).abs().max() > 0.1


@pytest.mark.parametrize("config", FAMILIES)
def test_what_was_exported_comes_back(tmp_path: Path, config: dict[str, Any]) -> None:
    model = LlamaModel.load(build_tiny_base(tmp_path / "base", **config), dtype=torch.float32)
    adapter = random_adapter(model)
    only_mlp = replace(adapter, down={"down": adapter.down["down"]}, up={"down": adapter.up["down"]})
    for original in (adapter, only_mlp):
        folder = tmp_path / str(len(original.down))
        peft_bridge.export(original, model.architecture, folder, base_name="tiny")
        back = peft_bridge.import_folder(folder, model.architecture, base_digest="d" * 64)
        assert (back.rank, back.alpha, list(back.down)) == (4, 6.0, list(original.down))
        assert all(torch.equal(back.down[group], original.down[group]) for group in original.down)
        assert all(torch.equal(back.up[group], original.up[group]) for group in original.up)


@pytest.mark.parametrize("config", FAMILIES)
def test_an_adapter_that_peft_wrote_computes_the_same_here(tmp_path: Path, config: dict[str, Any]) -> None:
    """On q, v and up only: parts of fused groups that it leaves alone must stay untouched."""
    base = build_tiny_base(tmp_path / "base", **config)
    lora = LoraConfig(r=3, lora_alpha=5, target_modules=["q_proj", "v_proj", "up_proj"], init_lora_weights=False)
    theirs = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), lora).eval()
    theirs.save_pretrained(tmp_path / "peft")
    model, tokens = LlamaModel.load(base, dtype=torch.float32), Tokens.load(base)
    adapter = peft_bridge.import_folder(tmp_path / "peft", model.architecture, base_digest="d" * 64)
    assert list(adapter.down) == ["qkv", "gate_up"]
    with torch.no_grad():
        expected = theirs(IDS).logits
    for found in (our_logits(model, tokens, adapter), served_logits(model, adapter)):
        assert (found - expected).abs().max() < 1e-4


@pytest.mark.parametrize(
    "entries",
    [
        {"use_dora": True},
        {"use_rslora": True},
        {"bias": "all"},
        {"peft_type": "IA3"},
        {"r": None},
        {"init_lora_weights": "pissa_niter_4"},
        {"init_lora_weights": "olora"},
        {"alora_invocation_tokens": [1, 2]},
        {"layer_replication": [[0, 2], [1, 2]]},
        {"trainable_token_indices": [5]},
    ],
)
def test_other_kinds_of_adapters_are_refused(tiny_model: LlamaModel, tmp_path: Path, entries: dict[str, Any]) -> None:
    peft_bridge.export(random_adapter(tiny_model), tiny_model.architecture, tmp_path, base_name="tiny")
    path = tmp_path / peft_bridge.CONFIG
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))
    with pytest.raises(InvalidAdapter, match=peft_bridge.CONFIG):
        peft_bridge.import_folder(tmp_path, tiny_model.architecture, base_digest="d" * 64)


def test_weights_of_another_shape_or_place_are_refused(tiny_model: LlamaModel, tmp_path: Path) -> None:
    peft_bridge.export(random_adapter(tiny_model), tiny_model.architecture, tmp_path, base_name="tiny")
    path = tmp_path / peft_bridge.WEIGHTS
    tensors = load_file(path)
    name = "base_model.model.model.layers.1.self_attn.k_proj.lora_B.weight"
    save_file(tensors | {name: torch.ones(64, 4)}, path)
    with pytest.raises(InvalidAdapter, match="k_proj"):
        peft_bridge.import_folder(tmp_path, tiny_model.architecture, base_digest="d" * 64)
    save_file(tensors | {"base_model.model.lm_head.lora_A.weight": torch.ones(4, 64)}, path)
    with pytest.raises(InvalidAdapter, match="lm_head"):
        peft_bridge.import_folder(tmp_path, tiny_model.architecture, base_digest="d" * 64)
    path.write_bytes(b"nonsense")
    with pytest.raises(InvalidAdapter, match="damaged"):
        peft_bridge.import_folder(tmp_path, tiny_model.architecture, base_digest="d" * 64)
