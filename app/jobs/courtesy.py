"""Serving first: a training waits while the engine has requests, because two torch processes on the same cores are
many times slower than one after the other.

There is no longest wait: a person in front of a screen always goes before a training that nobody watches.
"""

import time
from collections.abc import Callable
from typing import Self

import httpx

from app.config import Settings, engine_token

ASK_EVERY_S = 0.25
ASK_ABSENT_EVERY_S = 5.0
"""An engine that does not answer is asked seldom, so that its silence does not slow the training down."""
ANSWER_WITHIN_S = 0.5


class Courtesy:
    def __init__(self, settings: Settings) -> None:
        self._client = httpx.Client(
            base_url=settings.engine_url,
            headers={"Authorization": f"Bearer {engine_token(settings)}"},
            timeout=ANSWER_WITHIN_S,
            trust_env=False,
        )
        self._ask_again_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def wait(self, check: Callable[[], None]) -> None:
        """Returns when no request waits or runs in the engine; `check` is called before and during the wait."""
        check()
        if time.monotonic() < self._ask_again_at:
            return
        while self._is_engine_busy():
            time.sleep(ASK_EVERY_S)
            check()

    def _is_engine_busy(self) -> bool:
        try:
            load = self._client.get("/load").raise_for_status().json()
            is_busy = bool(load["waiting"] + load["running"] > 0)
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            self._ask_again_at = time.monotonic() + ASK_ABSENT_EVERY_S
            return False
        self._ask_again_at = time.monotonic() + ASK_EVERY_S
        return is_busy
