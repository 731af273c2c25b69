"""Runs named arms one after the other and keeps what each found, so that a killed run goes on where it stopped.

An arm is one way of doing it with one seed, for one person where there are people. What it found is a JSON file,
written whole when it is done; the folder also remembers what was asked, because results of different questions must not
be mixed. An arm that cannot be run (a training that diverged) is a finding too: the others go on, the report names the
reason, and the next run tries it again.
"""

import json
import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.evaluation.files import SCRATCH, file_name, write_text
from app.evaluation.problems import CannotEvaluate
from app.inference.sampling import NotFinite
from app.learning.loop import Diverged

ASKED = "asked.json"

Found = dict[str, Any]
"""What an arm found: plain JSON values."""


class ArmFailed(Exception):
    """This arm cannot be run to its end; the message says why."""


class Watch(Protocol):
    def __call__(self, stage: str, share: float) -> None:
        """How far the arm is, in [0, 1]."""
        ...


@dataclass(frozen=True)
class Arm:
    name: str
    work: "Callable[[Bench], Found]" = field(compare=False)
    person: str = ""
    seed: int = 0
    recipe: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """All that its training was told, as plain values."""
    is_rival: bool = False
    """Others are compared with it, so it is run whatever is asked for."""

    @property
    def recipe_digest(self) -> str:
        return sha256(json.dumps(self.recipe, sort_keys=True).encode()).hexdigest()

    @property
    def key(self) -> str:
        """A file name of its own."""
        person = [file_name(self.person)] if self.person else []
        return "--".join([*person, _plain(self.name), f"seed-{self.seed}"])

    def is_meant(self, only: Sequence[str]) -> bool:
        """One of these stands in its key; also if none is given."""
        return not only or self.is_rival or any(_plain(word) in self.key for word in only)


@dataclass(frozen=True)
class Result:
    arm: Arm
    found: Found
    seconds: float = 0.0
    failure: str = ""
    """Why it could not be run; then `found` is empty."""


@dataclass(frozen=True)
class Results:
    all: Sequence[Result]
    missing: Sequence[str] = ()
    """Keys of arms that have not been run."""

    def of(self, name: str, person: str = "") -> list[Result]:
        """What was found by every seed of an arm, in the order of the seeds."""
        return [r for r in self.all if (r.arm.name, r.arm.person) == (name, person) and not r.failure]

    def names(self, person: str = "") -> list[str]:
        """Arms that found something for this person, in the order in which they ran."""
        return list(dict.fromkeys(r.arm.name for r in self.all if r.arm.person == person and not r.failure))

    @property
    def failures(self) -> list[str]:
        return [f"{r.arm.key}: {r.failure}" for r in self.all if r.failure]


@dataclass(frozen=True)
class Bench:
    """What an arm works with."""

    folder: Path
    """Its own, for checkpoints; removed when it is done."""
    watch: Watch
    earlier: Results
    """The arms before it."""


def run(
    arms: Sequence[Arm], folder: Path, asked: Mapping[str, Any], console: Console, only: Sequence[str] = ()
) -> Results:
    """Run what has not been run yet, or what of it is meant by `only`.

    Raises what `begin` raises.
    """
    begin(arms, folder, asked, only)
    results: list[Result] = []
    missing: list[str] = []
    with _progress(console) as progress:
        overall = progress.add_task("arms", total=len(arms), stage="")
        for arm in arms:
            result = _known(folder, arm)
            if result is None and not arm.is_meant(only):
                missing.append(arm.key)
                progress.advance(overall)
                continue
            if result is None:
                task = progress.add_task(escape(arm.key), total=1.0, stage="")

                def watch(stage: str, share: float, task: Any = task) -> None:
                    progress.update(task, completed=share, stage=escape(stage))

                result = _worked(arm, folder, watch, Results(tuple(results)))
                progress.remove_task(task)
                mark = (
                    f"[red]✗[/] {escape(result.failure)}" if result.failure else f"[green]✓[/] {result.seconds:.0f} s"
                )
                console.print(f"{escape(arm.key)} {mark}", highlight=False)
            results.append(result)
            progress.advance(overall)
    return Results(tuple(results), missing)


