import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from app.config import Settings
from app.inference import base, packaged
from app.inference.adapter_file import unpack
from app.inference.architecture import UnsupportedModel
from app.inference.base import BaseUnavailable, ensure_base, read_card, unmerged_base
from app.inference.language_model import load_model
from app.inference.model import LlamaModel
from app.inference.policy import LoraPolicy
from app.inference.tokens import Tokens
from tests.hub import hub_of
from tests.inference.kinds import general_config
from tests.tiny import build_tiny_base
from tests.tiny_wheel import write_gguf, write_wheel

IDS = torch.randint(1, 300, (1, 12), generator=torch.Generator().manual_seed(1))


def settings(tmp_path: Path, base_model: object = "packaged") -> Settings:
    return Settings(data_dir=tmp_path / "data", base_model=str(base_model))


def left_over(config: Settings) -> list[str]:
    return [path.name for path in (config.data_dir / "models").iterdir() if not path.name.endswith(".lock")]


@pytest.fixture(params=["llama", "gpt2", "gpt_neox"])
def any_base(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Of the fast path, and of the general one with transposed and with fused weights."""
    return build_tiny_base(
        tmp_path / request.param, **({} if request.param == "llama" else general_config(request.param))
    )


@pytest.fixture
def wheel(tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny base, packaged; without a warm-up until a test makes one."""
    downloads = tmp_path / "data" / "downloads"
    downloads.mkdir(parents=True)
    path = write_wheel(write_gguf(tiny_base, tmp_path / "model.gguf"), downloads)
    monkeypatch.setattr(packaged, "WHEEL_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(base, "WARMUP", tmp_path / "warmup.safetensors")
    return path


@pytest.mark.slow
def test_the_packaged_base_is_converted_once_and_warmed_up(tmp_path: Path, wheel: Path) -> None:
    config = settings(tmp_path)
    plain = ensure_base(config)
    assert plain == unmerged_base(config)
    assert left_over(config) == [plain.name]
    assert not wheel.exists()
    card = read_card(plain)
    assert (card.name, card.passage_words) == ("SmolLM2-135M-Instruct", 40)

    model = LlamaModel.load(plain, dtype=torch.float32)
    policy = LoraPolicy(model, Tokens.load(plain), rank=2, alpha=4)
    with torch.no_grad():
        policy.lora.B["down"].normal_(std=0.2)
    base.WARMUP.write_bytes(policy.adapter_bytes(card.digest)[0])
    warm = ensure_base(config)
    assert read_card(warm).digest != card.digest
    assert not torch.allclose(LlamaModel.load(warm, dtype=torch.float32).hidden(IDS), model.hidden(IDS), atol=0.1)
    before = (warm / "model.safetensors").stat()
    assert ensure_base(config) == warm
    assert (warm / "model.safetensors").stat() == before

    base.WARMUP.write_bytes(policy.adapter_bytes("0" * 64)[0])
    with pytest.raises(BaseUnavailable, match="Converting the base model failed"):
        ensure_base(config)
    assert sorted(left_over(config)) == sorted([plain.name, warm.name])


def test_a_warm_up_is_merged_into_any_base(tmp_path: Path, any_base: Path) -> None:
    config = settings(tmp_path, any_base)
    model = load_model(any_base, dtype=torch.float32, is_packed=False)
    policy = LoraPolicy(model, Tokens.load(any_base), rank=2, alpha=4)
    with torch.no_grad():
        for up in policy.lora.B.values():
            up.normal_(std=0.05)
    adapter = tmp_path / "adapter.safetensors"
    adapter.write_bytes(policy.adapter_bytes(read_card(any_base).digest)[0])
    warm = base.warmed(config, "mine", lambda: any_base, adapter)
    merged = load_model(warm, dtype=torch.float32, is_packed=False)
    spoken = unpack(adapter.read_bytes(), model.architecture, base_digest=read_card(any_base).digest)
    learned = LoraPolicy.from_adapter(model, policy.tokens, spoken)
    one = learned._delta().select(torch.tensor([0]))
    with torch.no_grad():
        assert torch.allclose(merged.hidden(IDS), model.hidden(IDS, one), atol=1e-4)
        assert not torch.allclose(merged.hidden(IDS), model.hidden(IDS), atol=1e-2)
    assert merged.architecture == model.architecture
    card = read_card(warm)
    assert card.digest != read_card(any_base).digest
    assert card.warmup == hashlib.sha256(adapter.read_bytes()).hexdigest()
    assert ensure_base(settings(tmp_path, warm)) == warm, "as it is, for whoever names it"


def test_a_folder_with_a_card_is_used_as_it_is(tmp_path: Path, tiny_base: Path) -> None:
    assert ensure_base(settings(tmp_path, tiny_base)) == tiny_base


def without_card(tiny_base: Path, folder: Path, **config: Any) -> Path:
    folder.mkdir()
    for path in tiny_base.iterdir():
        if path.name != "base.json":
            (folder / path.name).write_bytes(path.read_bytes())
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    return folder


def test_a_foreign_folder_is_linked_and_left_alone(
    tmp_path: Path, tiny_base: Path, tiny_model: LlamaModel, tiny_digest: str
) -> None:
    theirs = without_card(tiny_base, tmp_path / "theirs")
    before = sorted(path.name for path in theirs.iterdir())
    ours = ensure_base(settings(tmp_path, theirs))
    assert sorted(path.name for path in theirs.iterdir()) == before
    assert (ours / "model.safetensors").resolve() == (theirs / "model.safetensors").resolve()
    assert read_card(ours).digest == tiny_digest
    assert read_card(ours).name == "theirs"
    assert torch.equal(LlamaModel.load(ours, dtype=torch.float32).hidden(IDS), tiny_model.hidden(IDS))
    assert ensure_base(settings(tmp_path, theirs)) == ours


def test_a_base_that_only_transformers_knows_is_described_too(tmp_path: Path, general_base: Path) -> None:
    ours = ensure_base(settings(tmp_path, without_card(general_base, tmp_path / "theirs")))
    card = read_card(ours)
    assert (card.digest, card.context_tokens) == (read_card(general_base).digest, 512)
    assert card.parameters == AutoModelForCausalLM.from_pretrained(general_base).num_parameters()


def test_a_folder_whose_files_changed_is_another_base(tmp_path: Path, tiny_base: Path) -> None:
    theirs = without_card(tiny_base, tmp_path / "theirs")
    ours = ensure_base(settings(tmp_path, theirs))
    (theirs / "config.json").write_text((theirs / "config.json").read_text().replace("1e-06", "1e-05"))
    assert ensure_base(settings(tmp_path, theirs)) != ours


def test_what_cannot_be_a_base_is_refused(tmp_path: Path, tiny_base: Path) -> None:
    with pytest.raises(UnsupportedModel, match="model_type 'gemma3'"):
        ensure_base(settings(tmp_path, without_card(tiny_base, tmp_path / "gemma", model_type="gemma3")))
    incomplete = without_card(tiny_base, tmp_path / "incomplete")
    (incomplete / "tokenizer.json").unlink()
    with pytest.raises(BaseUnavailable, match=r"lacks a file.*tokenizer\.json"):
        ensure_base(settings(tmp_path, incomplete))
    with pytest.raises(BaseUnavailable, match="neither a folder"):
        ensure_base(settings(tmp_path, "../no such folder"))
    assert left_over(settings(tmp_path)) == []


def test_only_the_first_of_many_makes_it_and_a_failure_leaves_nothing(tmp_path: Path) -> None:
    config, made = settings(tmp_path), []

    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise BaseUnavailable("no network")

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "base.json").write_text("{}")

    with pytest.raises(BaseUnavailable):
        base._made(config, "one", fail)
    assert left_over(config) == []
    killed = config.data_dir / "models" / ".one.new"
    killed.mkdir()
    (killed / "half").write_text("")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: base._made(config, "one", make), range(8)))
    assert len(made) == 1
    assert {path.name for path in found} == {"one"}
    assert left_over(config) == ["one"]
    assert [path.name for path in (config.data_dir / "models" / "one").iterdir()] == ["base.json"]


