"""A real S3 speaker on loopback: moto's, in a process of its own, so that it can fall silent or die as others do."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from typing import Self

import pytest

from app.config import get_settings
from app.db import new_id

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/s3/aws4_request"}
"""Moto looks at no signature, only for whose bucket it is asked."""
SECRET = "hush-hush"
STARTS_WITHIN_S = 60


class S3Server:
    def __enter__(self) -> Self:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        limit = time.monotonic() + STARTS_WITHIN_S
        while self._process.poll() is None and time.monotonic() < limit:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return self
        self.kill()
        raise RuntimeError("moto's server does not start")

    def __exit__(self, *_: object) -> None:
        self.kill()

    def serve(self, monkeypatch: pytest.MonkeyPatch) -> str:
        """Have the settings keep adapters in a new bucket of it, whose name is returned."""
        name = f"voices-{new_id()}"
        assert self.ask("PUT", f"/{name}")[0] == 200
        for variable in [variable for variable in os.environ if variable.startswith("AWS_")]:
            monkeypatch.delenv(variable)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{self.port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.setenv("IDIOLECT_STORAGE_URL", f"s3://{name}/voices")
        get_settings.cache_clear()
        return name

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """What an operator does by hand; its status and answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, SIGNED)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def freeze(self) -> None:
        """From now on it takes connections and says nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
