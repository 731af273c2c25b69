"""How the demo looks in a terminal: progress while it works, tables and texts side by side at the end."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.rest import Api, Json

SPARKS = "▁▂▃▄▅▆▇█"
CURVE_WIDTH = 24


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


def report(console: Console, result: Json) -> None:
    table = Table(title="Did it work?", title_justify="left")
    for column in ("person", "style before", "style after", "meaning", "entities", "voices", "gate", "seconds"):
        table.add_column(column, justify="left" if column in ("person", "voices", "gate") else "right")
    for person in result["people"]:
        voices = ", ".join(f"{escape(tag)} {share:.0%}" for tag, share in person["modes"].items())
        table.add_row(
            escape(person["name"]),
            f"{person['style_before']:.2f}",
            f"[bold]{person['style_after']:.2f}",
            f"{person['meaning']:.2f}",
            f"{person['entities']:.2f}",
            voices,
            person["decision"],
            f"{person['seconds']:.0f}",
        )
    console.print(table)
    console.print(
        "[dim]style: 0 = plain text, 1 = as typical as their own sentences, by character n-grams (no reward).[/]"
    )
    console.print("[dim]meaning, entities: share kept, of 1.[/]\n")
    matrix(console, result["style_matrix"])
    for person in result["people"]:
        console.print(f"\n[bold]{escape(person['name'])}[/]")
        for pair in person["texts"][:4]:
            console.print(f"  [dim]plain[/]  {escape(pair['input'])}", highlight=False)
            console.print("  [dim]voice[/]  ", end="")
            console.print(pair["after"], markup=False, highlight=False)


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
