"""Copies on disk of what lies far away: fetched once, healed, bounded, forgotten."""

import errno
import os
import time
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from app.config import Settings, get_settings
from app.storage import LocalStorage, Near, StorageUnavailable, near, storage_nearby
from app.storage.near import Copies
from app.storage.types import DamagedFile
from tests.storage.far import Far


@pytest.fixture
def far() -> Far:
    return Far()


@pytest.fixture
def copies(far: Far, tmp_path: Path) -> Copies:
    return Copies(far, tmp_path / "copies", 100)


def test_only_what_is_far_away_is_copied(settings: Settings, bucket: str) -> None:
    assert type(storage_nearby(settings)) is Near
    there = storage_nearby(get_settings())
    assert isinstance(there, Copies)
    assert there.most_bytes == settings.storage_cache_mb * 2**20


def test_a_folder_is_read_where_it_is(settings: Settings) -> None:
    storage = LocalStorage(settings)
    there, digest = Near(storage), storage.put(b"voice")
    assert there.read(digest, bytes) == there.read_here(digest, bytes) == b"voice"
    assert there.vouches_for(digest)
    there.forget([digest])
    assert storage.delete(digest)
    assert not there.vouches_for(digest)
    assert there.copies() == set()


def test_it_is_fetched_once(copies: Copies, far: Far) -> None:
    digest = far.put(b"voice")
    with pytest.raises(FileNotFoundError):
        copies.read_here(digest, bytes)
    assert not copies.is_here(digest)
    assert [copies.read(digest, bytes) for _ in range(3)] == [b"voice"] * 3
    assert copies.read_here(digest, bytes) == b"voice"
    assert copies.is_here(digest)
    assert (far.asked, copies.copies()) == ([digest], {digest})
    assert os.listdir(copies.folder) == [f"{digest}.safetensors"]


def test_copies_outlive_their_process_and_an_outage(copies: Copies, far: Far) -> None:
    copies.read(digest := far.put(b"voice"), bytes)
    far.is_lost = True
    assert Copies(far, copies.folder, 100).read(digest, bytes) == b"voice"


def test_nothing_is_made_of_a_damaged_file(settings: Settings) -> None:
    storage = LocalStorage(settings)
    storage.path(digest := storage.put(b"voice")).write_bytes(b"noise")

    def refuse(content: bytes) -> bytes:
        raise ValueError("cannot be made sense of")

    for make in (bytes, refuse):
        with pytest.raises(DamagedFile):
            Near(storage).read(digest, make)


def test_what_a_file_is_no_good_for_is_said(settings: Settings) -> None:
    storage = LocalStorage(settings)
    with pytest.raises(ValueError, match="invalid literal"):
        Near(storage).read(storage.put(b"voice"), int)


@pytest.mark.parametrize("damaged", [b"", b"voic", b"noise"])
def test_a_damaged_copy_is_fetched_anew(copies: Copies, far: Far, damaged: bytes) -> None:
    copies.read(digest := far.put(b"voice"), bytes)
    (copies.folder / f"{digest}.safetensors").write_bytes(damaged)
    assert copies.read(digest, bytes) == b"voice"
    assert copies.read_here(digest, bytes) == b"voice"


def test_a_copy_that_cannot_be_read_is_fetched_anew(copies: Copies, far: Far) -> None:
    digest = far.put(b"voice")
    (copies.folder / f"{digest}.safetensors").mkdir(parents=True)
    assert copies.read(digest, bytes) == b"voice"


def test_a_copy_that_is_forgotten_while_it_is_read_stays_away(copies: Copies, far: Far) -> None:
    copies.read(digest := far.put(b"voice"), bytes)

    def forgotten(content: bytes) -> bytes:
        copies.forget([digest])
        return content

    assert copies.read_here(digest, forgotten) == b"voice"
    assert os.listdir(copies.folder) == []


def test_the_least_recently_read_makes_room(copies: Copies, far: Far) -> None:
    digests = [far.put(bytes([number]) * 40) for number in range(4)]
    for age, digest in enumerate(digests[:2]):
        copies.read(digest, bytes)
        os.utime(copies.folder / f"{digest}.safetensors", (age, age))
    copies.read(digests[0], bytes)
    copies.read(digests[2], bytes)
    assert copies.copies() == {digests[0], digests[2]}


def test_one_that_exceeds_the_room_alone_is_kept_alone(copies: Copies, far: Far) -> None:
    copies.read(far.put(b"small"), bytes)
    copies.read(large := far.put(b"x" * 200), bytes)
    assert copies.copies() == {large}


def test_a_reader_keeps_what_makes_room(copies: Copies, far: Far) -> None:
    copies.read(digest := far.put(b"a" * 90), bytes)
    with (copies.folder / f"{digest}.safetensors").open("rb") as file:
        assert file.read(1) == b"a"
        copies.read(far.put(b"b" * 90), bytes)
        assert not copies.is_here(digest)
        assert file.read() == b"a" * 89


def test_what_a_dead_process_left_half_written_goes(copies: Copies, far: Far) -> None:
    copies.folder.mkdir()
    old, new = (copies.folder / f".{name}.part" for name in ("old", "new"))
    for half in (old, new):
        half.write_bytes(b"vo")
    long_ago = time.time() - 2 * near.LEFT_AFTER_S
    os.utime(old, (long_ago, long_ago))
    copies.read(far.put(b"voice"), bytes)
    assert not old.exists()
    assert new.exists()


def test_a_full_disk_keeps_nobody_from_reading(copies: Copies, far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(near, "write_whole", full)
    digest = far.put(b"voice")
    assert [copies.read(digest, bytes) for _ in range(2)] == [b"voice"] * 2
    assert copies.copies() == set()


def test_what_is_forgotten_is_fetched_anew_if_it_is_still_there(copies: Copies, far: Far) -> None:
    copies.read(digest := far.put(b"voice"), bytes)
    copies.forget([digest, "0" * 64, "../engine.token"])
    assert copies.copies() == set()
    assert copies.read(digest, bytes) == b"voice"
    copies.forget([digest])
    far.delete(digest)
    with pytest.raises(FileNotFoundError):
        copies.read(digest, bytes)


def test_an_outage_is_waited_for_once_in_a_while(copies: Copies, far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    digest, other = far.put(b"voice"), sha256(b"nobody's").hexdigest()
    far.is_lost = True
    for _ in range(3):
        with pytest.raises(StorageUnavailable, match="lost"):
            copies.read(digest, bytes)
    assert far.asked == [digest]
    monkeypatch.setattr(near, "REFUSED_FOR_S", 0.0)
    copies._refusal = None
    for _ in range(2):
        with pytest.raises(StorageUnavailable, match="lost"):
            copies.read(digest, bytes)
    assert len(far.asked) == 3
    far.is_lost = False
    assert copies.read(digest, bytes) == b"voice"
    with pytest.raises(FileNotFoundError):
        copies.read(other, bytes)
    assert far.digests(timedelta(0)) == {digest}
