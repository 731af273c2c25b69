"""The HTTP client against the engine's own server, which runs a tiny base of random weights."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
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
from app.inference.types import EngineError, EngineLoad, Heard, RewriteOutcome, RewriteSpec

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


def heard(settings: Settings, spec: RewriteSpec, most: int | None = None) -> list[Heard | RewriteOutcome]:
    """What a stream tells, or only its beginning."""

    async def listen(engine: HttpEngine) -> list[Heard | RewriteOutcome]:
        pieces = list[Heard | RewriteOutcome]()
        async with aclosing(engine.stream(spec)) as stream:
            async for piece in stream:
                pieces.append(piece)
                if len(pieces) == most:
                    break
        return pieces

    return ask(settings, listen)


def test_a_stream_adds_up_to_the_answer(settings: Settings, digest: tuple[Path, str]) -> None:
    spec = RewriteSpec("See you at noon.\n\nBring bread.", digest[1], n=2, max_tokens=9, seed=5, candidates=3)
    first, *news, outcome = heard(settings, spec)
    answer = ask(settings, lambda engine: engine.rewrite(spec))
    assert first == Heard(0, "")
    assert isinstance(outcome, RewriteOutcome)
    assert (outcome.texts, outcome.adapter_digest) == (answer.texts, digest[1])
    for sample, text in enumerate(answer.texts):
        told = ""
        for piece in news:
            assert isinstance(piece, Heard)
            if piece.sample == sample:
                told = piece.text if piece.is_replacement else told + piece.text
        assert told == text
    assert len(news) > 6


def test_line_separators_of_a_text_break_no_stream(settings: Settings) -> None:
    *_, outcome = heard(settings, RewriteSpec("\u2028 \x85 \u2029"))
    assert isinstance(outcome, RewriteOutcome)
    assert outcome.texts == ["\u2028 \x85 \u2029"]


def test_a_stream_is_refused_like_a_request(settings: Settings) -> None:
    with pytest.raises(EngineError) as caught:
        heard(settings, RewriteSpec("Hi.", adapter_digest="0" * 64))
    assert caught.value.code == "unknown-adapter"


def test_whoever_stops_listening_frees_the_engine(settings: Settings) -> None:
    assert len(heard(settings, RewriteSpec("It rained all day.", n=4, max_tokens=450), most=3)) == 3
    until = time.monotonic() + 20
    while ask(settings, lambda engine: engine.load()) != EngineLoad(0, 0):
        assert time.monotonic() < until
    assert len(heard(settings, RewriteSpec("It rained all day.", max_tokens=4))) > 2


def test_a_request_may_bring_its_own_deadline(settings: Settings) -> None:
    spec = RewriteSpec("It rained all day.", n=16, max_tokens=490, timeout_s=0.2)
    with pytest.raises(EngineError, match="not written within") as caught:
        ask(settings, lambda engine: engine.rewrite(spec))
    assert caught.value.code == "timeout"
    with pytest.raises(EngineError, match="not written within") as caught:
        heard(settings, spec)
    assert caught.value.code == "timeout"


def test_it_tells_what_it_is_and_loads_ahead(settings: Settings, digest: tuple[Path, str], tiny_digest: str) -> None:
    info = ask(settings, lambda engine: engine.info())
    assert (info.base_digest, info.context_tokens, info.device) == (tiny_digest, 512, "cpu")
    assert ask(settings, lambda engine: engine.load()) == EngineLoad(0, 0)
    assert ask(settings, lambda engine: engine.warm(digest[1])) > 0
    outcome: RewriteOutcome = ask(
        settings, lambda engine: engine.rewrite(RewriteSpec("Hi.", adapter_digest=digest[1], max_tokens=4))
    )
    assert outcome.adapter_digest == digest[1]


def test_what_it_is_told_to_forget_is_loaded_anew(settings: Settings, digest: tuple[Path, str]) -> None:
    ask(settings, lambda engine: engine.warm(digest[1]))
    ask(settings, lambda engine: engine.forget([digest[1], "0" * 64]))
    assert ask(settings, lambda engine: engine.warm(digest[1])) > 0


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (RewriteSpec("Hi.", adapter_digest="0" * 64), "unknown-adapter"),
        (RewriteSpec("Hi.", adapter_digest="../../etc"), "unknown-adapter"),
        (RewriteSpec("x" * 2000), "too-long"),
        (RewriteSpec("Hi.", max_tokens=4096), "too-much-room"),
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


def test_an_adapter_leaves_as_peft_and_comes_back(settings: Settings, digest: tuple[Path, str]) -> None:
    archive = ask(settings, lambda engine: engine.export_peft(digest[1]))
    data = ask(settings, lambda engine: engine.import_peft(archive))
    assert data == (settings.storage_root / "adapters" / f"{digest[1]}.safetensors").read_bytes()
    for bad in (b"", b"PK", archive[:-40], b"x" * 100):
        with pytest.raises(EngineError, match="zip") as caught:
            ask(settings, lambda engine, bad=bad: engine.import_peft(bad))  # type: ignore[misc]
        assert caught.value.code == "invalid-adapter"
    with pytest.raises(EngineError) as caught:
        ask(settings, lambda engine: engine.export_peft("0" * 64))
    assert caught.value.code == "unknown-adapter"
    with pytest.raises(EngineError) as caught:
        ask(settings, lambda engine: engine.export_peft(digest[1], "at home"))
    assert caught.value.code == "unknown-voice"


def test_a_stranger_is_refused(settings: Settings) -> None:
    stranger = settings.model_copy(update={"engine_token": "a-guess"})
    with pytest.raises(EngineError, match="token") as caught:
        ask(stranger, lambda engine: engine.info())
    assert caught.value.code == "unavailable"
