"""The demo, step by step: start, upload, train, rewrite, listen, measure, report, stop."""

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from app.config import Settings
from app.demo import show
from app.demo.people import Person, feedback, from_folder, packaged, unseen
from app.local import local_key, web_address
from app.rest import Api, Json, Problem, of_user
from app.supervisor import Supervisor

AT_ONCE = 8
"""Requests in flight: enough to fill the engine's batch."""
SEED = 7
REPORT = "demo-report.json"


class DemoFailed(Exception):
    """A step could not be done; the message says which and what to do."""


@dataclass(frozen=True)
class Options:
    quick: bool = False
    samples: Path | None = None


def run(settings: Settings, options: Options, console: Console) -> Json:
    """Everything, in at most 25 minutes on two cores; the result is also written to `<data_dir>/demo-report.json`.

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
            supervisor.start(tell=lambda words: None)
        api = Api(web_address(settings), local_key(settings))
        with _timed(console, timings, "upload samples"):
            for person in people:
                _introduce(api, person)
        started = time.monotonic()
        jobs = {p.name: api.post(of_user(p.id, "/training-jobs"), {"recipe": "voice"})["id"] for p in people}
        console.print(f"[bold]train[/] {len(jobs)} {'voice' if len(jobs) == 1 else 'voices'}, one after the other")
        ended = show.follow(console, api, jobs)
        timings["train"] = time.monotonic() - started
        for name, job in ended.items():
            if job["state"] != "succeeded":
                raise DemoFailed(f"{name}'s training {job['state']}: {job.get('reason')} {job.get('remedy') or ''}")
        with _timed(console, timings, "rewrite unseen texts"):
            texts = unseen(options.quick)
            written = {p.id: _rewrite_all(api, p, texts, _version(ended[p.name])) for p in people}
            plain = _rewrite_all(api, people[0], texts, "base")
        with _timed(console, timings, "one feedback, scored"):
            heard = _say_something(api, written[people[0].id][0]["rewrite_id"])
        with _timed(console, timings, "measure"):
            result = _measure(api, people, texts, plain, written, ended)
    except Problem as problem:
        raise DemoFailed(f"{problem} {problem.remedy}") from problem
    finally:
        supervisor.stop()
    result |= {"feedback": heard, "timings": timings}
    path = settings.data_dir / REPORT
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False), encoding="utf-8")
    show.report(console, result)
    console.print(f"\n[dim]{path}; `make serve` shows all of this on a page.[/]")
    return result


@contextmanager
def _timed(console: Console, timings: dict[str, float], step: str) -> Iterator[None]:
    started = time.monotonic()
    with console.status(f"{step} …"):
        yield
    timings[step] = time.monotonic() - started
    console.print(f"[green]✓[/] {step} [dim]{timings[step]:.1f} s[/]")


def _introduce(api: Api, person: Person) -> None:
    """Make the person anew, so that the demo can be run again and again."""
    try:
        api.delete(of_user(person.id))
    except Problem as problem:
        if problem.status != 404:
            raise
    api.post("/v1/users", {"id": person.id, "display_name": person.name})
    path = of_user(person.id, "/samples")
    if person.files:
        for file in person.files:
            api.upload(path, file)
    else:
        api.post(
            path,
            {"samples": [{"text": t, "source": "demo"} | ({"context": c} if c else {}) for t, c in person.samples]},
        )


def _seconds(job: Json) -> float:
    started, finished = (datetime.fromisoformat(job[name]) for name in ("started_at", "finished_at"))
    return (finished - started).total_seconds()


def _version(job: Json) -> int:
    return int(job["result"]["version"])


def _rewrite_all(api: Api, person: Person, texts: Sequence[str], adapter: int | str) -> list[Json]:
    def rewrite(place: int) -> Json:
        body: dict[str, Any] = {"user_id": person.id, "text": texts[place], "adapter": adapter, "seed": SEED + place}
        return api.post("/v1/rewrite", body)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(rewrite, range(len(texts))))


def _say_something(api: Api, rewrite_id: str) -> Json:
    text = feedback()
    said = api.post("/v1/feedback", {"rewrite_id": rewrite_id, "text": text})
    scored = api.wait_for(f"/v1/feedback/{said['feedback_id']}", "satisfaction", within_s=90)
    return {"text": text, "satisfaction": scored["satisfaction"] if scored else None}


def _measure(
    api: Api,
    people: Sequence[Person],
    texts: Sequence[str],
    plain: Sequence[Json],
    written: dict[str, list[Json]],
    ended: dict[str, Json],
) -> Json:
    from app.jobs.evaluation import fidelity, mode_distribution, person_references, style_matrix

    own = {p.name: person_references(_samples(api, p)) for p in people}
    after = {p.name: [answer["text"] for answer in written[p.id]] for p in people}
    before = [answer["text"] for answer in plain]
    matrix, base = style_matrix(after, own), style_matrix({"base": before}, own)["base"]
    rows = []
    for person in people:
        kept = fidelity(texts, after[person.name])
        job = ended[person.name]
        rows.append(
            {
                "name": person.name,
                "style_before": base[person.name],
                "style_after": matrix[person.name][person.name],
                "meaning": kept.meaning,
                "entities": kept.entities,
                "modes": mode_distribution(after[person.name], own[person.name]),
                "seconds": _seconds(job),
                "decision": job["result"]["decision"],
                "version": _version(job),
                "texts": [
                    {"input": source, "before": old, "after": new}
                    for source, old, new in zip(texts, before, after[person.name], strict=True)
                ],
            }
        )
    return {"style_matrix": matrix, "people": rows}


def _samples(api: Api, person: Person) -> list[tuple[str, str | None]]:
    return [(row["text"], row.get("context")) for row in api.pages(of_user(person.id, "/samples"))]
