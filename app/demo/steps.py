"""What the demo asks of the server, step by step, and how it measures the answers."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final

from app.demo.people import Person, feedback
from app.processes import ChildStatus, peak_memory
from app.rest import Api, Json, Problem, of_user

AT_ONCE: Final = 8
"""Requests in flight: enough to fill the engine's batch."""
SEED: Final = 7
SCORED_WITHIN_S: Final = 90.0
PASSAGE_WORDS: Final = 40


class DemoFailed(Exception):
    """A step could not be done; the message says which and what to do."""


def introduce(api: Api, person: Person) -> None:
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


def version(job: Json) -> int:
    return int(job["result"]["version"])


def rewrite(api: Api, person: Person, text: str, adapter: int | str, seed: int = SEED) -> Json:
    return api.post("/v1/rewrite", {"user_id": person.id, "text": text, "adapter": adapter, "seed": seed})


def rewrite_all(api: Api, person: Person, texts: Sequence[str], adapter: int | str) -> list[Json]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        seeds = range(SEED, SEED + len(texts))
        return list(pool.map(lambda text, seed: rewrite(api, person, text, adapter, seed), texts, seeds))


def time_one(api: Api, person: Person, texts: Sequence[str], adapter: int) -> Json:
    """How long the longest text of one passage takes that nobody else's keeps company."""
    text = max((text for text in texts if len(text.split()) <= PASSAGE_WORDS), key=lambda text: len(text.split()))
    started = time.monotonic()
    rewrite(api, person, text, adapter)
    return {"words": len(text.split()), "seconds": time.monotonic() - started}


def say_something(api: Api, person: Person, written: Json) -> Json:
    """Say in free words what one thinks of a rewrite, and wait until a worker has read them. Raises DemoFailed."""
    text = feedback()
    said = api.post("/v1/feedback", {"rewrite_id": written["rewrite_id"], "text": text})
    scored = api.wait_for(f"/v1/feedback/{said['feedback_id']}", "satisfaction", within_s=SCORED_WITHIN_S)
    if scored is None:
        raise DemoFailed(f"The feedback was not scored within {SCORED_WITHIN_S:.0f} s: the log of `score` tells why.")
    about = {"name": person.name, "rewrite": written["text"]}
    return about | {"text": text, "satisfaction": scored["satisfaction"]}


def memory(children: Sequence[ChildStatus]) -> dict[str, int]:
    """Each process's peak in bytes; empty where the kernel does not tell."""
    peaks = {child.name: peak_memory(child.pid) for child in children if child.pid is not None}
    return {name: peak for name, peak in peaks.items() if peak}


def measure(
    api: Api,
    people: Sequence[Person],
    texts: Sequence[str],
    plain: Sequence[Json],
    written: dict[str, list[Json]],
    ended: dict[str, Json],
) -> Json:
    """`style_matrix` and `people`. `plain`: the base's rewrites; `written`: those of each person, by id."""
    from app.jobs.evaluation import fidelity, mode_distribution, person_references, style_matrix

    own = {p.name: person_references(_samples(api, p)) for p in people}
    after = {p.name: [answer["text"] for answer in written[p.id]] for p in people}
    before = [answer["text"] for answer in plain]
    matrix, base = style_matrix(after, own), style_matrix({"base": before}, own)["base"]
    rows: list[dict[str, Any]] = []
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
                "own_modes": own[person.name].shares,
                "seconds": _seconds(job),
                "outcome": job["result"]["outcome"],
                "version": version(job),
                "texts": [
                    {"input": source, "before": old, "after": new}
                    for source, old, new in zip(texts, before, after[person.name], strict=True)
                ],
            }
        )
    return {"style_matrix": matrix, "people": rows}


def _seconds(job: Json) -> float:
    started, finished = (datetime.fromisoformat(job[name]) for name in ("started_at", "finished_at"))
    return (finished - started).total_seconds()


def _samples(api: Api, person: Person) -> list[tuple[str, str | None]]:
    return [(row["text"], row.get("context")) for row in api.pages(of_user(person.id, "/samples"))]
