"""The HTTP client against the engine's own server, which runs a tiny base of random weights."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import uvicorn

from app.config import Settings
from app.inference.adapter_file import digest_of
from app.inference.client import HttpEngine
from app.inference.model import LlamaModel
from app.inference.policy import LoraPolicy
from app.inference.server import create_app
from app.inference.tokens import Tokens
from app.inference.types import EngineError, EngineLoad, RewriteOutcome, RewriteSpec

T = TypeVar("T")


@pytest.fixture(scope="module")
def digest(
    tiny_model: LlamaModel, tiny_tokens: Tokens, tiny_digest: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A data folder, and an adapter in it that does nothing yet."""
    folder = tmp_path_factory.mktemp("data")
    data, name = LoraPolicy(tiny_model, tiny_tokens, rank=8, alpha=8, seed=0).adapter_bytes(tiny_digest)
    assert name == digest_of(data)
    path = folder / "storage" / "adapters" / f"{name}.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return folder, name


@pytest.fixture(scope="module")
def settings(tiny_base: Path, digest: tuple[Path, str]) -> Iterator[Settings]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Settings(
        data_dir=digest[0],
        base_model=str(tiny_base),
        engine_url=url,
        threads=1,
        adapter_cache_mb=1,
        rewrite_timeout_s=30,
    )
    server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started or not _is_ready(settings):
        time.sleep(0.02)
    yield settings
    server.should_exit = True
    thread.join(timeout=10)


def _is_ready(settings: Settings) -> bool:
    try:
        ask(settings, lambda engine: engine.info())
    except EngineError as error:
        if error.code != "unavailable" or "cannot start" in str(error):
            raise
        return False
    return True


def ask(settings: Settings, question: Callable[[HttpEngine], Awaitable[T]]) -> T:
    async def run() -> T:
        engine = HttpEngine.of(settings)
        try:
            return await question(engine)
        finally:
            await engine.close()

    return asyncio.run(run())


def test_it_rewrites_the_same_for_the_same_seed(settings: Settings, tiny_digest: str) -> None:
    spec = RewriteSpec("See you at noon.\n\nBring bread.", n=2, max_tokens=6, seed=5)
    first, second = (ask(settings, lambda engine: engine.rewrite(spec)) for _ in range(2))
    assert first.texts == second.texts
    assert len(first.texts) == len(first.finish) == 2
    assert all("\n\n" in text for text in first.texts)
    assert (first.adapter_digest, first.base_digest) == (None, tiny_digest)
    assert first.timing.keys() == {"queue", "load", "generate"}
    assert 0 < first.completion_tokens <= 2 * 2 * 6


def test_it_tells_what_it_is_and_loads_ahead(settings: Settings, digest: tuple[Path, str], tiny_digest: str) -> None:
    info = ask(settings, lambda engine: engine.info())
    assert (info.base_digest, info.context_tokens, info.device) == (tiny_digest, 512, "cpu")
    assert ask(settings, lambda engine: engine.load()) == EngineLoad(0, 0)
    assert ask(settings, lambda engine: engine.warm(digest[1])) > 0
    outcome: RewriteOutcome = ask(
        settings, lambda engine: engine.rewrite(RewriteSpec("Hi.", adapter_digest=digest[1], max_tokens=4))
    )
    assert outcome.adapter_digest == digest[1]


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (RewriteSpec("Hi.", adapter_digest="0" * 64), "unknown-adapter"),
        (RewriteSpec("Hi.", adapter_digest="../../etc"), "unknown-adapter"),
        (RewriteSpec("x" * 2000), "too-long"),
        (RewriteSpec("Hi.", max_tokens=4096), "too-long"),
        (RewriteSpec("Hi.", n=65), "invalid-request"),
    ],
)
def test_its_refusals_keep_their_names(settings: Settings, spec: RewriteSpec, code: str) -> None:
    with pytest.raises(EngineError) as caught:
        ask(settings, lambda engine: engine.rewrite(spec))
    assert caught.value.code == code


def test_a_file_that_is_no_adapter_is_invalid(settings: Settings) -> None:
    garbage = "f" * 64
    (settings.storage_root / "adapters" / f"{garbage}.safetensors").write_bytes(b"not an adapter")
    with pytest.raises(EngineError) as caught:
        ask(settings, lambda engine: engine.rewrite(RewriteSpec("Hi.", adapter_digest=garbage)))
    assert caught.value.code == "invalid-adapter"


def test_a_stranger_is_refused(settings: Settings) -> None:
    stranger = settings.model_copy(update={"engine_token": "a-guess"})
    with pytest.raises(EngineError, match="token") as caught:
        ask(stranger, lambda engine: engine.info())
    assert caught.value.code == "unavailable"
