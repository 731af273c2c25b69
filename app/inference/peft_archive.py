"""A PEFT folder as one zip file, in both directions, for adapters that travel over HTTP.

Entries are looked up by their own two names and never unpacked by the paths that the archive gives them.
"""

import io
import lzma
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import torch

from app.inference import adapter_file, peft_bridge
from app.inference.adapter_file import Adapter, InvalidAdapter
from app.inference.architecture import Shape
from app.inference.card import BaseCard

CONFIG_BYTES = 2**20
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, UnicodeDecodeError)
"""What the library raises for archives that are torn, locked, or packed in ways it does not know."""


def export(adapter: Adapter, architecture: Shape, *, base_name: str) -> bytes:
    with TemporaryDirectory() as name:
        folder = Path(name)
        peft_bridge.export(adapter, architecture, folder, base_name=base_name)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:  # stored: weights hardly shrink
            for entry in (peft_bridge.CONFIG, peft_bridge.WEIGHTS):
                archive.write(folder / entry, entry)
        return packed.getvalue()


def read(data: bytes, architecture: Shape, card: BaseCard, *, max_rank: int) -> bytes:
    """Our file of the adapter in a zipped PEFT folder. Raises InvalidAdapter with what is wrong."""
    limits = {peft_bridge.CONFIG: CONFIG_BYTES, peft_bridge.WEIGHTS: _most_bytes(architecture, max_rank)}
    with TemporaryDirectory() as name:
        folder = Path(name)
        for entry, content in _entries(data, limits).items():
            (folder / entry).write_bytes(content)
        adapter = peft_bridge.import_folder(folder, architecture, base_digest=card.digest, max_rank=max_rank)
    packed = adapter_file.pack(_compact(adapter))
    adapter_file.unpack(packed, architecture, base_digest=card.digest, max_rank=max_rank)
    return packed


def _entries(data: bytes, limits: dict[str, int]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                name = PurePosixPath(info.filename).name
                if info.is_dir() or name not in limits:
                    continue
                if name in found:
                    raise InvalidAdapter(f"the archive holds {name} more than once")
                with archive.open(info) as entry:  # announced sizes may lie: read no more than may be
                    found[name] = entry.read(limits[name] + 1)
                if len(found[name]) > limits[name]:
                    raise InvalidAdapter(f"{name} is larger than any adapter of this base can be")
    except UNREADABLE as error:
        raise InvalidAdapter("the file is no zip archive that can be read") from error
    if missing := limits.keys() - found.keys():
        raise InvalidAdapter(f"the archive holds no {' and no '.join(sorted(missing))}")
    return found


def _compact(adapter: Adapter) -> Adapter:
    """In bfloat16 where that loses nothing, which is half the bytes to load."""
    tensors = [*adapter.down.values(), *adapter.up.values()]
    if not all(torch.equal(tensor.bfloat16().float(), tensor) for tensor in tensors):
        return adapter
    down, up = ({group: x.bfloat16() for group, x in half.items()} for half in (adapter.down, adapter.up))
    return Adapter(adapter.rank, adapter.alpha, adapter.base_digest, down, up)


def _most_bytes(architecture: Shape, max_rank: int) -> int:
    """Float32 numbers of the largest adapter, and as much for names as a header may reasonably take."""
    width = sum(len(linear.parts) * linear.inputs + linear.width for linear in architecture.fused.values())
    return 4 * architecture.layers * max_rank * width + 2**22
