import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

from app.inference import adapter_file
from app.inference.adapter_file import Adapter, Branch, InvalidAdapter
from app.inference.architecture import Architecture
from app.inference.delta import GROUPS, Group

DIGEST = "d" * 64


@pytest.fixture
def shape(tiny_base: Path) -> Architecture:
    return Architecture.load(tiny_base)


def adapter_of(shape: Architecture, *targets: Group, rank: int = 4, dtype: torch.dtype = torch.float32) -> Adapter:
    chance = torch.Generator().manual_seed(1)
    sizes = adapter_file.shapes(shape, rank, list(targets))
    tensors = {name: torch.randn(size, generator=chance).to(dtype) for name, size in sizes.items()}
    return Adapter(
        rank=rank,
        alpha=8.0,
        base_digest=DIGEST,
        down={group: tensors[f"{group}.A"] for group in targets},
        up={group: tensors[f"{group}.B"] for group in targets},
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("targets", [GROUPS, ("qkv", "down")])
def test_an_adapter_comes_back_as_it_was(shape: Architecture, targets: tuple[Group, ...], dtype: torch.dtype) -> None:
    adapter = adapter_of(shape, *targets, dtype=dtype)
    data = adapter_file.pack(adapter)
    assert data == adapter_file.pack(adapter)
    back = adapter_file.unpack(data, shape, base_digest=DIGEST, digest=adapter_file.digest_of(data))
    assert (back.rank, back.alpha, back.scale, back.base_digest) == (4, 8.0, 2.0, DIGEST)
    assert list(back.down) == list(back.up) == list(targets)
    for group in targets:
        assert torch.equal(back.down[group], adapter.down[group])
        assert torch.equal(back.up[group], adapter.up[group])


def with_voices(shape: Architecture, *tags: str, rank: int = 2) -> Adapter:
    branches = [adapter_of(shape, "qkv", "o", rank=rank) for _ in tags]
    voices = {tag: Branch(branch.down, branch.up) for tag, branch in zip(tags, branches, strict=True)}
    return replace(adapter_of(shape, "qkv", "o"), voice_rank=rank, voices=voices)


def test_voices_come_back_as_they_were(shape: Architecture) -> None:
    adapter = with_voices(shape, "work", "zu Hause – 家")
    data = adapter_file.pack(adapter)
    assert data == adapter_file.pack(adapter)
    back = adapter_file.unpack(data, shape, base_digest=DIGEST)
    assert (back.rank, back.voice_rank, list(back.voices)) == (4, 2, ["work", "zu Hause – 家"])
    assert back.tensors.keys() == adapter.tensors.keys()
    assert all(torch.equal(tensor, adapter.tensors[name]) for name, tensor in back.tensors.items())


def test_without_voices_a_file_is_as_it_always_was(shape: Architecture) -> None:
    data = adapter_file.pack(adapter_of(shape, "qkv", "o"))
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert header.keys() == {"__metadata__", "qkv.A", "qkv.B", "o.A", "o.B"}
    assert header["__metadata__"].keys() == {"format", "rank", "alpha", "base_digest", "targets"}


def test_files_of_the_first_format_are_read(shape: Architecture) -> None:
    """As they were written: A and B as in memory, not as in the bank."""
    adapter = with_voices(shape, "work")
    data = adapter_file.pack(adapter)
    metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    first = save(
        {name: tensor.contiguous() for name, tensor in adapter.tensors.items()},
        metadata | {"format": adapter_file.FIRST_FORMAT},
    )
    assert first != data
    back = adapter_file.unpack(first, shape, base_digest=DIGEST)
    assert all(torch.equal(tensor, adapter.tensors[name]) for name, tensor in back.tensors.items())
    assert adapter_file.pack(back) == data


def test_what_is_pinned_for_a_gpu_is_the_same_adapter(shape: Architecture, monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as can be shown without one: every tensor is copied, and nothing else changes."""
    monkeypatch.setattr(torch.Tensor, "pin_memory", torch.Tensor.clone)
    adapter = with_voices(shape, "work", "friends")
    pinned = adapter.pinned()
    assert adapter_file.pack(pinned) == adapter_file.pack(adapter)
    assert not {x.data_ptr() for x in pinned.tensors.values()} & {x.data_ptr() for x in adapter.tensors.values()}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_what_is_pinned_is_pinned(shape: Architecture) -> None:
    assert all(tensor.is_pinned() for tensor in with_voices(shape, "work").pinned().tensors.values())


def test_a_voice_is_its_trunk_and_its_branch(shape: Architecture) -> None:
    adapter = with_voices(shape, "work", "friends")
    for voice, branch in adapter.voices.items():
        spoken = adapter.speaking(voice)
        assert (spoken.rank, spoken.scale, spoken.voices) == (6, adapter.scale, {})
        adapter_file.unpack(adapter_file.pack(spoken), shape, base_digest=DIGEST)
        for group in adapter.down:
            parts, outputs = len(shape.fused[group].parts), list(shape.fused[group].outputs)
            sides = [(adapter.down, adapter.up), (branch.down, branch.up), (spoken.down, spoken.up)]
            trunk, own, whole = (_products(down[group], up[group], parts, outputs) for down, up in sides)
            assert all(torch.allclose(a + b, c, atol=1e-4) for a, b, c in zip(trunk, own, whole, strict=True))
    alone = adapter.speaking(None)
    assert adapter_file.pack(alone) == adapter_file.pack(adapter_of(shape, "qkv", "o"))


def _products(down: torch.Tensor, up: torch.Tensor, parts: int, outputs: list[int]) -> list[torch.Tensor]:
    """B @ A of every layer and part."""
    return [b @ a for a, b in zip(down.chunk(parts, 1), up.split(outputs, 1), strict=True)]


VOICES_WRONG: dict[str, tuple[Callable[[Adapter], Adapter], str]] = {
    "two lines": (lambda a: replace(a, voices={"a\nb": a.voices["work"]}), "no list of up to 8"),
    "untrimmed": (lambda a: replace(a, voices={" work": a.voices["work"]}), "no list of up to 8"),
    "no name": (lambda a: replace(a, voices={"": a.voices["work"]}), "no list of up to 8"),
    "long name": (lambda a: replace(a, voices={"x" * 41: a.voices["work"]}), "at most 40 characters"),
    "rank too large": (lambda a: replace(a, voice_rank=17), "voice_rank is 17, allowed are whole numbers from 1 to 16"),
    "no rank": (lambda a: replace(a, voice_rank=0), "voice_rank is '0'"),
    "rank and shapes disagree": (lambda a: replace(a, voice_rank=3), r"voice\.0\.\S+ has shape"),
    "half a voice": (lambda a: replace(a, voices={"work": Branch(a.voices["work"].down, {})}), r"voice\.0\.o\.B"),
    "not finite": (
        lambda a: replace(
            a, voices={"work": Branch({g: x / 0 for g, x in a.voices["work"].down.items()}, a.voices["work"].up)}
        ),
        r"voice\.0\.\S+ holds numbers that are not finite",
    ),
}


@pytest.mark.parametrize(("change", "words"), VOICES_WRONG.values(), ids=VOICES_WRONG.keys())
def test_a_voice_that_does_not_fit_is_named(
    shape: Architecture, change: Callable[[Adapter], Adapter], words: str
) -> None:
    data = adapter_file.pack(change(with_voices(shape, "work")))
    with pytest.raises(InvalidAdapter, match=words):
        adapter_file.unpack(data, shape, base_digest=DIGEST)


@pytest.mark.parametrize(
    "said",
    [
        "[" * 100_000,
        "",
        "{",
        '"ab"',
        "7",
        "null",
        "[1]",
        '["a", "a"]',
        "[[]]",
        '{"a": 1}',
        json.dumps(list("abcdefghi")),
    ],
)
def test_voices_are_a_list_of_tags(shape: Architecture, said: str) -> None:
    adapter = adapter_of(shape, "o")
    metadata = {"format": adapter_file.FORMAT, "rank": "4", "alpha": "8.0", "base_digest": DIGEST, "targets": "o"}
    data = save(adapter.tensors, metadata | {"voices": said, "voice_rank": "2"})
    with pytest.raises(InvalidAdapter, match="no list of up to 8"):
        adapter_file.unpack(data, shape, base_digest=DIGEST)


def test_a_trunk_and_a_branch_together_must_fit(shape: Architecture) -> None:
    data = adapter_file.pack(with_voices(shape, "work"))
    assert adapter_file.unpack(data, shape, base_digest=DIGEST, max_rank=6).voices
    with pytest.raises(InvalidAdapter, match="rank is 4, allowed are whole numbers from 1 to 3"):
        adapter_file.unpack(data, shape, base_digest=DIGEST, max_rank=5)


def test_a_file_is_checked_against_its_name(shape: Architecture, tmp_path: Path) -> None:
    data = adapter_file.pack(adapter_of(shape, "qkv"))
    path = tmp_path / f"{adapter_file.digest_of(data)}.safetensors"
    path.write_bytes(data)
    assert adapter_file.read(path, shape, base_digest=DIGEST).rank == 4
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(InvalidAdapter, match="sha256 differs"):
        adapter_file.read(path, shape, base_digest=DIGEST)


def broken(adapter: Adapter, value: float) -> Adapter:
    up = adapter.up["qkv"].clone()
    up[1, 2, 3] = value
    return replace(adapter, up={**adapter.up, "qkv": up})


WRONG: dict[str, tuple[Callable[[Adapter], Adapter], str]] = {
    "another base": (lambda a: replace(a, base_digest="e" * 64), "another base model"),
    "rank too large": (lambda a: replace(a, rank=65), "rank is 65, allowed are whole numbers from 1 to 64"),
    "no rank": (lambda a: replace(a, rank=0), "rank is '0'"),
    "endless alpha": (lambda a: replace(a, alpha=float("inf")), "alpha is 'inf'"),
    "rank and shapes disagree": (lambda a: replace(a, rank=3), "shape"),
    "nothing adapted": (lambda a: replace(a, down={}, up={}), "targets are ''"),
    "unknown group": (lambda a: replace(a, down={"head": a.down["o"]}, up={}), "targets are 'head'"),
    "half a group": (lambda a: replace(a, up={"qkv": a.up["qkv"]}), r"o\.B"),
    "transposed": (lambda a: replace(a, up={**a.up, "qkv": a.up["qkv"].mT}), r"qkv\.B has shape"),
    "half precision": (lambda a: replace(a, down={**a.down, "o": a.down["o"].half()}), r"o\.A has dtype"),
    "not a number": (lambda a: broken(a, float("nan")), r"qkv\.B holds numbers that are not finite"),
    "infinite": (lambda a: broken(a, float("-inf")), r"qkv\.B holds numbers that are not finite"),
}


@pytest.mark.parametrize(("change", "words"), WRONG.values(), ids=WRONG.keys())
def test_what_does_not_fit_is_named(shape: Architecture, change: Callable[[Adapter], Adapter], words: str) -> None:
    data = adapter_file.pack(change(adapter_of(shape, "qkv", "o")))
    with pytest.raises(InvalidAdapter, match=words):
        adapter_file.unpack(data, shape, base_digest=DIGEST)


def test_a_header_that_nests_without_end_is_no_adapter(shape: Architecture) -> None:
    header = b"[" * 100_000
    with pytest.raises(InvalidAdapter, match="not a safetensors file"):
        adapter_file.unpack(len(header).to_bytes(8, "little") + header, shape, base_digest=DIGEST)


def test_other_safetensors_files_are_no_adapters(shape: Architecture) -> None:
    for data in (save({"x": torch.ones(1)}), save({"x": torch.ones(1)}, metadata={"format": "pt"})):
        with pytest.raises(InvalidAdapter):
            adapter_file.unpack(data, shape, base_digest=DIGEST)


@given(data=st.data())
def test_damaged_bytes_never_raise_anything_else(tiny_base: Path, data: st.DataObject) -> None:
    shape = Architecture.load(tiny_base)
    whole = bytearray(adapter_file.pack(adapter_of(shape, "o", rank=1)))
    kind = data.draw(st.sampled_from(["cut", "noise", "flip"]))
    if kind == "cut":
        whole = whole[: data.draw(st.integers(0, len(whole) - 1))]
    elif kind == "noise":
        whole = bytearray(data.draw(st.binary(max_size=300)))
    else:
        whole[data.draw(st.integers(0, 400))] ^= data.draw(st.integers(1, 255))
    try:
        adapter_file.unpack(bytes(whole), shape, base_digest=DIGEST)
    except InvalidAdapter:
        return
    assert kind == "flip"
