"""What was asked for: how much of a suite, where, with which data."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from app.evaluation.files import SCRATCH
from app.evaluation.problems import CannotEvaluate
from app.evaluation.subjects import Sample

QUICK_NOTE = (
    "A quick run: few steps, few texts, one seed. It shows that everything works; its figures are not to be quoted."
)

MEASURES: Final = {"artefacts": 2, "dropout": 4, "authors": 4, "arf": 3}
"""Of each suite, raised with every change of what a measure means, or of what the same recipe learns from."""


@dataclass(frozen=True)
class Plan:
    suite: str
    folder: Path
    seeds: int
    is_quick: bool
    data: Path | None = None
    people: int | None = None
    """At most so many; None: all of the suite."""
    only: Sequence[str] = ()
    """Arms with one of these in their names; empty: all. What others are compared with is run in any case."""
    users: Mapping[str, Sequence[Sample]] = field(default_factory=dict)
    """Whom of a server the suite `authors` is about, and what they wrote; empty: the authors of its data."""

    @property
    def scratch(self) -> Path:
        """For what the run needs itself."""
        return self.folder / SCRATCH

    @property
    def adapters(self) -> Path:
        """Trained adapters, for arms that write with them."""
        return self.scratch / "adapters"

    def data_folder(self, *needed: str) -> Path:
        """The data folder, which holds these. Raises CannotEvaluate."""
        if self.data is None:
            raise CannotEvaluate(
                f"The suite {self.suite} needs data.", f"Name the folder that holds {', '.join(needed)} with --data."
            )
        if missing := [name for name in needed if not (self.data / name).is_dir()]:
            raise CannotEvaluate(
                f"{self.data} does not hold {', '.join(missing)}.", "Name the folder that holds them with --data."
            )
        return self.data

    def asked(self, base_digest: str, **more: Any) -> dict[str, Any]:
        """What an arm's results depend on: those of another question are never mixed with these. Seeds and people may
        be added to a folder, since every one has results of its own."""
        return {
            "suite": self.suite,
            "quick": self.is_quick,
            "base": base_digest,
            "measures": MEASURES[self.suite],
            **({"users": {name: _digest(samples) for name, samples in self.users.items()}} if self.users else {}),
            **more,
        }

    def about(self) -> list[str]:
        return [QUICK_NOTE] if self.is_quick else []


def _digest(samples: Sequence[Sample]) -> str:
    return sha256(json.dumps([list(sample) for sample in samples]).encode()).hexdigest()
