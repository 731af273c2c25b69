"""The demo, step by step: start, upload, train, rewrite, listen, measure, report, stop."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from rich.console import Console

from app.config import Settings
from app.db import now
from app.demo import show, steps
from app.demo.bars import bars
from app.demo.people import Person, from_folder, packaged, unseen
from app.demo.steps import DemoFailed
from app.local import make_key, web_address
from app.rest import Api, Json, Problem, of_user
from app.supervisor import Supervisor

TENANT: Final = "demo"
"""The demo makes its people anew, so they have a tenant of their own: others of the same id are left alone."""
KEY_LIFETIME: Final = timedelta(days=1)
REPORT: Final = "demo-report.json"


@dataclass(frozen=True)
class Options:
    quick: bool = False
    samples: Path | None = None


def run(settings: Settings, options: Options, console: Console) -> Json:
    """A quarter of an hour on two quiet cores; the result is also written to `<data_dir>/demo-report.json`.

    Raises DemoFailed, CannotStart, NoSamples. Stops what it started, whatever happens.
    """
    people = from_folder(options.samples) if options.samples else packaged(options.quick)
    timings: dict[str, float] = {}
    with _timed(console, timings, "base model"):
        from app.inference.base import ensure_base

        ensure_base(settings)
    supervisor = Supervisor(settings)
    try:
        with _timed(console, timings, "start web, engine and workers"):
            supervisor.start(tell=lambda words: show.progress(console, words))
        api = Api(web_address(settings), make_key(settings, TENANT, "demo", now() + KEY_LIFETIME))
        result = _learn(api, people, unseen(options.quick), console, timings)
        result["memory"] = steps.memory(supervisor.status())
    except Problem as problem:
        raise DemoFailed(f"{problem} {problem.remedy}") from problem
    finally:
        supervisor.stop()
    result |= {"bars": [bar.row() for bar in bars(result)], "timings": timings}
    path = settings.data_dir / REPORT
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False), encoding="utf-8")
    show.report(console, result)
    show.what_next(console, path, TENANT, people[0].id)
    return result


def _learn(
    api: Api, people: Sequence[Person], texts: Sequence[str], console: Console, timings: dict[str, float]
) -> Json:
    """From samples to measured rewrites. Raises DemoFailed, Problem."""
    with _timed(console, timings, "upload samples"):
        for person in people:
            steps.introduce(api, person)
    started = time.monotonic()
    jobs = {p.name: api.post(of_user(p.id, "/training-jobs"), {"recipe": "voice"})["id"] for p in people}
    console.print(f"[bold]train[/] {len(jobs)} {'voice' if len(jobs) == 1 else 'voices'}, one after the other")
    ended = show.follow(console, api, jobs)
    timings["train"] = time.monotonic() - started
    for name, job in ended.items():
        if job["state"] != "succeeded":
            raise DemoFailed(f"{name}'s training {job['state']}: {job.get('reason')} {job.get('remedy') or ''}")
    first = people[0]
    with _timed(console, timings, "rewrite unseen texts"):
        written = {p.id: steps.rewrite_all(api, p, texts, steps.version(ended[p.name])) for p in people}
        plain = steps.rewrite_all(api, first, texts, "base")
    with _timed(console, timings, "one rewrite by itself"):
        one = steps.time_one(api, first, texts, steps.version(ended[first.name]))
    with _timed(console, timings, "one feedback, scored"):
        heard = steps.say_something(api, first, written[first.id][0])
    with _timed(console, timings, "measure"):
        result = steps.measure(api, people, texts, plain, written, ended)
    return result | {"one_rewrite": one, "feedback": heard}


@contextmanager
def _timed(console: Console, timings: dict[str, float], step: str) -> Iterator[None]:
    started = time.monotonic()
    with console.status(f"{step} …"):
        yield
    timings[step] = time.monotonic() - started
    console.print(f"[green]✓[/] {step} [dim]{timings[step]:.1f} s[/]")
