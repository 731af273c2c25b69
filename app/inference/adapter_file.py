"""An adapter as bytes: one safetensors file that says what it is and is named by its own sha256.

Per adapted group two tensors in the layout of the engine's bank, so that loading is a read and a copy:
`<group>.A` [layers, parts * rank, in] and `<group>.B` [layers, sum(out), rank], bfloat16 or float32 (lora.py says which
rows belong to which part). Metadata, all strings: format, rank, alpha, base_digest, targets (comma-separated groups).
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors
from torch import Tensor

from app.inference.architecture import Architecture
from app.inference.delta import GROUPS, Group

FORMAT = "idiolect-lora-1"
MAX_RANK = 64
DTYPES = (torch.bfloat16, torch.float32)


class InvalidAdapter(ValueError):
    """The bytes are not an adapter that this base can use; the message says why."""


@dataclass(frozen=True)
class Adapter:
    rank: int
    alpha: float
    """The adapter adds alpha / rank * B @ A."""
    base_digest: str
    down: Mapping[Group, Tensor]
    """A per adapted group."""
    up: Mapping[Group, Tensor]
    """B per adapted group."""

    @property
    def scale(self) -> float:
        return self.alpha / self.rank


def digest_of(data: bytes) -> str:
    """The name of an adapter: sha256 of its file, in hex."""
    return hashlib.sha256(data).hexdigest()


def pack(adapter: Adapter) -> bytes:
    """The file. The same adapter always gives the same bytes."""
    tensors = {f"{group}.A": adapter.down[group].contiguous() for group in adapter.down}
    tensors |= {f"{group}.B": adapter.up[group].contiguous() for group in adapter.up}
    metadata = {
        "format": FORMAT,
        "rank": str(adapter.rank),
        "alpha": repr(float(adapter.alpha)),
        "base_digest": adapter.base_digest,
        "targets": ",".join(adapter.down),
    }
    data: bytes = safetensors.save(tensors, metadata=metadata)
    # The library writes metadata in the random order of a hash table, and a file is named by its bytes.
    header, start = _header(data)
    header["__metadata__"] = metadata
    ordered = json.dumps(header, separators=(",", ":")).encode()
    ordered += b" " * (-len(ordered) % 8)
    return len(ordered).to_bytes(8, "little") + ordered + data[start:]


def unpack(
    data: bytes,
    architecture: Architecture,
    *,
    base_digest: str,
    digest: str | None = None,
    max_rank: int = MAX_RANK,
) -> Adapter:
    """Read and check a file for a base. Raises InvalidAdapter for whatever does not fit.

    Checked: `digest` (if given), that it is whole, its format, base, rank, names, shapes, dtypes and that every number
    is finite. Tensors are views of a copy of `data` on the CPU.
    """
    if digest is not None and digest_of(data) != digest:
        raise InvalidAdapter("the adapter's file has changed since it was written: its sha256 differs from its name")
    metadata = _metadata(data)
    if metadata.get("format") != FORMAT:
        raise InvalidAdapter(f"the file's format is {metadata.get('format')!r}, expected {FORMAT!r}")
    if metadata.get("base_digest") != base_digest:
        raise InvalidAdapter("the adapter was trained on another base model; train it again on this one")
    rank, alpha = _number(metadata, "rank"), _number(metadata, "alpha")
    if not (rank.is_integer() and 1 <= rank <= max_rank):
        raise InvalidAdapter(
            f"the adapter's rank is {metadata['rank']}, allowed are whole numbers from 1 to {max_rank}"
        )
    targets = [group for group in GROUPS if group in metadata.get("targets", "").split(",")]
    if not targets or ",".join(targets) != metadata["targets"]:
        raise InvalidAdapter(f"the adapter's targets are {metadata.get('targets')!r}, known are {', '.join(GROUPS)}")
    try:
        tensors = safetensors.load(data)
    except SafetensorError as error:
        raise InvalidAdapter(f"the adapter's file is damaged: {error}") from error
    _check(tensors, shapes(architecture, int(rank), targets))
    return Adapter(
        rank=int(rank),
        alpha=alpha,
        base_digest=base_digest,
        down={group: tensors[f"{group}.A"] for group in targets},
        up={group: tensors[f"{group}.B"] for group in targets},
    )


def read(path: Path, architecture: Architecture, *, base_digest: str, max_rank: int = MAX_RANK) -> Adapter:
    """Unpack a file that is stored under its digest (`<digest>.safetensors`). Raises InvalidAdapter, OSError."""
    return unpack(path.read_bytes(), architecture, base_digest=base_digest, digest=path.stem, max_rank=max_rank)


def shapes(architecture: Architecture, rank: int, targets: list[Group]) -> dict[str, tuple[int, int, int]]:
    """Every tensor that a file must hold, by name."""
    expected = {}
    for group in targets:
        linear = architecture.fused[group]
        expected[f"{group}.A"] = (architecture.layers, len(linear.parts) * rank, linear.inputs)
        expected[f"{group}.B"] = (architecture.layers, linear.width, rank)
    return expected


def _check(tensors: Mapping[str, Tensor], expected: Mapping[str, tuple[int, int, int]]) -> None:
    if strange := set(tensors) ^ set(expected):
        raise InvalidAdapter(f"the adapter's tensors are not those it must have: {', '.join(sorted(strange))}")
    for name, shape in expected.items():
        tensor = tensors[name]
        if tuple(tensor.shape) != shape:
            raise InvalidAdapter(f"{name} has shape {tuple(tensor.shape)}; this base and rank need {shape}")
        if tensor.dtype not in DTYPES:
            raise InvalidAdapter(f"{name} has dtype {tensor.dtype}; allowed are bfloat16 and float32")
        # A sum is one pass and not finite as soon as one term is not.
        if not torch.isfinite(tensor.sum(dtype=torch.float32)):
            raise InvalidAdapter(f"{name} holds numbers that are not finite")


def _metadata(data: bytes) -> dict[str, str]:
    try:
        header, _ = _header(data)
        return {str(key): str(value) for key, value in header["__metadata__"].items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidAdapter("the file is not a safetensors file with metadata") from error


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    """Tensor entries and metadata, and where the numbers start: a length in 8 bytes, then that much JSON."""
    start = 8 + int.from_bytes(data[:8], "little")
    if len(data) < start:
        raise ValueError("the file is shorter than its header")
    return json.loads(data[8:start]), start


def _number(metadata: Mapping[str, str], name: str) -> float:
    try:
        number = float(metadata.get(name, ""))
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number <= 0:
        raise InvalidAdapter(f"the adapter's {name} is {metadata.get(name)!r}, expected a positive number")
    return number
