"""A model hub on loopback that answers as huggingface_hub asks."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

COMMIT = "a" * 40


@contextmanager
def hub_of(
    repositories: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch, cache: Path, named_only: Sequence[str] = ()
) -> Iterator[list[str]]:
    """Serves folders by their hub ids; what is fetched is cached under `cache`. Yields what was asked of it, as it is.

    Every repository also says that it has the files `named_only`, which nobody must fetch.
    """
    from huggingface_hub import constants

    asked: list[str] = []

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            for name, folder in repositories.items():
                if self.path.startswith(f"/api/models/{name}/"):
                    files = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
                    files = [path for path in files if path != "base.json"] + list(named_only)
                    siblings = [{"rfilename": path} for path in files]
                    tree = [{"type": "file", "path": path, "size": 1, "oid": "b" * 40} for path in files]
                    answer: object = {"id": name, "sha": COMMIT, "siblings": siblings}
                    return self.answer(json.dumps(tree if "/tree/" in self.path else answer).encode())
                if self.path.startswith(before := f"/{name}/resolve/"):
                    return self.answer((folder / self.path.removeprefix(before).partition("/")[2]).read_bytes())
            return self.answer(b"{}", 404)

        do_HEAD = do_GET

        def answer(self, body: bytes, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("ETag", hashlib.sha256(body).hexdigest())
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
