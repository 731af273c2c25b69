"""A training's whole state as one flat dict of tensors, and as one safetensors file: nothing is unpickled.

Keys: `parameter.<i>`, and per parameter that has been stepped `adamw.<i>.<name>` (`step`, `exp_avg`, `exp_avg_sq`),
with i counting in the order of the optimizer's own parameters. Callers may add keys of
their own. No generator state is needed: see seeding.py.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

FORMAT = "idiolect-checkpoint-1"


class UnusableCheckpoint(ValueError):
    """The file is no checkpoint of this training: cut short, of another kind, or of other shapes. Start over."""


def pack(optimizer: torch.optim.AdamW) -> dict[str, Tensor]:
    """Copies, on the CPU, of every parameter the optimizer holds and of its moments."""
    tensors: dict[str, Tensor] = {}
    for i, parameter in enumerate(_parameters(optimizer)):
        tensors[f"parameter.{i}"] = copied(parameter)
        for name, value in optimizer.state.get(parameter, {}).items():
            tensors[f"adamw.{i}.{name}"] = copied(value)
    return tensors


def unpack(tensors: Mapping[str, Tensor], optimizer: torch.optim.AdamW) -> None:
    """Put back what pack() took, in place. Raises UnusableCheckpoint, with nothing changed, if it does not fit."""
    parameters = _parameters(optimizer)
    expected = {f"parameter.{i}": parameter.shape for i, parameter in enumerate(parameters)}
    found = {name: value.shape for name, value in tensors.items() if name.startswith("parameter.")}
    if expected != found:
        raise UnusableCheckpoint(
            f"the checkpoint holds {len(found)} parameters that do not match the policy's {len(expected)}"
        )
    state: dict[Tensor, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        kind, index, *name = key.split(".", 2)
        if kind == "adamw":
            parameter = parameters[int(index)]
            device = "cpu" if name[0] == "step" else parameter.device
            state.setdefault(parameter, {})[name[0]] = value.to(device, copy=True)
    with torch.no_grad():
        for i, parameter in enumerate(parameters):
            parameter.copy_(tensors[f"parameter.{i}"])
    optimizer.state.clear()
    optimizer.state.update(state)


def write(path: Path, tensors: Mapping[str, Tensor], notes: Mapping[str, str]) -> None:
    """Replace `path` in one go: whoever reads it, even after a power cut, finds the old file whole or the new one."""
    data = save(dict(tensors), metadata={**notes, "format": FORMAT})
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and notes of a file that write() left. Raises UnusableCheckpoint, or FileNotFoundError."""
    try:
        with safe_open(path, framework="pt") as file:
            notes = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except SafetensorError as error:
        raise UnusableCheckpoint(f"{path.name} cannot be read: {error}") from error
    if notes.get("format") != FORMAT:
        raise UnusableCheckpoint(f"{path.name} is no checkpoint of format {FORMAT}")
    return tensors, notes


def _parameters(optimizer: torch.optim.AdamW) -> list[torch.nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def copied(value: Tensor) -> Tensor:
    """On the CPU, contiguous, and sharing nothing with `value`."""
    return value.detach().to("cpu", copy=True).contiguous()
