"""A wheel is enough to run from: it holds its code, assets, pages and migrations, and nothing else."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

RUN = """
from pathlib import Path
from app import db
from app.config import get_settings
assert Path(db.__file__).is_relative_to(Path.cwd()), db.__file__
url = get_settings().resolved_database_url
db.migrate(url)
assert db.revision(url) == db.head()
print(db.head())
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as pip would lay it out."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("idiolect-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.mark.slow
def test_it_brings_its_migrations(unpacked: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IDIOLECT_")}
    environment |= {"PYTHONPATH": str(unpacked), "IDIOLECT_DATA_DIR": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", RUN], cwd=unpacked, env=environment, check=True, capture_output=True, text=True
    )
    versions = [path.stem for path in (ROOT / "migrations" / "versions").glob("*.py")]
    assert any(run.stdout.strip() in name for name in versions)
    assert (tmp_path / "idiolect.db").exists()


@pytest.mark.slow
def test_it_holds_every_file_of_the_packages_and_nothing_beside_them(unpacked: Path) -> None:
    ask = ["git", "ls-files", "app", "workers", "migrations"]
    tracked = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    wanted = {path if not path.startswith("migrations/") else f"app/{path}" for path in tracked}
    held = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert wanted | {"app/alembic.ini"} <= held
    assert {path.name.split("-")[0] for path in unpacked.iterdir()} == {"app", "workers", "idiolect"}
