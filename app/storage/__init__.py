"""Where adapter files are kept: a folder, or a bucket of an object storage, of which engines keep copies on disk."""

from app.config import Settings
from app.storage.local import LocalStorage
from app.storage.near import Copies, Near
from app.storage.objects import ObjectStorage
from app.storage.types import DIGEST, DamagedFile, Storage, StorageUnavailable

__all__ = [
    "DIGEST",
    "DamagedFile",
    "LocalStorage",
    "Near",
    "Storage",
    "StorageUnavailable",
    "open_storage",
    "storage_nearby",
]


def open_storage(settings: Settings) -> Storage:
    """What IDIOLECT_STORAGE_URL names. Nothing is asked of it yet."""
    return LocalStorage(settings) if settings.bucket is None else ObjectStorage(settings)


def storage_nearby(settings: Settings) -> Near:
    """The same for an engine."""
    if settings.bucket is None:
        return Near(LocalStorage(settings))
    return Copies(open_storage(settings), settings.data_dir / "copies", settings.storage_cache_mb * 2**20)
