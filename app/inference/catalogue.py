"""Every model that this server uses, and what is known of it without loading any: `idiolect models list`. No torch."""

import hashlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from app.config import PACKAGED, Settings
from app.inference import hub, packaged
from app.inference.base import WARMUP
from app.inference.card import CARD, read_card
from app.inference.places import (
    CALIBRATION,
    ENTITIES,
    MEANING,
    SATISFACTION,
    STYLE,
    WEIGHTS,
    WEIGHTS_SHA256,
    package_folder,
    sha256,
)

BUILT_HERE = "Apache-2.0"
ELSEWHERE = "see its own card"
PACKAGE_LICENCES = {MEANING: "Apache-2.0", ENTITIES: "MIT"}


@dataclass(frozen=True)
class Model:
    name: str
    kind: str
    source: str
    licence: str
    sha256: str | None
    """Of its file; of several, of their digests; of the packaged base, of its wheel. None where nothing is known."""
    size: int | None
    """In bytes."""
    used: str
    is_on_disk: bool

    def row(self) -> dict[str, Any]:
        return asdict(self)


def models(settings: Settings) -> list[Model]:
    """What the settings name, in the order in which a rewrite meets it."""
    return [
        _base(settings),
        _file("warmup", "adapter", WARMUP, "merged into the packaged base"),
        _replaceable("style", "encoder", settings.style_model, STYLE, "reward: does it sound like the person"),
        _packaged("meaning", "sentence encoder", MEANING, "reward and gate: meaning kept"),
        _packaged("entities", "entity finder", ENTITIES, "reward and gate: names and figures kept"),
        _replaceable(
            "human", "detector", settings.detector_model, CALIBRATION, "a reward where the operator names a better one"
        ),
        _replaceable(
            "satisfaction", "mood scorer", settings.satisfaction_model, SATISFACTION, "reads free-form feedback"
        ),
    ]


def _base(settings: Settings) -> Model:
    """The packaged one by its wheel, which is pinned; another by the digest in its card, once it has one."""
    use = "writes the rewrites; every adapter sits on it"
    if settings.base_model == PACKAGED:
        folder = settings.data_dir / "models" / packaged.NAME
        size = _size(sorted(folder.glob("*.safetensors")))
        wheel = packaged.WHEEL_SHA256
        return Model("base", "language model", packaged.REQUIREMENT, "Apache-2.0", wheel, size, use, size is not None)
    name = settings.base_model
    folder = Path(name).expanduser()
    folder = folder if folder.is_dir() else settings.data_dir / "models" / name.replace("/", "--")
    size = _size(sorted(folder.glob("*.safetensors")))
    digest = read_card(folder).digest if (folder / CARD).exists() else None
    return Model("base", "language model", name, ELSEWHERE, digest, size, use, size is not None)


def _replaceable(name: str, kind: str, setting: str, shipped: Path, used: str) -> Model:
    if setting == PACKAGED:
        return _file(name, kind, shipped, used)
    here = Path(setting).expanduser()
    folder = here if here.is_dir() else hub.cached(setting)
    weights = sorted(folder.glob("*.safetensors")) if folder else []
    return _of(name, kind, setting, ELSEWHERE, weights, used)


def _packaged(name: str, kind: str, package: str, used: str) -> Model:
    """Pinned by its digest: another one is told, and refused when it is to be loaded."""
    try:
        files = sorted(package_folder(package).glob(WEIGHTS[package]))
    except FileNotFoundError:
        files = []
    model = _of(name, kind, package.replace("_", "-"), PACKAGE_LICENCES[package], files, used)
    is_pinned = model.sha256 in (None, WEIGHTS_SHA256[package])
    return model if is_pinned else replace(model, used=f"NOT USABLE: expected {WEIGHTS_SHA256[package]}")


def _file(name: str, kind: str, path: Path, used: str) -> Model:
    return _of(name, kind, "shipped", BUILT_HERE, [path] if path.exists() else [], used)


def _of(name: str, kind: str, source: str, licence: str, files: list[Path], used: str) -> Model:
    return Model(name, kind, source, licence, _sha256(files), _size(files), used, bool(files))


def _size(files: list[Path]) -> int | None:
    return sum(path.stat().st_size for path in files) or None


def _sha256(files: list[Path]) -> str | None:
    """Of the one file; of several, of their digests in the order of their names."""
    digests = [sha256(path) for path in files]
    if len(digests) > 1:
        return hashlib.sha256("".join(digests).encode()).hexdigest()
    return digests[0] if digests else None
