"""The same adapters for everybody: made once, and the same numbers in the format of llama.cpp."""

from pathlib import Path

import pytest
import torch
from gguf import GGUFReader
from safetensors.torch import load_file

from app.inference.architecture import Architecture
from app.inference.facts import names
from benchmarks.common.gguf_files import write_adapter, write_base
from benchmarks.common.workload import RANK, Batch, Workload, passages


def test_adapters_are_distinct_and_made_once(tiny_base: Path, tmp_path: Path) -> None:
    few = Workload.make(tiny_base, tmp_path, adapters=2)
    written = few.file(few.adapters[0]).stat().st_mtime_ns
    more = Workload.make(tiny_base, tmp_path, adapters=3)
    assert more.adapters[:2] == few.adapters
    assert len(set(more.adapters)) == 3
    assert more.file(more.adapters[0]).stat().st_mtime_ns == written
    assert more.adapter(more.adapters[2]).rank == RANK


def test_an_adapters_share_is_its_numbers_over_the_bases(tiny_base: Path, tmp_path: Path) -> None:
    workload = Workload.make(tiny_base, tmp_path, adapters=1)
    adapter = workload.adapter(workload.adapters[0])
    numbers = sum(each.numel() for side in (adapter.down, adapter.up) for each in side.values())
    base = sum(tensor.numel() for tensor in load_file(tiny_base / "model.safetensors").values())
    assert workload.adapter_share == pytest.approx(numbers / base)


def test_passages_are_short_enough_to_be_one_and_differ() -> None:
    texts = passages(40, 40)
    assert len(set(texts)) == 40
    assert all(10 < len(text.split()) <= 40 for text in texts)
    assert not any(names(text) for text in texts[::2])
    assert any(names(text) for text in texts[1::2])


def test_a_question_has_the_prompts_as_text_and_as_ids(tiny_base: Path, tmp_path: Path) -> None:
    question = Workload.make(tiny_base, tmp_path, adapters=2).question(Batch.of(3, 10, adapters=2), 4)
    assert question["adapters"] == [0, 1, 0]
    assert [prompt == f"{text}\n" for prompt, text in zip(question["prompts"], question["passages"], strict=True)]
    assert all(question["ids"])


def test_llama_cpp_gets_the_same_numbers(tiny_base: Path, tmp_path: Path) -> None:
    shape = Architecture.load(tiny_base)
    path = write_base(tiny_base, tmp_path / "base.gguf", kind="float32")
    read = {tensor.name: torch.tensor(tensor.data) for tensor in GGUFReader(path).tensors}
    ours = load_file(tiny_base / "model.safetensors")
    assert len(read) == len(ours)
    assert torch.equal(read["blk.1.ffn_down.weight"], ours["model.layers.1.mlp.down_proj.weight"])
    # Row 1 of llama.cpp's first head is the partner of row 0: transformers keeps it half a head further down.
    query = ours["model.layers.0.self_attn.q_proj.weight"]
    assert torch.equal(read["blk.0.attn_q.weight"][1], query[shape.head_dim // 2])
    assert torch.equal(read["blk.0.attn_q.weight"][shape.head_dim], query[shape.head_dim])

    workload = Workload.make(tiny_base, tmp_path, adapters=1)
    adapter = workload.adapter(workload.adapters[0])
    lora = GGUFReader(write_adapter(adapter, shape, tmp_path / "lora.gguf"))
    parts = {tensor.name: torch.tensor(tensor.data) for tensor in lora.tensors}
    assert torch.equal(parts["blk.0.ffn_up.weight.lora_a"], adapter.down["gate_up"][0, RANK:].float())
    assert torch.equal(parts["blk.0.attn_output.weight.lora_b"], adapter.up["o"][0].float())


def test_quantised_bases_keep_vectors_whole(tiny_base: Path, tmp_path: Path) -> None:
    read = {tensor.name: tensor for tensor in GGUFReader(write_base(tiny_base, tmp_path / "q", kind="q4_1")).tensors}
    assert read["blk.0.attn_q.weight"].tensor_type.name == "Q4_1"
    assert read["output_norm.weight"].tensor_type.name == "F32"
