"""A tiny base with a card, and a folder for what the benchmarks write."""

from pathlib import Path

import pytest

from tests.tiny import build_tiny_base


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_base(tmp_path_factory.mktemp("tiny"))
