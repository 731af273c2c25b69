"""The server as the command line sees it: calls with a key, problems as exceptions, jobs followed to their end."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

Json = dict[str, Any]

FINISHED = ("succeeded", "failed", "cancelled")


def of_user(user: str, below: str = "") -> str:
    """The path of a person, whose id may hold any printable character but a slash, or of what is theirs."""
    return f"/v1/users/{quote(user, safe='')}{below}"


class Problem(Exception):
    """What the server answered instead of a result, with its remedy."""

    def __init__(self, status: int, body: Json) -> None:
        self.status, self.body = status, body
        super().__init__(body.get("detail") or body.get("title") or f"HTTP {status}")

    @property
    def remedy(self) -> str:
        return str(self.body.get("remedy", ""))


class Api:
    def __init__(self, url: str, key: str, timeout_s: float = 130.0) -> None:
        self.url = url
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=timeout_s, trust_env=False
        )

    def get(self, path: str, **query: Any) -> Json:
        return self._call("GET", path, params={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, body: Json | None = None, **options: Any) -> Json:
        return self._call("POST", path, json=body or {}, **options)

    def events(self, path: str, body: Json) -> Iterator[tuple[str, Json]]:
        """Name and data of each server-sent event of an answer, as they come."""
        with self._http.stream("POST", path, json=body) as answer:
            if not answer.is_success:
                answer.read()
                raise _problem(answer)
            event = ""
            for line in answer.iter_lines():
                field, _, value = line.partition(": ")
                if field == "event":
                    event = value
                elif field == "data":
                    yield event, json.loads(value)

    def delete(self, path: str) -> Json:
        return self._call("DELETE", path)

    def upload(self, path: str, file: Path, context: str | None = None) -> Json:
        with file.open("rb") as content:
            form = {"context": context} if context else {}
            return self._call("POST", path, files={"file": (file.name, content)}, data=form)

    def upload_archive(self, path: str, archive: bytes) -> Json:
        return self._call("POST", path, content=archive, headers={"Content-Type": "application/zip"})

    def download(self, path: str) -> bytes:
        answer = self._asked("GET", path)
        if answer.headers.get("Content-Type") != "application/zip":
            raise _foreign(self.url, answer)
        return answer.content

    def pages(self, path: str) -> Iterator[Json]:
        cursor: str | None = None
        while True:
            page = self.get(path, cursor=cursor)
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    def follow(self, job_id: str, on_look: Callable[[Json], None], every_s: float = 1.0) -> Json:
        """Poll a job until it ends; `on_look` sees every answer. A server that restarts meanwhile is waited for."""
        while True:
            try:
                job = self.get(f"/v1/jobs/{job_id}")
            except httpx.TransportError:
                time.sleep(every_s)
                continue
            on_look(job)
            if job["state"] in FINISHED:
                return job
            time.sleep(every_s)

    def wait_for(self, path: str, field: str, within_s: float) -> Json | None:
        """Poll until `field` is filled in by a worker; None if it is not in time."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            found = self.get(path)
            if found.get(field) is not None:
                return found
            time.sleep(0.5)
        return None

    def _call(self, method: str, path: str, **options: Any) -> Json:
        answer = self._asked(method, path, **options)
        try:
            result = answer.json() if answer.content else {}
        except ValueError as error:
            raise _foreign(self.url, answer) from error
        if not isinstance(result, dict):
            raise _foreign(self.url, answer)
        return result

    def _asked(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = self._http.request(method, path, **options)
        if answer.is_success:
            return answer
        raise _problem(answer)


def _problem(answer: httpx.Response) -> Problem:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {"detail": f"the server answered {answer.status_code} without words"}
    return Problem(answer.status_code, body)


def _foreign(url: str, answer: httpx.Response) -> Problem:
    """A success, but of something else that listens there."""
    kind = answer.headers.get("Content-Type", "no content type")
    words = {
        "detail": f"what answers at {url} with {kind} is no Idiolect server",
        "remedy": "Check IDIOLECT_HOST and IDIOLECT_PORT, and that no other program listens there.",
    }
    return Problem(answer.status_code, words)