@pytest.fixture
def hub(tiny_base: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """A model hub on loopback with `owner/tiny`, of another family `owner/other`, and `owner/bare` without a model.

    Value: what was asked of it.
    """
    repositories = {"owner/tiny": tiny_base, "owner/other": without_card(tiny_base, tmp_path / "o", model_type="mamba")}
    repositories["owner/bare"] = tmp_path / "bare"
    repositories["owner/bare"].mkdir()
    with hub_of(repositories, monkeypatch, tmp_path / "hub", ["original/model.safetensors", "weights.bin"]) as asked:
        yield asked


def test_a_hub_model_is_fetched_once(tmp_path: Path, hub: list[str], tiny_model: LlamaModel, tiny_digest: str) -> None:
    config = settings(tmp_path, "owner/tiny")
    folder = ensure_base(config)
    assert (read_card(folder).name, read_card(folder).digest) == ("owner/tiny", tiny_digest)
    assert torch.equal(LlamaModel.load(folder, dtype=torch.float32).hidden(IDS), tiny_model.hidden(IDS))
    assert left_over(config) == ["owner--tiny"]
    assert not any("original" in path or "weights.bin" in path for path in hub)
    hub.clear()
    assert ensure_base(config) == folder
    assert hub == []


def test_a_hub_model_of_another_kind_is_refused_before_its_weights_come(tmp_path: Path, hub: list[str]) -> None:
    with pytest.raises(UnsupportedModel, match=r"mamba.*IDIOLECT_BASE_MODEL"):
        ensure_base(settings(tmp_path, "owner/other"))
    assert not any(path.endswith("model.safetensors") for path in hub)


def test_a_hub_without_the_model_or_out_of_reach_is_named(
    tmp_path: Path, hub: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BaseUnavailable, match="'owner/nothing' could not be fetched"):
        ensure_base(settings(tmp_path, "owner/nothing"))
    with pytest.raises(BaseUnavailable, match=r"'owner/bare' has no config\.json"):
        ensure_base(settings(tmp_path, "owner/bare"))
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(BaseUnavailable, match="HF_TOKEN"):
        ensure_base(settings(tmp_path, "owner/tiny"))
    assert left_over(settings(tmp_path)) == []
