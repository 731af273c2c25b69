"""Models by the folder they lie in on this machine, or by their id on a hub. No torch here.

An id may name a revision, `owner/name@revision`: a commit's hash pins what a server runs.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

HUB_ID: Final = re.compile(r"[\w.-]+/[\w.-]+(@[\w.-]+)?")


class NotFound(RuntimeError):
    """There is no such model, or it cannot be had now; the message says which and why, not what to do."""


def local(source: str, setting: str) -> Path | None:
    """The folder that a setting names; None: it names a model on a hub. Raises NotFound for what is neither."""
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if not HUB_ID.fullmatch(source):
        raise NotFound(
            f"{setting} is {source!r}: neither a folder on this machine nor a hub id like 'owner/name' or "
            "'owner/name@revision'"
        )
    return None


def is_id(source: str) -> bool:
    """Whether `local` would leave it to a hub."""
    return bool(HUB_ID.fullmatch(source)) and not Path(source).expanduser().is_dir()


def fetched(name: str, files: Sequence[str], **options: Any) -> Path:
    """The folder of a hub's model with these files (patterns). `options` as huggingface_hub has them; NotFound."""
    from huggingface_hub import snapshot_download

    repository, revision = _parts(name)
    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(files), **options))
    except (OSError, RuntimeError, ValueError) as error:
        raise NotFound(f"the model {name!r} could not be fetched from its hub: {first_line(error)}") from error


def cached(name: str) -> Path | None:
    """The folder in which an earlier `fetched` without options left it; None: nothing of it is here, or no hub id."""
    from huggingface_hub import try_to_load_from_cache

    if not HUB_ID.fullmatch(name):
        return None
    repository, revision = _parts(name)
    try:
        config = try_to_load_from_cache(repository, "config.json", revision=revision)
    except ValueError:  # no hub has a model of that name
        return None
    return Path(config).parent if isinstance(config, str) else None


def _parts(name: str) -> tuple[str, str | None]:
    repository, _, revision = name.partition("@")
    return repository, revision or None


def first_line(error: Exception) -> str:
    """Of what a library says at length."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
