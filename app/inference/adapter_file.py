"""An adapter as bytes: one safetensors file that says what it is and is named by its own sha256.

Per adapted group two tensors whose rows lie in the engine's bank as they are, so that loading is a read and a copy:
`<group>.A` [layers, in, parts * rank] and `<group>.B` [layers, rank, sum(out)], which the bank cuts into stretches and
scales; bfloat16 or float32. In memory both are seen the other way round, as lora.py has them, which says which rows
belong to which part (the base's shape says which groups there are, and their sizes). Metadata, all strings: format,
rank, alpha, base_digest, targets (comma-separated groups).

The adapter of a person of several voices is a trunk, as above, and for each voice a branch that is added to it:
`voice.<number>.<group>.A` and `.B`, with voice_rank in place of rank, and in the metadata voices (a JSON list of their
tags, in the order of their numbers) and voice_rank. A branch is scaled as its trunk is.

Files of the first format, whose tensors lie the other way round, are read as well; they load more slowly.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from reprlib import repr as short
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors
from torch import Tensor

from app.inference.architecture import Shape
from app.inference.delta import Group
from app.inference.lora import abreast
from app.learning.tags import MAX_TAG_LENGTH

FORMAT, FIRST_FORMAT = "idiolect-lora-2", "idiolect-lora-1"
MAX_RANK = 64
MAX_VOICE_RANK = 16
MAX_VOICES = 8
DTYPES = (torch.bfloat16, torch.float32)


class InvalidAdapter(ValueError):
    """The bytes are not an adapter that this base can use; the message says why."""


@dataclass(frozen=True)
class Branch:
    """What a voice adds to its trunk."""

    down: Mapping[Group, Tensor]
    """A, of the groups that the trunk adapts."""
    up: Mapping[Group, Tensor]
    """B."""


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
    voice_rank: int = 0
    """Of each branch; 0 without any."""
    voices: Mapping[str, Branch] = field(default_factory=dict)
    """By the tag that a request asks for them with."""

    @property
    def scale(self) -> float:
        return self.alpha / self.rank

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All of them, by their names in the file."""
        named = _named("", self.down, self.up)
        for number, branch in enumerate(self.voices.values()):
            named |= _named(f"voice.{number}.", branch.down, branch.up)
        return named

    def pinned(self) -> "Adapter":
        """A copy in memory that a GPU fetches from by itself; only where there is one."""

        def half(tensors: Mapping[Group, Tensor]) -> dict[Group, Tensor]:
            return {group: tensor.pin_memory() for group, tensor in tensors.items()}

        voices = {tag: Branch(half(branch.down), half(branch.up)) for tag, branch in self.voices.items()}
        return replace(self, down=half(self.down), up=half(self.up), voices=voices)

    def speaking(self, voice: str | None) -> "Adapter":
        """The one adapter without branches that this voice is, trunk and branch side by side; None: the trunk alone.

        Raises KeyError for a voice that it has no branch for.
        """
        if voice is None:
            return Adapter(self.rank, self.alpha, self.base_digest, self.down, self.up)
        branch, rank = self.voices[voice], self.rank + self.voice_rank
        return Adapter(
            rank,
            self.scale * rank,
            self.base_digest,
            {group: abreast([a, branch.down[group]], a.shape[1] // self.rank) for group, a in self.down.items()},
            {group: torch.cat([b, branch.up[group]], -1) for group, b in self.up.items()},
        )


def digest_of(data: bytes) -> str:
    """The name of an adapter: sha256 of its file, in hex."""
    return hashlib.sha256(data).hexdigest()


def pack(adapter: Adapter) -> bytes:
    """The file. The same adapter always gives the same bytes."""
    tensors = {name: tensor.mT.contiguous() for name, tensor in adapter.tensors.items()}
    metadata = {
        "format": FORMAT,
        "rank": str(adapter.rank),
        "alpha": repr(float(adapter.alpha)),
        "base_digest": adapter.base_digest,
        "targets": ",".join(adapter.down),
    }
    if adapter.voices:
        metadata |= {"voices": json.dumps(list(adapter.voices)), "voice_rank": str(adapter.voice_rank)}
    data: bytes = safetensors.save(tensors, metadata=metadata)
    # The library writes metadata in the random order of a hash table, and a file is named by its bytes.
    header, start = _header(data)
    header["__metadata__"] = metadata
    ordered = json.dumps(header, separators=(",", ":")).encode()
    ordered += b" " * (-len(ordered) % 8)
    return len(ordered).to_bytes(8, "little") + ordered + data[start:]


def unpack(
    data: bytes,
    architecture: Shape,
    *,
    base_digest: str,
    digest: str | None = None,
    max_rank: int = MAX_RANK + MAX_VOICE_RANK,
) -> Adapter:
    """Read and check a file for a base. Raises InvalidAdapter for whatever does not fit.

    Checked: `digest` (if given), that it is whole, its format, base, ranks (`max_rank` is for a trunk and a branch
    together), voices, names, shapes, dtypes and that every number is finite. Tensors are views of a copy of `data` on
    the CPU.
    """
    if digest is not None and digest_of(data) != digest:
        raise InvalidAdapter("the adapter's file has changed since it was written: its sha256 differs from its name")
    metadata = _metadata(data)
    if metadata.get("format") not in (FORMAT, FIRST_FORMAT):
        raise InvalidAdapter(f"the file's format is {metadata.get('format')!r}, expected {FORMAT!r}")
    if metadata.get("base_digest") != base_digest:
        raise InvalidAdapter("the adapter was trained on another base model; train it again on this one")
    alpha, voices = _number(metadata, "alpha"), _voices(metadata)
    voice_rank = _rank(metadata, "voice_rank", min(MAX_VOICE_RANK, max_rank - 1)) if voices else 0
    rank = _rank(metadata, "rank", min(MAX_RANK, max_rank - voice_rank))
    named = set(metadata.get("targets", "").split(","))
    targets = [group for group in architecture.fused if group in named]
    if not targets or ",".join(targets) != metadata["targets"]:
        known = short(list(architecture.fused))
        raise InvalidAdapter(f"the adapter's targets are {short(metadata.get('targets'))}, known are {known}")
    try:
        tensors = safetensors.load(data)
    except SafetensorError as error:
        raise InvalidAdapter(f"the adapter's file is damaged: {error}") from error
    if metadata["format"] == FORMAT:
        tensors = {name: tensor.mT if tensor.ndim == 3 else tensor for name, tensor in tensors.items()}
    prefixes = [f"voice.{number}." for number in range(len(voices))]
    expected = shapes(architecture, rank, targets)
    for prefix in prefixes:
        expected |= shapes(architecture, voice_rank, targets, prefix)
    _check(tensors, expected)

    def half(kind: str, prefix: str = "") -> dict[Group, Tensor]:
        return {group: tensors[f"{prefix}{group}.{kind}"] for group in targets}

    branches = [Branch(half("A", prefix), half("B", prefix)) for prefix in prefixes]
    return Adapter(rank, alpha, base_digest, half("A"), half("B"), voice_rank, dict(zip(voices, branches, strict=True)))


def read(path: Path, architecture: Shape, *, base_digest: str, max_rank: int = MAX_RANK + MAX_VOICE_RANK) -> Adapter:
    """Unpack a file that is stored under its digest (`<digest>.safetensors`). Raises InvalidAdapter, OSError."""
    return unpack(path.read_bytes(), architecture, base_digest=base_digest, digest=path.stem, max_rank=max_rank)


def shapes(architecture: Shape, rank: int, targets: list[Group], prefix: str = "") -> dict[str, tuple[int, int, int]]:
    """Every tensor that a trunk, or a branch with its prefix, must have in memory, by its name in the file."""
    expected = {}
    for group in targets:
        linear = architecture.fused[group]
        expected[f"{prefix}{group}.A"] = (architecture.layers, len(linear.parts) * rank, linear.inputs)
        expected[f"{prefix}{group}.B"] = (architecture.layers, linear.width, rank)
    return expected


def _named(prefix: str, down: Mapping[Group, Tensor], up: Mapping[Group, Tensor]) -> dict[str, Tensor]:
    named = {f"{prefix}{group}.A": tensor for group, tensor in down.items()}
    return named | {f"{prefix}{group}.B": tensor for group, tensor in up.items()}


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
        if not torch.isfinite(tensor.sum()):
            raise InvalidAdapter(f"{name} holds numbers that are not finite")


def _metadata(data: bytes) -> dict[str, str]:
    try:
        header, _ = _header(data)
        return {str(key): str(value) for key, value in header["__metadata__"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InvalidAdapter("the file is not a safetensors file with metadata") from error


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    """Tensor entries and metadata, and where the numbers start: a length in 8 bytes, then that much JSON."""
    start = 8 + int.from_bytes(data[:8], "little")
    if len(data) < start:
        raise ValueError("the file is shorter than its header")
    return json.loads(data[8:start]), start


def _voices(metadata: Mapping[str, str]) -> list[str]:
    """Tags as prompts spell them: each on one line and trimmed."""
    try:
        voices = json.loads(metadata.get("voices", "[]"))
        is_sound = isinstance(voices, list) and len(voices) == len(set(voices)) <= MAX_VOICES
        is_sound = is_sound and all(
            0 < len(voice) <= MAX_TAG_LENGTH and voice == " ".join(voice.split()) for voice in voices
        )
    except (ValueError, TypeError, AttributeError, RecursionError):
        is_sound = False
    if not is_sound:
        raise InvalidAdapter(
            f"the adapter's voices are no list of up to {MAX_VOICES} different tags of one line and at most "
            f"{MAX_TAG_LENGTH} characters"
        )
    return list(voices)


def _rank(metadata: Mapping[str, str], name: str, most: int) -> int:
    rank = _number(metadata, name)
    if not (rank.is_integer() and 1 <= rank <= most):
        raise InvalidAdapter(f"the adapter's {name} is {metadata[name]}, allowed are whole numbers from 1 to {most}")
    return int(rank)


def _number(metadata: Mapping[str, str], name: str) -> float:
    try:
        number = float(metadata.get(name, ""))
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number <= 0:
        raise InvalidAdapter(f"the adapter's {name} is {metadata.get(name)!r}, expected a positive number")
    return number
