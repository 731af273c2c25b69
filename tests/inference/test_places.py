"""Packages of models: those that are pinned, and refused when they hold anything else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from app.inference import encoders, moods, places
from app.inference.catalogue import models
from app.inference.places import ENTITIES, MEANING, SATISFACTION, WrongWeights, package_folder, verified_folder

PACKAGES = {"meaning": MEANING, "entities": ENTITIES}


@pytest.fixture
def afresh() -> Iterator[None]:
    """As in a new process: nothing verified, nothing loaded."""
    caches: list[Any] = [verified_folder, encoders.meaning_encoder, encoders.entity_finder]
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture(params=PACKAGES.values())
def changed(request: pytest.FixtureRequest, afresh: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """The package that is not the expected one."""
    monkeypatch.setitem(places.WEIGHTS_SHA256, request.param, "0" * 64)
    return str(request.param)


@pytest.mark.parametrize("package", PACKAGES.values())
@pytest.mark.usefixtures("afresh")
def test_the_installed_packages_are_those_that_are_pinned(package: str) -> None:
    assert verified_folder(package) == package_folder(package)


def test_another_model_is_refused_by_whoever_loads_it(changed: str) -> None:
    loaders = {
        MEANING: [encoders.meaning_encoder, lambda: moods.PackagedMoods(SATISFACTION)],
        ENTITIES: [encoders.entity_finder],
    }
    for load in loaders[changed]:
        with pytest.raises(WrongWeights, match=f"{changed.replace('_', '-')} has sha256 .* expected 0000") as caught:
            load()
        assert "make install" in caught.value.remedy


def test_another_model_is_told_as_such_in_the_catalogue(changed: str, settings: Settings) -> None:
    used = {model.name: model.used for model in models(settings)}
    assert {name for name, words in used.items() if words.startswith("NOT USABLE")} == {
        name for name, package in PACKAGES.items() if package == changed
    }


def test_weights_that_are_gone_are_missed(tmp_path: Path, afresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "package_folder", lambda name: tmp_path)
    with pytest.raises(WrongWeights, match="has sha256 none"):
        verified_folder(MEANING)
