"""Files of others are what they say they are, and nothing lies there unsaid."""

import re

from app.admin.assets import ASSETS, FOLDER

OWN = {"style.css", "curve.js", "icon.svg"}


def test_every_file_of_others_is_recorded_with_its_digest_and_licence() -> None:
    rows = [line for line in (FOLDER / "VENDORED.md").read_text().splitlines() if line.startswith("| `")]
    recorded = {}
    for row in rows:
        name, _, version, licence, digest = [cell.strip() for cell in row.strip("|").split("|")]
        path = re.search(r"`(licences/\w+\.txt)`", licence)
        assert version
        assert path
        assert (FOLDER / path[1]).read_text()
        recorded[name.strip("`")] = digest.strip("`")
    assert recorded == {name: asset.digest for name, asset in ASSETS.items() if name not in OWN}


def test_all_files_are_small() -> None:
    assert sum(len(asset.content) for asset in ASSETS.values()) < 150_000