def begin(arms: Sequence[Arm], folder: Path, asked: Mapping[str, Any], only: Sequence[str] = ()) -> None:
    """Remember what is asked for.

    Raises CannotEvaluate if the folder holds the results of another question, or if nothing is called as in `only`.
    """
    _must_mean(only, arms)
    _remember(folder, asked)
    if doubled := [arm.key for place, arm in enumerate(arms) if arm.key in {other.key for other in arms[:place]}]:
        raise ValueError(f"two arms have one name: {', '.join(doubled)}")


def so_far(arms: Sequence[Arm], folder: Path, asked: Mapping[str, Any]) -> Results:
    """What was run already. Raises CannotEvaluate if that is nothing, or of another question."""
    must_be_begun(folder)
    _remember(folder, asked)
    known = {arm.key: _known(folder, arm) for arm in arms}
    found = [result for result in known.values() if result is not None]
    if not found:
        raise _nothing(folder)
    return Results(tuple(found), [key for key, result in known.items() if result is None])


def must_be_begun(folder: Path) -> None:
    """Raises CannotEvaluate for a folder in which nothing was ever run."""
    if not (folder / ASKED).exists():
        raise _nothing(folder)


def _must_mean(only: Sequence[str], arms: Sequence[Arm]) -> None:
    if unknown := [word for word in only if not any(_plain(word) in arm.key for arm in arms)]:
        raise CannotEvaluate(
            f"No arm of this suite has {' or '.join(unknown)} in its name.",
            f"Use a part of these: {', '.join(arm.key for arm in arms)}.",
        )


def _plain(words: str) -> str:
    """As it stands in the names of files."""
    return re.sub(r"[^\w.-]+", "-", words.lower())


def _nothing(folder: Path) -> CannotEvaluate:
    return CannotEvaluate(f"{folder} holds no results of this suite yet.", "Leave --so-far out to begin.")


def _worked(arm: Arm, folder: Path, watch: Watch, earlier: Results) -> Result:
    own = folder / SCRATCH / arm.key
    own.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        found = arm.work(Bench(own, watch, earlier))
    except ArmFailed as failure:
        return Result(arm, {}, time.monotonic() - started, str(failure))
    except (Diverged, NotFinite) as error:
        return Result(arm, {}, time.monotonic() - started, f"it became unstable: {error}")
    result = Result(arm, found, time.monotonic() - started)
    stored = {"seconds": result.seconds, "recipe": arm.recipe_digest, "found": found}
    write_text(_path(folder, arm), json.dumps(stored, ensure_ascii=False))
    shutil.rmtree(own)
    # Read back: what a run finds and what it finds again after a restart must be one and the same.
    return _known(folder, arm) or result


def _known(folder: Path, arm: Arm) -> Result | None:
    path = _path(folder, arm)
    if not path.exists():
        return None
    stored = json.loads(path.read_text(encoding="utf-8"))
    # A file that does not say by which recipe it was made is taken at its word.
    if stored.get("recipe", arm.recipe_digest) != arm.recipe_digest:
        return None
    return Result(arm, stored["found"], stored["seconds"])


def _path(folder: Path, arm: Arm) -> Path:
    return folder / "arms" / f"{arm.key}.json"


def _remember(folder: Path, asked: Mapping[str, Any]) -> None:
    path, wanted = folder / ASKED, json.loads(json.dumps(asked))
    if not path.exists():
        write_text(path, json.dumps(wanted, indent=1) + "\n")
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    if before != wanted:
        differs = ", ".join(sorted(name for name in {*before, *wanted} if before.get(name) != wanted.get(name)))
        raise CannotEvaluate(
            f"{folder} holds results that were asked for differently ({differs}).",
            "Name another folder with --out, or remove this one.",
        )


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[stage]}"),
        TimeElapsedColumn(),
        console=console,
    )
