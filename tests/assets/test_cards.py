"""Whatever ships as data or weights is named in its folder's card, with its true sha256, a licence and its limits."""

import hashlib
import re
from pathlib import Path

import pytest

import app.assets

ASSETS = Path(app.assets.__file__).parent
NOT_SHIPPED_AS_DATA = {".py", ".pyc", ".md"}
ROW = re.compile(r"^\| `([^`]+)` \| `([0-9a-f]{64})` \|$", re.MULTILINE)


def shipped() -> dict[Path, list[Path]]:
    """Folders of artefacts and the files in each that a card must name."""
    folders: dict[Path, list[Path]] = {}
    for path in sorted(ASSETS.rglob("*")):
        if path.is_file() and path.suffix not in NOT_SHIPPED_AS_DATA:
            folders.setdefault(path.parent, []).append(path)
    return folders


FOLDERS = shipped()
MOST_BYTES = 20_000_000


def test_the_known_artefacts_are_looked_at() -> None:
    assert {"demo", "human", "neutral", "style", "satisfaction"} <= {folder.name for folder in FOLDERS}


def test_all_of_them_together_stay_small() -> None:
    assert sum(path.stat().st_size for files in FOLDERS.values() for path in files) <= MOST_BYTES


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_card_names_each_file_with_its_true_sha256(folder: Path) -> None:
    claimed = dict(ROW.findall((folder / "README.md").read_text(encoding="utf-8")))
    assert claimed == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDERS[folder]}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("section", ["Licence", "Limits"])
def test_a_card_tells_licence_and_limits(folder: Path, section: str) -> None:
    _, _, after = (folder / "README.md").read_text(encoding="utf-8").partition(f"\n## {section}\n")
    assert after.partition("\n## ")[0].strip()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_files_that_a_card_points_to_exist(folder: Path) -> None:
    card = (folder / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"`(app/[\w/.-]+|\.\./[\w/.-]+)`", card)
    root = ASSETS.parent.parent
    missing = [name for name in named if not ((root if name.startswith("app/") else folder) / name).exists()]
    assert not missing
