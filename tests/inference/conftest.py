"""One tiny random base for all tests of the model: building it takes longer than using it. Engines that run it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from app.inference.card import read_card
from app.inference.engine import Engine
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from app.storage import LocalStorage, Near
from tests.tiny import build_tiny_base


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_base(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny_digest(tiny_base: Path) -> str:
    return read_card(tiny_base).digest


@pytest.fixture(scope="session")
def tiny_model(tiny_base: Path) -> LlamaModel:
    """In float32 on every machine, so that exact comparisons hold."""
    return LlamaModel.load(tiny_base, dtype=torch.float32)


@pytest.fixture(scope="session")
def tiny_tokens(tiny_base: Path) -> Tokens:
    return Tokens.load(tiny_base)


@pytest.fixture
def make(
    tiny_base: Path, tiny_model: LlamaModel, tiny_tokens: Tokens, tmp_path: Path
) -> Iterator[Callable[..., Engine]]:
    """`make(cache_bytes=1)` is an engine that runs; its adapters are files in a folder, or `near` if that is given."""
    made = []

    def make(near: Near | None = None, **options: int) -> Engine:
        given = {"rank": 8, "max_queue_rows": 64} | options
        near = near or Near(LocalStorage.at(tmp_path))
        engine = Engine(tiny_model, tiny_tokens, read_card(tiny_base), near, **given)
        engine.start()
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.stop()


@pytest.fixture
def engine(make: Callable[..., Engine]) -> Engine:
    return make()
