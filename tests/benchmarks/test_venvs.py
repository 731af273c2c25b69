"""A peer's environment is built once; one that pip cannot build says so."""

import sys
from pathlib import Path

import pytest

from benchmarks.common import venvs
from benchmarks.common.venvs import BUILT, Recipe, VenvFailed, python_of


def test_one_that_is_there_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(("nothing",))
    monkeypatch.setitem(venvs.RECIPES, "peer", recipe)
    (tmp_path / "peer").mkdir()
    (tmp_path / "peer" / BUILT).write_text(repr(recipe))
    monkeypatch.setattr(sys, "executable", "/nowhere")
    assert python_of("peer", tmp_path) == tmp_path / "peer" / "bin" / "python"


def test_one_that_cannot_be_built_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(venvs.RECIPES, "peer", Recipe(("nothing",)))
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho the disk is full >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(VenvFailed, match=r"status 3.*disk is full"):
        python_of("peer", tmp_path)
    assert not (tmp_path / "peer" / BUILT).exists()
