import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM

from app.inference.architecture import UnsupportedModel
from app.inference.generate import generate
from app.inference.lora import Lora
from app.inference.model import LlamaModel
from tests.tiny import build_tiny_base

LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 128}
FAMILY = {
    "tied": {},
    "untied with biases": {"tie_word_embeddings": False, "attention_bias": True, "mlp_bias": True},
    "wide heads": {"head_dim": 24},
    "no shared keys": {"num_key_value_heads": 4},
    "llama 3 positions": {"rope_parameters": LLAMA3},
    "yarn positions": {"rope_parameters": YARN},
    "mistral": {"kind": "mistral", "sliding_window": None, "head_dim": 24},
    "qwen 2": {"kind": "qwen2"},
    "qwen 3": {"kind": "qwen3", "head_dim": 24},
    "gemma": {"kind": "gemma", "head_dim": 24},
}


def reference(base: Path, ids_B_T: Tensor) -> Tensor:
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
    with torch.no_grad():
        logits: Tensor = model(ids_B_T).logits
    return logits


def random_ids(rows: int, tokens: int) -> Tensor:
    return torch.randint(1, 300, (rows, tokens), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("config", FAMILY.values(), ids=FAMILY.keys())
def test_logits_are_those_of_transformers(tmp_path: Path, config: dict[str, Any]) -> None:
    base, ids = build_tiny_base(tmp_path, **config), random_ids(3, 40)
    model = LlamaModel.load(base, dtype=torch.float32)
    assert torch.allclose(model.logits(model.hidden(ids)), reference(base, ids), atol=1e-4)


def test_logprobs_are_those_of_the_words_after_each_prompt(tiny_base: Path, tiny_model: LlamaModel) -> None:
    rows, prompts, temperature = [random_ids(1, n)[0].tolist() for n in (9, 14)], [4, 1], 0.7
    expected = []
    for ids, prompt in zip(rows, prompts, strict=True):
        logits = reference(tiny_base, torch.tensor([ids]))[0] / temperature
        words = torch.tensor(ids[prompt:])
        expected.append(logits[prompt - 1 : -1].log_softmax(-1).gather(1, words[:, None])[:, 0])
    found = tiny_model.logprobs(rows, prompts, temperature=temperature)
    assert torch.allclose(found, torch.cat(expected), atol=1e-4)


@pytest.mark.parametrize(
    "old",
    [
        {"rope_theta": 50_000.0, "rope_scaling": None},
        {"rope_theta": 500_000.0, "rope_scaling": {key: value for key, value in LLAMA3.items() if key != "rope_theta"}},
        {"rope_theta": 10_000.0, "rope_scaling": {"type": "linear", "factor": 2.0}},
    ],
)
def test_configs_of_older_transformers_are_read_alike(tiny_base: Path, tmp_path: Path, old: dict[str, Any]) -> None:
    for path in tiny_base.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((tiny_base / "config.json").read_text())
    del config["rope_parameters"], config["head_dim"]
    (tmp_path / "config.json").write_text(json.dumps(config | old))
    ids, model = random_ids(2, 60), LlamaModel.load(tmp_path, dtype=torch.float32)
    assert torch.allclose(model.logits(model.hidden(ids)), reference(tmp_path, ids), atol=1e-4)


@pytest.mark.slow
def test_loading_a_plain_llama_does_not_import_transformers(tiny_base: Path) -> None:
    code = "import sys; from pathlib import Path; from app.inference.model import LlamaModel; "
    code += "LlamaModel.load(Path(sys.argv[1])); sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, str(tiny_base)], check=False).returncode == 0


def test_rows_that_share_a_prompt_are_those_of_rows_alone(tiny_model: LlamaModel) -> None:
    """Values and gradients: packing is only about speed."""
    prompts, endings = random_ids(2, 9).tolist(), random_ids(5, 12).tolist()
    rows = [prompts[i % 2] + endings[i][: 1 + 2 * i] for i in range(5)]
    gradients = []
    values = []
    for batches in ([rows], [[row] for row in rows]):
        lora = Lora(tiny_model.architecture, rank=4, alpha=8)
        with torch.no_grad():
            lora.B["qkv"].normal_(std=0.1, generator=torch.Generator().manual_seed(2))
        delta = lora.delta(torch.float32)
        logprobs = torch.cat([tiny_model.logprobs(batch, [9] * len(batch), delta) for batch in batches])
        (logprobs * torch.linspace(-1, 2, len(logprobs))).sum().backward()
        values.append(logprobs.detach())
        gradients.append(torch.cat([p.grad.flatten() for p in lora.parameters() if p.grad is not None]))
    assert torch.allclose(values[0], values[1], atol=1e-4)
    assert torch.allclose(gradients[0], gradients[1], atol=1e-3)
    assert gradients[0].norm() > 1


def test_recomputing_activations_changes_no_gradient(tiny_model: LlamaModel) -> None:
    rows, gradients = random_ids(4, 30).tolist(), []
    one_layer = 4 * 29 * tiny_model.architecture.activations * 4
    for room, recomputed in ((2 * one_layer, 0), (one_layer, 1), (1, 2)):
        model, lora = replace(tiny_model, activation_bytes=room), Lora(tiny_model.architecture, rank=4, alpha=8)
        assert model._recomputed_layers(4 * 29) == recomputed
        model.logprobs(rows, [10] * 4, lora.delta(torch.float32)).sum().backward()
        gradients.append(lora.B["gate_up"].grad)
    assert torch.equal(gradients[0], gradients[1])
    assert torch.equal(gradients[0], gradients[2])


def test_a_fresh_adapter_changes_nothing_and_a_trained_one_does(tiny_model: LlamaModel) -> None:
    ids, lora = random_ids(2, 8), Lora(tiny_model.architecture, rank=4, alpha=8)
    plain = tiny_model.hidden(ids)
    assert torch.equal(tiny_model.hidden(ids, lora.delta(torch.float32)), plain)
    with torch.no_grad():
        lora.B["down"].normal_()
    assert not torch.allclose(tiny_model.hidden(ids, lora.delta(torch.float32)), plain, atol=1e-2)


def test_bfloat16_stays_near_float32(tiny_base: Path, tiny_model: LlamaModel) -> None:
    rows = random_ids(4, 24).tolist()
    low = LlamaModel.load(tiny_base, dtype=torch.bfloat16)
    assert low.dtype == torch.bfloat16
    difference = low.logprobs(rows, [1] * 4) - tiny_model.logprobs(rows, [1] * 4)
    assert difference.abs().mean() < 0.1


def test_sharded_weights_are_found(tiny_base: Path, tiny_model: LlamaModel, tmp_path: Path) -> None:
    tensors = load_file(tiny_base / "model.safetensors")
    names = sorted(tensors)
    shards = {"model-1.safetensors": names[::2], "model-2.safetensors": names[1::2]}
    for file, part in shards.items():
        save_file({name: tensors[name] for name in part}, tmp_path / file)
    index = ",".join(f'"{name}":"{file}"' for file, part in shards.items() for name in part)
    (tmp_path / "model.safetensors.index.json").write_text(f'{{"weight_map":{{{index}}}}}')
    (tmp_path / "config.json").write_bytes((tiny_base / "config.json").read_bytes())
    ids = random_ids(1, 5)
    assert torch.equal(LlamaModel.load(tmp_path, dtype=torch.float32).hidden(ids), tiny_model.hidden(ids))


def test_weights_that_do_not_fit_the_config_are_named(tiny_base: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((tiny_base / "config.json").read_bytes())
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors"):
        LlamaModel.load(tmp_path)
    tensors = load_file(tiny_base / "model.safetensors")
    tensors["model.norm.weight"] = torch.ones(3)
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(UnsupportedModel, match=r"model\.norm\.weight has shape \(3,\)"):
        LlamaModel.load(tmp_path)
    del tensors["model.norm.weight"]
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(UnsupportedModel, match=r"no weight model\.norm\.weight"):
        LlamaModel.load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(UnsupportedModel, match="cannot be read"):
        LlamaModel.load(tmp_path)


def test_positions_that_depend_on_the_length_are_refused(tmp_path: Path) -> None:
    dynamic = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}
    with pytest.raises(UnsupportedModel, match="'dynamic'"):
        LlamaModel.load(build_tiny_base(tmp_path, rope_parameters=dynamic))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_computes_trains_and_writes_the_same(tiny_base: Path, tiny_model: LlamaModel) -> None:
    gpu, ids = LlamaModel.load(tiny_base, device="cuda", dtype=torch.float32), random_ids(3, 20)
    assert gpu.device.type == "cuda"
    assert torch.allclose(gpu.hidden(ids.cuda()).cpu(), tiny_model.hidden(ids), atol=1e-3)
    gradients, texts = [], []
    for model in (tiny_model, gpu):
        lora = Lora(model.architecture, rank=4, alpha=8).to(model.device)
        model.logprobs(ids.tolist(), [5, 6, 7], lora.delta(torch.float32)).sum().backward()
        gradients.append(lora.B["qkv"].grad)
        texts.append(generate(model, ids.tolist(), seeds=[1, 2, 3], max_tokens=12, temperature=[0.0, 0.7, 1.0]).ids)
    assert torch.allclose(gradients[1].cpu(), gradients[0], atol=1e-2)
    assert texts[0] == texts[1]
