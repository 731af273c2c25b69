"""One tiny random base for all tests of the model: building it takes longer than using it."""

from pathlib import Path

import pytest
import torch

from app.inference.card import read_card
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
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
