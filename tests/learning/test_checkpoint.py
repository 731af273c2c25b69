import os

import pytest
import torch
from safetensors.torch import load_file, save_file

from app.learning import checkpoint
from app.learning.checkpoint import UnusableCheckpoint


def trained(*shapes, steps=3):
    torch.manual_seed(1)
    parameters = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]
    optimizer = torch.optim.AdamW(parameters, lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        sum((p**2).sum() for p in parameters).backward()
        optimizer.step()
    return parameters, optimizer


def test_everything_comes_back_bit_by_bit(tmp_path):
    parameters, optimizer = trained((3, 2), (5,))
    checkpoint.write(tmp_path / "c", checkpoint.pack(optimizer), {"stage": "warm-start"})
    others, empty = trained((3, 2), (5,), steps=0)
    tensors, notes = checkpoint.read(tmp_path / "c")
    checkpoint.unpack(tensors, empty)
    assert notes["stage"] == "warm-start"
    for ours, theirs in zip(parameters, others, strict=True):
        assert torch.equal(ours, theirs)
        assert optimizer.state[ours].keys() == empty.state[theirs].keys() == {"step", "exp_avg", "exp_avg_sq"}
        assert all(torch.equal(optimizer.state[ours][k], empty.state[theirs][k]) for k in empty.state[theirs])


def test_a_checkpoint_is_a_plain_safetensors_file_of_copies(tmp_path):
    parameters, optimizer = trained((2,))
    packed = checkpoint.pack(optimizer)
    before = parameters[0].detach().clone()
    with torch.no_grad():
        parameters[0].add_(1)
    checkpoint.write(tmp_path / "c", packed, {})
    assert torch.equal(load_file(tmp_path / "c")["parameter.0"], before)


def test_loading_does_not_tie_the_training_to_the_tensors_it_was_loaded_from():
    _, optimizer = trained((2,))
    packed = checkpoint.pack(optimizer)
    snapshot = {name: value.clone() for name, value in packed.items()}
    parameters, other = trained((2,), steps=0)
    checkpoint.unpack(packed, other)
    parameters[0].grad = torch.ones(2)
    other.step()
    assert all(torch.equal(packed[name], snapshot[name]) for name in packed)


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    _, optimizer = trained((2,))
    path = tmp_path / "c"
    checkpoint.write(path, checkpoint.pack(optimizer), {"step": "1"})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.write(path, checkpoint.pack(optimizer), {"step": "2"})
    assert checkpoint.read(path)[1]["step"] == "1"
    assert os.listdir(tmp_path) == ["c"]


def test_who_is_reading_the_old_file_reads_it_to_its_end(tmp_path):
    _, optimizer = trained((2,))
    path = tmp_path / "c"
    checkpoint.write(path, checkpoint.pack(optimizer), {"step": "1"})
    old = path.read_bytes()
    with path.open("rb") as reader:
        checkpoint.write(path, checkpoint.pack(optimizer), {"step": "2"})
        assert reader.read() == old != path.read_bytes()


def test_parameters_of_other_shapes_are_refused_and_nothing_is_changed():
    _, optimizer = trained((3, 2))
    parameters, other = trained((2, 3))
    before = parameters[0].detach().clone()
    moments = other.state[parameters[0]]["exp_avg"].clone()
    with pytest.raises(UnusableCheckpoint, match="do not match"):
        checkpoint.unpack(checkpoint.pack(optimizer), other)
    assert torch.equal(parameters[0], before)
    assert torch.equal(other.state[parameters[0]]["exp_avg"], moments)


def test_a_file_cut_short_is_refused(tmp_path):
    _, optimizer = trained((300,))
    checkpoint.write(tmp_path / "c", checkpoint.pack(optimizer), {})
    (tmp_path / "short").write_bytes((tmp_path / "c").read_bytes()[:-100])
    (tmp_path / "empty").touch()
    for name in ("short", "empty"):
        with pytest.raises(UnusableCheckpoint, match=name):
            checkpoint.read(tmp_path / name)


def test_an_adapter_is_no_checkpoint(tmp_path):
    save_file({"parameter.0": torch.ones(2)}, tmp_path / "adapter")
    with pytest.raises(UnusableCheckpoint, match="no checkpoint"):
        checkpoint.read(tmp_path / "adapter")


def test_a_missing_file_is_simply_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        checkpoint.read(tmp_path / "none")
