"""The engine as it is deployed: its own process, the packaged base, several people at once.

`--log-cli-level=INFO` shows texts, times and memory.
"""

import asyncio
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from app.config import Settings, get_settings
from app.inference.architecture import Architecture
from app.inference.base import ensure_base, read_card
from app.inference.client import HttpEngine
from app.inference.types import RewriteOutcome, RewriteSpec
from tests.inference.voices import WAIT_S, adapter, stored

log = logging.getLogger(__name__)

pytestmark = [pytest.mark.slow, pytest.mark.model]

TEXT = (
    "I wanted to let you know that the meeting has been moved to Thursday at noon. Please bring the report "
    "that we talked about, and tell Maria that she does not need to come unless she wants to."
)
MOST_BYTES = 2.5e9


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, psutil.Process]]:
    """Settings under which a ready engine runs, and its process."""
    storage = tmp_path_factory.mktemp("storage")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    settings = get_settings().model_copy(update={"engine_url": url, "storage_url": f"file://{storage}"})
    ensure_base(settings)
    environment = {"IDIOLECT_ENGINE_URL": url, "IDIOLECT_STORAGE_URL": settings.storage_url}
    process = subprocess.Popen([sys.executable, "-m", "app.inference.server"], env=os.environ | environment)
    limit = time.monotonic() + WAIT_S
    while not _is_ready(url):
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.1)
    yield settings, psutil.Process(process.pid)
    process.terminate()
    process.wait(WAIT_S)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def ask(settings: Settings, *specs: RewriteSpec) -> list[RewriteOutcome]:
    async def run() -> list[RewriteOutcome]:
        engine = HttpEngine.of(settings)
        try:
            return await asyncio.gather(*(engine.rewrite(spec) for spec in specs))
        finally:
            await engine.close()

    return asyncio.run(run())


@pytest.fixture(scope="module")
def people(running: tuple[Settings, psutil.Process]) -> list[str | None]:
    """The base and three random voices, strong enough to be heard through a copying task."""
    settings, _ = running
    base = ensure_base(settings)
    shape, digest = Architecture.load(base), read_card(base).digest
    folder = Path(settings.storage_root) / "adapters"
    return [None, *(stored(folder, adapter(shape, 8, seed, base=digest, size=0.06)) for seed in (1, 2, 3))]


def test_three_people_at_once_are_heard_apart(
    running: tuple[Settings, psutil.Process], people: list[str | None]
) -> None:
    settings, process = running
    alone = ask(settings, RewriteSpec(TEXT, seed=1))[0]
    together = ask(settings, *(RewriteSpec(TEXT, digest, temperature=1.0, tenant_id=str(digest)) for digest in people))
    for outcome in (alone, *together):
        log.info("%d tokens %s %s", outcome.completion_tokens, outcome.timing, outcome.texts[0])
    assert [outcome.adapter_digest for outcome in together] == people
    assert len({outcome.texts[0] for outcome in together}) == 4
    assert "meeting" in alone.texts[0]
    assert _bytes(process) <= MOST_BYTES


def test_a_full_batch_of_long_texts_fits_into_memory(
    running: tuple[Settings, psutil.Process], people: list[str | None]
) -> None:
    settings, process = running
    text = "\n\n".join([TEXT] * 8)
    outcomes = ask(settings, *(RewriteSpec(text, digest, seed=2, max_tokens=40) for digest in people))
    for outcome in outcomes:
        assert outcome.texts[0].count("\n\n") == 7
        log.info("%d tokens %s", outcome.completion_tokens, outcome.timing)
    assert _bytes(process) <= MOST_BYTES


def _bytes(process: psutil.Process) -> int:
    held: int = process.memory_info().rss
    log.info("resident: %.2f GB", held / 1e9)
    return held
