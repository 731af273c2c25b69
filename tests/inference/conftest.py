"""One tiny random base for all tests of the model: building it takes longer than using it. Engines that run it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import torch

from app.inference.card import read_card
from app.inference.engine import Engine
from app.inference.general_model import GeneralModel
from app.inference.language_model import LanguageModel, load_model
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from app.storage import LocalStorage, Near
from tests.inference.kinds import general_config
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


GENERAL = ("gpt2", "gpt_neox", "opt")
"""Kinds that the fast path does not know: transposed weights, a fused linear, positions that are learned."""


@pytest.fixture(scope="session", params=["fast", *GENERAL])
def any_model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    """One of the fast path, and of the general one those of `general_model`."""
    options = {} if request.param == "fast" else general_config(request.param)
    return load_model(build_tiny_base(tmp_path_factory.mktemp(request.param), **options), dtype=torch.float32)


@pytest.fixture(scope="session", params=GENERAL)
def general_base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_base(tmp_path_factory.mktemp(request.param), **general_config(request.param))


@pytest.fixture(scope="session")
def general_model(general_base: Path) -> GeneralModel:
    model = load_model(general_base, dtype=torch.float32)
    assert isinstance(model, GeneralModel)
    return model


@pytest.fixture(scope="session")
def tiny_tokens(tiny_base: Path) -> Tokens:
    return Tokens.load(tiny_base)


@pytest.fixture
def make_engine(tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    """`make_engine(base, model, cache_bytes=1)` is an engine that runs; its adapters are files in a folder, or `near`
    if that is given."""
    made = []

    def make(base: Path, model: LanguageModel, near: Near | None = None, **options: int) -> Engine:
        given = {"rank": 8, "max_queue_rows": 64} | options
        near = near or Near(LocalStorage.at(tmp_path))
        engine = Engine(model, Tokens.load(base), read_card(base), near, **given)
        engine.start()
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.stop()


@pytest.fixture
def make(make_engine: Callable[..., Engine], tiny_base: Path, tiny_model: LlamaModel) -> Callable[..., Engine]:
    """`make(cache_bytes=1)` is an engine that runs the tiny base."""
    return partial(make_engine, tiny_base, tiny_model)


@pytest.fixture
def general_engine(make_engine: Callable[..., Engine], general_base: Path, general_model: GeneralModel) -> Engine:
    return make_engine(general_base, general_model)


@pytest.fixture
def engine(make: Callable[..., Engine]) -> Engine:
    return make()
