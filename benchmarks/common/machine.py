"""What the figures were measured on, and whether it was quiet."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from app.config import get_settings

FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "bf16")
PACKAGES = ("torch", "transformers", "peft", "fastapi", "sqlalchemy", "uvicorn")
QUIET_LOAD = 0.5
"""Processes that want a core, in the last minute, below which a machine counts as quiet."""


def device() -> str:
    """Where our engine computes, and so everybody else who can: IDIOLECT_DEVICE."""
    return get_settings().device


def describe(threads: int) -> dict[str, Any]:
    """For the head of a report; taken before the work begins, so the load is that of others."""
    load = os.getloadavg()[0]
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "instructions": [flag for flag in FLAGS if flag in _flags()],
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "commit": _commit(),
        "threads": threads,
        "accelerator": _accelerator(),
        "load_before": round(load, 2),
        "is_shared": load >= QUIET_LOAD,
    }


def _accelerator() -> str | None:
    if device() == "cpu":
        return None
    import torch

    return torch.cuda.get_device_name()


def _processor() -> str:
    return next((value for key, value in _cpuinfo() if key == "model name"), platform.processor() or platform.machine())


def _flags() -> set[str]:
    return set(next((value for key, value in _cpuinfo() if key in ("flags", "Features")), "").split())


def _cpuinfo() -> list[tuple[str, str]]:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return [(key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in lines)]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or None
