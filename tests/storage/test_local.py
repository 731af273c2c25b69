import errno
import os
import time
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from app.config import Settings
from app.errors import StorageFull
from app.storage import LocalStorage


@pytest.fixture
def storage(settings: Settings) -> LocalStorage:
    return LocalStorage(settings)


def files(storage: LocalStorage) -> list[str]:
    return sorted(os.listdir(storage.folder)) if storage.folder.exists() else []


def test_bytes_are_found_by_their_digest(storage: LocalStorage) -> None:
    digest = storage.put(b"voice")
    assert digest == sha256(b"voice").hexdigest()
    assert storage.path(digest).read_bytes() == b"voice"
    assert files(storage) == [f"{digest}.safetensors"]


def test_the_same_bytes_are_kept_once_and_count_as_new(storage: LocalStorage) -> None:
    path = storage.path(storage.put(b"voice"))
    before = path.stat()
    os.utime(path, (0, 0))
    storage.put(b"voice")
    after = path.stat()
    assert before.st_ino == after.st_ino
    assert before.st_mtime - 1 < after.st_mtime
    assert len(files(storage)) == 1


def test_a_damaged_file_is_healed_by_the_next_that_puts_it(storage: LocalStorage) -> None:
    path = storage.path(storage.put(b"voice"))
    for damaged in (b"", b"vo", b"noise"):
        path.write_bytes(damaged)
        storage.put(b"voice")
        assert path.read_bytes() == b"voice"
    assert len(files(storage)) == 1


def test_what_is_put_again_meanwhile_is_not_deleted_as_old(storage: LocalStorage) -> None:
    digest, hour = storage.put(b"voice"), timedelta(hours=1)
    os.utime(storage.path(digest), (0, 0))
    assert storage.digests(hour) == {digest}
    storage.put(b"voice")
    assert not storage.delete(digest, hour)
    os.utime(storage.path(digest), (0, 0))
    assert storage.delete(digest, hour)
    assert not storage.delete(digest, hour)


def test_old_files_are_found_by_age(storage: LocalStorage) -> None:
    assert storage.digests(timedelta(0)) == set()
    old, new = storage.put(b"old"), storage.put(b"new")
    (storage.folder / "README.safetensors").write_text("not ours")
    hours_ago = time.time() - 7200
    os.utime(storage.path(old), (hours_ago, hours_ago))
    assert storage.digests(timedelta(hours=1)) == {old}
    assert storage.digests(timedelta(seconds=-9)) == {old, new}


def test_deleting_tells_whether_there_was_something(storage: LocalStorage) -> None:
    digest = storage.put(b"voice")
    assert storage.delete(digest)
    assert not storage.delete(digest)
    assert files(storage) == []


@pytest.mark.parametrize("name", ["", "../engine.token", "A" * 64, "0" * 63, "0" * 65, "0" * 64 + "\n"])
def test_only_digests_are_names(storage: LocalStorage, name: str) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal"):
        storage.path(name)
    with pytest.raises(ValueError, match="64 hexadecimal"):
        storage.delete(name)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_nothing_behind(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def full(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull) as caught:
        storage.put(b"voice")
    assert caught.value.status == 507
    assert str(storage.folder) in caught.value.remedy
    assert files(storage) == []


def test_other_trouble_keeps_its_name(storage: LocalStorage, settings: Settings) -> None:
    settings.storage_root.mkdir(parents=True)
    Path(storage.folder).write_text("a file where the folder should be")
    with pytest.raises(NotADirectoryError):
        storage.put(b"voice")
