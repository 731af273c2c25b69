from hashlib import sha256
from pathlib import Path

import pytest

from app.config import Settings
from app.inference.catalogue import Model, models
from app.inference.places import STYLE, package_folder


def found(settings: Settings) -> dict[str, Model]:
    return {model.name: model for model in models(settings)}


def test_what_ships_is_told_by_its_file(settings: Settings) -> None:
    style = found(settings)["style"]
    assert (style.source, style.licence, style.is_on_disk) == ("shipped", "Apache-2.0", True)
    assert (style.sha256, style.size) == (sha256(STYLE.read_bytes()).hexdigest(), STYLE.stat().st_size)


def test_the_packaged_base_is_known_before_it_is_fetched(settings: Settings) -> None:
    base = found(settings)["base"]
    assert base.sha256 is not None
    assert (base.size, base.is_on_disk) == (None, False)


def test_a_replacement_is_told_by_what_the_setting_names(settings: Settings, tmp_path: Path) -> None:
    parts = [tmp_path / "model-1.safetensors", tmp_path / "model-2.safetensors"]
    for part in parts:
        part.write_bytes(part.name.encode())
    settings.style_model, settings.detector_model = str(tmp_path), "somebody/a-detector"
    here, there = found(settings)["style"], found(settings)["human"]
    digests = "".join(sha256(part.read_bytes()).hexdigest() for part in parts)
    assert here.sha256 == sha256(digests.encode()).hexdigest()
    assert (here.licence, here.is_on_disk) == ("see its own card", True)
    assert (there.source, there.sha256, there.is_on_disk) == ("somebody/a-detector", None, False)


@pytest.mark.parametrize("name", ["../style", "models/style--v2", "owner/name.git", ".models/style", "a/" + "b" * 200])
def test_what_no_hub_can_hold_is_told_as_missing(settings: Settings, name: str) -> None:
    settings.style_model = name
    style = found(settings)["style"]
    assert (style.source, style.sha256, style.is_on_disk) == (name, None, False)


def test_a_package_that_is_missing_says_how_to_get_it() -> None:
    with pytest.raises(FileNotFoundError, match="make install"):
        package_folder("no_such_package_anywhere")
