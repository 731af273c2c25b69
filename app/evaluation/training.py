"""Train a voice exactly as the server does, by the server's own function, in a database and storage of its own.

So what is compared is what people get: the same curation, split, warm start, reinforcement, checkpoints and gate. Every
arm trains a new person, since a first version is never compared with another arm's. Only the job is missing: what a
training reports is kept here instead of in rows.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.adapters import service as adapters
from app.config import get_settings
from app.db import EVERY_TENANT, get_engine, migrate, new_id, transaction
from app.evaluation.files import write_text
from app.evaluation.runner import ArmFailed, Bench, Watch
from app.evaluation.subjects import Subject
from app.jobs.context import JobSnapshot, TrainingFailure
from app.jobs.training import train as train_job
from app.local import ensure_tenant
from app.samples import service as samples
from app.samples.files import Incoming
from app.storage import LocalStorage
from app.users import service as users

TENANT = "evaluation"
DATABASE, STORAGE = "scratch.db", "storage"
CURVES = "curves.json"
IN_THE_REPORT = ("reward", "style", "meaning", "entities", "sentences", "format", "length_ratio", "nll", "satisfaction")
"""Metrics that are kept of every step, beside `style.<mode>.std` and `style.<mode>.mean`."""

Point = dict[str, Any]
"""`{"stage", "step", "values"}` of one step."""


@dataclass(frozen=True)
class Trained:
    adapter: Path
    modes: dict[str, float]
    """The voices the adapter can be told, by share; empty for a person of one."""
    curves: list[Point]
    decision: str
    """Of the gate: `promoted`, `rejected` or `undecided`."""
    failed_checks: list[str]
    seconds: float


@contextmanager
def apart(folder: Path, base_model: str) -> Iterator[None]:
    """Within it, the settings' database and storage are in `folder`, freshly migrated, and the base is this one."""
    changed = {
        "IDIOLECT_BASE_MODEL": base_model,
        "IDIOLECT_DATABASE_URL": f"sqlite:///{folder.resolve() / DATABASE}",
        "IDIOLECT_STORAGE_URL": f"file://{folder.resolve() / STORAGE}",
    }
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    get_settings.cache_clear()
    url = get_settings().resolved_database_url
    try:
        migrate(url)
        yield
    finally:
        get_engine(url).dispose()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        get_settings.cache_clear()


def train(subject: Subject, recipe: str, config: Mapping[str, Any], bench: Bench) -> Trained:
    """Run within `apart`. Goes on from the checkpoint in the bench's folder. Raises ArmFailed in the user's words."""
    context = _Context(_introduced(subject, recipe, config), bench.folder, bench.watch)
    started = time.monotonic()
    try:
        outcome = train_job(context)
    except TrainingFailure as failure:
        raise ArmFailed(failure.reason) from failure
    tenant_id, user_id = context.job.tenant_id, context.job.user_id
    with transaction(tenant_id, read_only=True) as session:
        version = adapters.get(session, user_id, outcome.version)
        modes, digest, gate = version.modes, version.digest, version.gate
    return Trained(
        adapter=LocalStorage(get_settings()).path(digest),
        modes={mode["tag"]: float(mode["share"]) for mode in modes},
        curves=context.points(),
        decision=outcome.decision,
        failed_checks=[check["name"] for check in gate["checks"] if not check["passed"]],
        seconds=time.monotonic() - started,
    )


def _introduced(subject: Subject, recipe: str, config: Mapping[str, Any]) -> JobSnapshot:
    with transaction(EVERY_TENANT) as session:
        tenant_id = ensure_tenant(session, TENANT).id
    name = f"{subject.name} {new_id()}"
    with transaction(tenant_id) as session:
        user_id = users.create(session, name).id
        incoming = [Incoming(text, str(i), context) for i, (text, context) in enumerate(subject.samples)]
        samples.add(session, name, incoming, is_strict=False)
    return JobSnapshot(new_id(), tenant_id, user_id, recipe, dict(config), "evaluation", 1)


@dataclass
class _Context:
    """A JobContext without a job row: nobody waits for the engine, and nobody cancels."""

    job: JobSnapshot
    folder: Path
    watch: Watch
    _points: dict[tuple[str, int], Point] = field(default_factory=dict)

    def __post_init__(self) -> None:
        path = self.folder / CURVES
        if path.exists():
            self._points = {(p["stage"], p["step"]): p for p in json.loads(path.read_text(encoding="utf-8"))}

    def stage(self, name: str, progress: float) -> None:
        self.watch(name, progress)

    def note(self, text: str, **data: Any) -> None:
        """What it would say is in the report already."""

    def sample(self, texts: list[str]) -> None:
        """Its texts are written after the training, by all arms alike."""

    def metrics(self, stage: str, step: int, values: Mapping[str, float], progress: float) -> None:
        kept = {name: value for name, value in values.items() if name in IN_THE_REPORT or name.startswith("style.")}
        self._points[stage, step] = {"stage": stage, "step": step, "values": kept}
        # Before the checkpoint of the same step is written: a resumed training finds all points up to where it stood.
        write_text(self.folder / CURVES, json.dumps(self.points()))
        self.watch(f"{stage} {step}", progress)

    def give_way(self) -> None:
        """Nothing to give way to."""

    def fence(self, session: Session) -> None:
        """Nobody else could hold it."""

    def points(self) -> list[Point]:
        return [self._points[key] for key in sorted(self._points, key=lambda key: (key[0] != "warm-start", key[1]))]
