"""Objects of a bucket, of a real S3 speaker; and what is said of one that is silent, dead or unwilling."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.config import Settings, get_settings
from app.storage import LocalStorage, Storage, StorageUnavailable, objects, open_storage
from app.storage.types import DamagedFile
from tests.s3 import SECRET, S3Server

DAY = timedelta(days=1)


@pytest.fixture
def storage(bucket: str) -> Storage:
    return open_storage(get_settings())


def path_of(bucket: str, digest: str) -> str:
    return f"/{bucket}/voices/adapters/{digest}.safetensors"


def test_the_settings_choose_between_a_folder_and_a_bucket(settings: Settings, bucket: str) -> None:
    assert isinstance(open_storage(settings), LocalStorage)
    assert isinstance(open_storage(get_settings()), objects.ObjectStorage)
    with pytest.raises(ValueError, match="IDIOLECT_STORAGE_URL"):
        objects.ObjectStorage(settings)


def test_bytes_are_found_by_their_digest(storage: Storage, bucket: str, s3: S3Server) -> None:
    content = b"voice" * 2_000_000  # more than is sent in one part by default
    digest = storage.put(content)
    assert digest == sha256(content).hexdigest()
    assert storage.read(digest) == content
    assert storage.has(digest)
    assert s3.ask("GET", path_of(bucket, digest)) == (200, content)


def test_what_is_not_there_is_missing(storage: Storage) -> None:
    with pytest.raises(FileNotFoundError):
        storage.read("0" * 64)
    assert not storage.has("0" * 64)
    assert not storage.delete("0" * 64)


@pytest.mark.parametrize("name", ["", "../engine.token", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_only_digests_are_names(storage: Storage, name: str) -> None:
    for ask in (storage.read, storage.has, storage.delete):
        with pytest.raises(ValueError, match="64 hexadecimal"):
            ask(name)


def test_an_object_is_written_once_while_it_is_fresh(
    storage: Storage, bucket: str, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = storage.put(b"voice")
    s3.ask("PUT", path_of(bucket, digest), b"noise")
    assert storage.put(b"voice") == digest
    assert s3.ask("GET", path_of(bucket, digest))[1] == b"noise", "what is there stays: it cannot be anything else"
    monkeypatch.setattr(objects, "FRESH", timedelta(0))
    assert storage.put(b"voice") == digest
    assert storage.read(digest) == b"voice", "written anew, it counts as new for those who discard orphans"


def test_a_damaged_object_is_told_and_healed_by_the_next_that_puts_it(
    storage: Storage, bucket: str, s3: S3Server
) -> None:
    digest = storage.put(b"voice")
    s3.ask("PUT", path_of(bucket, digest), b"vo")
    with pytest.raises(DamagedFile, match="sha256 differs"):
        storage.read(digest)
    storage.put(b"voice")
    assert storage.read(digest) == b"voice"


def test_many_may_put_the_same_at_once(storage: Storage) -> None:
    digests: list[str] = []
    threads = [threading.Thread(target=lambda: digests.append(storage.put(b"voice"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert digests == [sha256(b"voice").hexdigest()] * 6


def test_objects_are_found_by_age_and_strangers_are_none_of_ours(storage: Storage, bucket: str, s3: S3Server) -> None:
    assert storage.digests() == set()
    digest = storage.put(b"voice")
    for name in ("README.safetensors", "notes.txt"):
        s3.ask("PUT", f"/{bucket}/voices/adapters/{name}", b"not ours")
    s3.ask("PUT", f"/{bucket}/elsewhere/adapters/{'0' * 64}.safetensors", b"another server's")
    assert storage.digests() == storage.digests(-DAY) == {digest}
    assert storage.digests(DAY) == set()


def test_deleting_spares_what_is_young_and_tells_whether_there_was_something(storage: Storage) -> None:
    digest = storage.put(b"voice")
    assert not storage.delete(digest, DAY)
    assert storage.has(digest)
    assert storage.delete(digest, -DAY)
    assert not storage.delete(digest)
    assert not storage.has(digest)


def test_a_bucket_that_can_be_used_passes_the_check(storage: Storage) -> None:
    storage.put(b"voice")
    storage.check()


def test_a_bucket_that_is_not_there_is_no_missing_file(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, bucket: str
) -> None:
    monkeypatch.setenv("IDIOLECT_STORAGE_URL", "s3://nobodys-bucket")
    get_settings.cache_clear()
    nowhere = open_storage(get_settings())
    for ask in (nowhere.check, nowhere.digests, lambda: nowhere.read("0" * 64), lambda: nowhere.put(b"voice")):
        with pytest.raises(StorageUnavailable, match="no such bucket"):
            ask()


def refusal(storage: Storage) -> str:
    """What a reader, a writer and the check are told alike."""
    told = set()
    for ask in (lambda: storage.read("0" * 64), lambda: storage.put(b"voice"), storage.check):
        with pytest.raises(StorageUnavailable) as caught:
            ask()
        problem = caught.value
        assert (problem.status, problem.headers["Retry-After"]) == (503, "5")
        assert "IDIOLECT_STORAGE_URL" in problem.remedy
        assert problem.__cause__ is None
        told.add(problem.detail)
    [words] = told
    assert SECRET not in words
    assert "127.0.0.1" not in words
    return words


def test_a_silent_server_is_given_up_in_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with S3Server() as server:
        server.serve(monkeypatch)
        storage = open_storage(get_settings())
        storage.put(b"a connection to it stands")
        server.freeze()
        for name in ("SILENCE_S", "WRITE_S", "CHECK_S"):
            monkeypatch.setattr(objects, name, 0.2)
        started = time.monotonic()
        assert "no answer in time" in refusal(storage)
        assert time.monotonic() - started < 30


def test_a_dead_server_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with S3Server() as server:
        server.serve(monkeypatch)
        server.kill()
        assert "no connection" in refusal(open_storage(get_settings()))


def test_variables_that_cannot_be_meant_are_told(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONDITIONAL_PUT", SECRET)
    assert "a variable AWS_… of the server" in refusal(storage)


class Unwilling(BaseHTTPRequestHandler):
    """Answers every request as `status` and `code` say, and quotes the key that it was asked with."""

    status, code = 403, "SignatureDoesNotMatch"
    asked = 0

    def answer(self) -> None:
        type(self).asked += 1
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = f"<Error><Code>{self.code}</Code><AWSAccessKeyId>{SECRET}</AWSAccessKeyId></Error>".encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_PUT = answer

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def unwilling(bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Unwilling]]:
    """The settings lead to it now."""
    handler = type("Handler", (Unwilling,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_who_is_refused_hears_why_in_the_words_of_s3_and_nothing_of_keys(unwilling: type[Unwilling]) -> None:
    assert refusal(open_storage(get_settings())) == "the object storage refuses the server (SignatureDoesNotMatch)"
    assert unwilling.asked == 3, "asking again would not help"


def test_a_server_that_is_out_of_breath_is_asked_again_and_then_given_up(unwilling: type[Unwilling]) -> None:
    unwilling.status, unwilling.code = 503, "SlowDown"
    storage = open_storage(get_settings())
    with pytest.raises(StorageUnavailable, match=r"cannot be reached \(SlowDown\)"):
        storage.read("0" * 64)
    assert unwilling.asked == 1 + objects.RETRIES
