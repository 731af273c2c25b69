"""Adapters as zipped PEFT folders, good ones and bad ones."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save

from app.inference import adapter_file, peft_archive
from app.inference.adapter_file import InvalidAdapter
from app.inference.card import read_card
from app.inference.model import LlamaModel
from app.inference.peft_bridge import CONFIG, WEIGHTS
from tests.inference.voices import adapter


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.fixture
def entries(tiny_model: LlamaModel, tiny_digest: str) -> dict[str, bytes]:
    """Of a good archive."""
    made = adapter(tiny_model.architecture, 4, 1, base=tiny_digest)
    data = peft_archive.export(made, tiny_model.architecture, base_name="tiny")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def read(entries: dict[str, bytes], model: LlamaModel, base: Path) -> bytes:
    return peft_archive.read(zipped(entries), model.architecture, read_card(base), max_rank=8)


def test_an_archive_comes_back_as_the_same_numbers(
    entries: dict[str, bytes], tiny_model: LlamaModel, tiny_base: Path, tiny_digest: str
) -> None:
    made = adapter(tiny_model.architecture, 4, 1, base=tiny_digest)
    for prefix in ("", "voice/", "../../"):
        renamed = {prefix + name: content for name, content in entries.items()} | {"README.md": b"hello"}
        packed = read(renamed, tiny_model, tiny_base)
        back = adapter_file.unpack(packed, tiny_model.architecture, base_digest=tiny_digest)
        assert (back.rank, back.alpha) == (made.rank, made.alpha)
        for group in made.down:
            assert torch.equal(back.down[group], made.down[group])
            assert torch.equal(back.up[group], made.up[group])


RANKS = {"rank": 5, "huge rank": 10**6, "no rank at all": -1, "endless rank": float("inf"), "rank in words": "four"}


def ruined(entries: dict[str, bytes], name: str) -> dict[str, bytes]:
    tensors = load(entries[WEIGHTS])
    config: dict[str, Any] = json.loads(entries[CONFIG])
    first = next(iter(tensors))
    if name in RANKS:
        config["r"] = RANKS[name]
    elif name == "no rank":
        del config["r"]
    elif name == "dora":
        config["use_dora"] = True
    elif name == "nan":
        tensors[first][0, 0] = torch.nan
    elif name == "shape":
        tensors[first] = tensors[first][:, :-1].contiguous()
    elif name == "stranger":
        tensors["base_model.model.lm_head.lora_A.weight"] = torch.zeros(4, 64)
    made = {CONFIG: json.dumps(config).encode(), WEIGHTS: save(tensors)}
    if name == "no depth has an end":
        made[CONFIG] = b"[" * 100_000
    if name == "truncated":
        made[WEIGHTS] = made[WEIGHTS][:-100]
    elif name == "bomb":
        made[WEIGHTS] = b"\0" * (8 * 2**20)
    elif name == "no weights":
        del made[WEIGHTS]
    elif name == "twice":
        made[f"again/{WEIGHTS}"] = made[WEIGHTS]
    return made


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("rank", "this base and rank need"),
        ("huge rank", "rank is 1000000, allowed are whole numbers from 1 to 8"),
        ("no rank at all", "rank is -1, allowed"),
        ("endless rank", "rank is inf, allowed"),
        ("rank in words", "rank is 'four', allowed"),
        ("no depth has an end", "configuration"),
        ("no rank", "configuration"),
        ("dora", "use_dora"),
        ("nan", "not finite"),
        ("shape", "shape"),
        ("stranger", "or more"),
        ("truncated", "damaged"),
        ("bomb", "larger than any"),
        ("no weights", WEIGHTS),
        ("twice", "more than once"),
    ],
)
def test_a_bad_archive_is_refused_with_the_reason(
    entries: dict[str, bytes], tiny_model: LlamaModel, tiny_base: Path, name: str, why: str
) -> None:
    with pytest.raises(InvalidAdapter, match=why):
        read(ruined(entries, name), tiny_model, tiny_base)


@pytest.mark.parametrize(("method", "at"), [(zipfile.ZIP_DEFLATED, 0), (zipfile.ZIP_BZIP2, 0), (zipfile.ZIP_LZMA, 4)])
def test_a_torn_archive_is_refused_however_it_is_packed(
    entries: dict[str, bytes], tiny_model: LlamaModel, tiny_base: Path, method: int, at: int
) -> None:
    data = bytearray(zipped(entries, method))
    start = 30 + len(CONFIG) + at  # behind the local header of the first entry
    data[start : start + 40] = b"\xff" * 40
    with pytest.raises(InvalidAdapter, match="no zip archive that can be read"):
        peft_archive.read(bytes(data), tiny_model.architecture, read_card(tiny_base), max_rank=8)


def test_a_rank_that_the_engine_does_not_serve_is_refused(
    tiny_model: LlamaModel, tiny_base: Path, tiny_digest: str
) -> None:
    large = adapter(tiny_model.architecture, 16, 1, base=tiny_digest)
    data = peft_archive.export(large, tiny_model.architecture, base_name="tiny")
    with pytest.raises(InvalidAdapter, match="rank is 16"):
        peft_archive.read(data, tiny_model.architecture, read_card(tiny_base), max_rank=8)
