"""How the demo looks in a terminal: progress while it works, tables and texts side by side at the end."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from app.rest import Api, Json

SPARKS = "▁▂▃▄▅▆▇█"
CURVE_WIDTH = 24
TEXTS_SHOWN = 4
LONGEST_WORDS = 200


def follow(console: Console, api: Api, jobs: Mapping[str, str]) -> dict[str, Json]:
    """Watch trainings (name to job id) until all have ended; name to the job as it ended."""
    ended: dict[str, Json] = {}
    with Progress(
        SpinnerColumn(),
        TextColumn("[bold]{task.description:<10}"),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[stage]:<12} {task.fields[curve]}"),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        for name, job_id in jobs.items():
            task = progress.add_task(escape(name), total=1.0, stage="waiting", curve="")
            ended[name] = api.follow(job_id, _painter(progress, task, api))
    return ended


def _painter(progress: Progress, task: Any, api: Api) -> Callable[[Json], None]:
    def paint(job: Json) -> None:
        curve = ""
        if job["stage"] == "reinforce":
            points = api.get(f"/v1/jobs/{job['id']}/metrics")["items"]
            curve = "reward " + sparkline([p["value"] for p in points if p["name"] == "reward"])
        progress.update(task, completed=job["progress"], stage=job["stage"], curve=curve)

    return paint


def sparkline(values: Sequence[float]) -> str:
    """The last values as a line of blocks, lowest to highest."""
    shown = list(values)[-CURVE_WIDTH:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    return (
        "".join(SPARKS[round((v - low) / ((high - low) or 1) * (len(SPARKS) - 1))] for v in shown) + f" {shown[-1]:.2f}"
    )


def progress(console: Console, words: str) -> None:
    console.print(words[:LONGEST_WORDS], style="dim", markup=False, highlight=False)


def report(console: Console, result: Json) -> None:
    people(console, result["people"])
    matrix(console, result["style_matrix"])
    for person in result["people"]:
        texts(console, person["name"], person["texts"])
    remark(console, result["feedback"])
    verdict(console, result["bars"])


def people(console: Console, rows: Sequence[Json]) -> None:
    table = Table(title="Who was trained", title_justify="left")
    for column in ("person", "style before", "style after", "meaning", "entities", "voices", "outcome", "seconds"):
        table.add_column(column, justify="left" if column in ("person", "voices", "outcome") else "right")
    for person in rows:
        voices = ", ".join(f"{escape(tag)} {share:.0%}" for tag, share in person["modes"].items())
        table.add_row(
            escape(person["name"]),
            f"{person['style_before']:.2f}",
            f"[bold]{person['style_after']:.2f}",
            f"{person['meaning']:.2f}",
            f"{person['entities']:.2f}",
            voices,
            person["outcome"],
            f"{person['seconds']:.0f}",
        )
    console.print(table)
    console.print(
        "[dim]style: 0 = plain text, 1 = as typical as their own sentences, by character n-grams (no reward).[/]"
    )
    console.print("[dim]meaning, entities: share kept, of 1.[/]\n")


def texts(console: Console, name: str, pairs: Sequence[Json]) -> None:
    """The first texts side by side: as they were given, by the base alone, in the person's voice."""
    table = Table(title=escape(name), title_justify="left", show_lines=True)
    for column in ("given", "before: the base", "after: their voice"):
        table.add_column(column, ratio=1)
    for pair in pairs[:TEXTS_SHOWN]:
        table.add_row(*(Text(pair[key]) for key in ("input", "before", "after")))
    console.print()
    console.print(table)


def remark(console: Console, heard: Json) -> None:
    console.print(f"\n[bold]One remark[/] on {escape(heard['name'])}'s first rewrite, read by a worker")
    said = Text.assemble("  “", heard["text"], "” → satisfaction ", (f"{heard['satisfaction']:.2f}", "bold"), " of 1")
    console.print(said)


def verdict(console: Console, rows: Sequence[Json]) -> None:
    table = Table(title="Did it work?", title_justify="left")
    for column in ("bar", "wanted", "got", ""):
        table.add_column(column)
    for bar in rows:
        table.add_row(
            *(Text(bar[key]) for key in ("name", "wanted", "got")), "[green]✓[/]" if bar["passed"] else "[red]✗[/]"
        )
    console.print()
    console.print(table)
    missed = sum(not bar["passed"] for bar in rows)
    if missed:
        console.print(f"{missed} of {len(rows)} missed. That is a result and no error: the command ends with 0.")
    else:
        console.print(f"All {len(rows)} are met.")


def what_next(console: Console, report: Path, tenant: str, user: str) -> None:
    key = f"IDIOLECT_API_KEY=$(idiolect keys create --tenant {tenant})"
    words = (
        f"All of it is in {report}; `make serve` serves these people and shows them on a page. They are the tenant "
        f"{tenant}'s: {key} idiolect rewrite {quote(user)} …"
    )
    console.print()
    console.print(words, style="dim", markup=False, highlight=False, soft_wrap=True)


def matrix(console: Console, cells: Mapping[str, Mapping[str, float]]) -> None:
    console.print("[bold]Whose voice is it?[/] Rows write, columns are whose samples they are held against.")
    table = Table()
    table.add_column("")
    people = list(next(iter(cells.values())))
    for name in people:
        table.add_column(escape(name), justify="right")
    for writer, row in cells.items():
        best = max(row, key=lambda name: row[name])
        table.add_row(escape(writer), *(f"[bold]{row[n]:.2f}[/]" if n == best else f"{row[n]:.2f}" for n in people))
    console.print(table)
