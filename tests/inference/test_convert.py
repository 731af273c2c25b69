import json
from pathlib import Path

import pytest
import torch

from app.inference import adapter_file
from app.inference.adapter_file import InvalidAdapter
from app.inference.card import write_card
from app.inference.convert import convert_gguf, merge
from app.inference.model import LlamaModel
from app.inference.policy import LoraPolicy
from app.inference.tokens import Tokens
from tests.tiny_wheel import write_gguf

IDS = torch.randint(1, 300, (2, 20), generator=torch.Generator().manual_seed(1))


def test_a_gguf_file_becomes_the_same_model(tiny_base: Path, tiny_model: LlamaModel, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    convert_gguf(write_gguf(tiny_base, tmp_path / "model.gguf"), out)
    config = json.loads((out / "config.json").read_text())
    assert "quantization_config" not in config
    assert "transformers_version" not in config
    rounded = LlamaModel.load(tiny_base, dtype=torch.bfloat16)
    found = LlamaModel.load(out, dtype=torch.bfloat16)
    assert torch.equal(found.hidden(IDS), rounded.hidden(IDS))
    assert Tokens.load(out).prompt("Dear Sir, 🌻 ok\n") == Tokens.load(tiny_base).prompt("Dear Sir, 🌻 ok\n")
    assert found.architecture.stop_ids == {0}


@pytest.fixture
def adapter(tiny_model: LlamaModel, tiny_tokens: Tokens, tiny_digest: str, tmp_path: Path) -> Path:
    policy = LoraPolicy(tiny_model, tiny_tokens, rank=4, alpha=8)
    with torch.no_grad():
        for up in policy.lora.B.values():
            up.normal_(std=0.05, generator=torch.Generator().manual_seed(4))
    path = tmp_path / "adapter.safetensors"
    path.write_bytes(policy.adapter_bytes(tiny_digest)[0])
    return path


def test_merging_gives_what_the_adapter_gives(
    tiny_base: Path, tiny_model: LlamaModel, tiny_tokens: Tokens, tiny_digest: str, adapter: Path, tmp_path: Path
) -> None:
    out = tmp_path / "merged"
    out.mkdir()
    merge(tiny_base, adapter, out)
    card = write_card(out, name="merged", source="")
    voice = adapter_file.unpack(adapter.read_bytes(), tiny_model.architecture, base_digest=tiny_digest)
    delta = LoraPolicy.from_adapter(tiny_model, tiny_tokens, voice).lora.delta(torch.float32)
    expected, plain = tiny_model.hidden(IDS, delta), tiny_model.hidden(IDS)
    assert torch.allclose(LlamaModel.load(out, dtype=torch.float32).hidden(IDS), expected, atol=1e-4)
    assert not torch.allclose(plain, expected, atol=0.1)
    assert card.digest != tiny_digest
    assert Tokens.load(out).prompt("ok") == tiny_tokens.prompt("ok")


def test_a_warm_up_of_another_base_is_refused(tiny_base: Path, adapter: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in tiny_base.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    card = json.loads((other / "base.json").read_text())
    (other / "base.json").write_text(json.dumps(card | {"digest": "0" * 64}))
    with pytest.raises(InvalidAdapter, match="another base model"):
        merge(other, adapter, tmp_path)
