"""Voices: rewrite, train, jobs, adapters, feedback."""

import io
import json
import math
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from rich.markup import escape

from app.cli.output import AsJson, User, api, console, print_json, show, show_one
from app.demo.show import follow as watch
from app.inference.types import DEFAULT_TEMPERATURE
from app.learning.recipes import RECIPES
from app.rest import Problem, of_user

PEFT_FILES = ("adapter_config.json", "adapter_model.safetensors")
VERSION = ("version", "state", "parent_version", "size_bytes", "created_at")
POINTER = ("user", "active_version", "digest")

jobs = typer.Typer(help="Trainings.", no_args_is_help=True)
adapters = typer.Typer(help="Versions of a person's voice.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.command("rewrite")(rewrite)
    app.command("train")(train)
    app.command("feedback")(feedback)
    app.add_typer(jobs, name="jobs")
    app.add_typer(adapters, name="adapters")


def finite(value: float) -> float:
    """Raises typer.BadParameter for what JSON has no number for."""
    if not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number")
    return value


def finite_if_given(value: float | None) -> float | None:
    """As `finite`, of an option that may be left out."""
    return value if value is None else finite(value)


def rewrite(
    user: User,
    text: Annotated[str, typer.Argument(help="the text; - reads it from standard input")],
    adapter: Annotated[str, typer.Option(help="active, base or a version number")] = "active",
    context: Annotated[str | None, typer.Option(help="which of the person's voices")] = None,
    n: Annotated[int, typer.Option(help="how many versions")] = 1,
    temperature: Annotated[float, typer.Option(callback=finite)] = DEFAULT_TEMPERATURE,
    seed: Annotated[int | None, typer.Option()] = None,
    stream: Annotated[bool, typer.Option("--stream", help="show it while it is written")] = False,
    as_json: AsJson = False,
) -> None:
    """Say it the way they would."""
    body: dict[str, Any] = {"user_id": user, "text": sys.stdin.read() if text == "-" else text, "n": n}
    body |= {"temperature": temperature, "adapter": int(adapter) if adapter.isdecimal() else adapter}
    body |= {name: value for name, value in (("context", context), ("seed", seed)) if value is not None}
    is_heard = stream and n == 1 and not as_json
    answer = heard(body) if is_heard else api().post("/v1/rewrite", body)
    if as_json:
        print_json(answer)
        return
    for written, lost in zip(answer["texts"], answer["lost"] or [[]] * len(answer["texts"]), strict=True):
        if not is_heard:
            console.print(written, highlight=False, markup=False)
        if lost:
            console.print(f"[yellow]![/] it does not tell: {escape(', '.join(lost))}", highlight=False)
    version = answer["adapter"]["version"] if answer["adapter"] else "base"
    console.print(f"[dim]{answer['rewrite_id']}  version {version}, seed {answer['seed']}[/]")
    for note in answer["notes"]:
        console.print(f"[dim]{escape(note)}[/]")


def heard(body: dict[str, Any]) -> dict[str, Any]:
    """Write the text to the terminal as it comes; what was kept of it. A better one begins anew, below."""
    for event, data in api().events("/v1/rewrite", body | {"stream": True}):
        if event == "error":
            raise Problem(data["status"], data)
        if event == "done":
            console.print()
            return data
        if event == "replace":
            console.print("\n[dim]better:[/]")
        if event in ("text", "replace"):
            console.print(data["text"], end="", highlight=False, markup=False, soft_wrap=True)
    raise Problem(503, {"detail": "the stream ended early", "remedy": "Try again."})


def train(
    user: User,
    recipe: Annotated[str, typer.Option(help=", ".join(RECIPES))] = "voice",
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="what to change of the recipe: rl.steps=40; can be repeated")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="watch it to its end")] = False,
    as_json: AsJson = False,
) -> None:
    """Train the person's voice; with --follow, exit code 1 if it fails."""
    config = changed(changes or [])
    server = api()
    job = server.post(of_user(user, "/training-jobs"), {"recipe": recipe, "config": config})
    if follow:
        job = server.follow(job["id"], lambda _: None) if as_json else watch(console, server, {user: job["id"]})[user]
    if as_json:
        print_json(job)
    else:
        _tell(job)
    if follow and job["state"] != "succeeded":
        raise typer.Exit(1)


def changed(assignments: Sequence[str]) -> dict[str, dict[str, Any]]:
    """`rl.steps=40` and its like as a training's configuration. Values are JSON, or else words.

    Raises typer.BadParameter for what is no assignment; whether a training takes it, the server says.
    """
    config: dict[str, dict[str, Any]] = {}
    for assignment in assignments:
        name, equals, said = assignment.partition("=")
        section, dot, key = name.partition(".")
        if not (equals and dot and section and key):
            raise typer.BadParameter(f"{assignment!r} is not like rl.steps=40", param_hint="--set")
        try:
            value = json.loads(said, parse_float=_finite, parse_constant=_finite)
        except (ValueError, RecursionError):
            value = said
        config.setdefault(section, {})[key] = value
    return config


def _finite(said: str) -> float:
    return finite(float(said))


def feedback(
    rewrite_id: Annotated[str, typer.Argument(help="the rewrite that is meant")],
    text: Annotated[
        str, typer.Argument(help="what you think of it, in your own words; - reads it from standard input")
    ] = "",
    edited: Annotated[
        str | None, typer.Option(help="the text as you would have it; - reads it from standard input")
    ] = None,
    rating: Annotated[float | None, typer.Option(help="0 useless, 1 perfect", callback=finite_if_given)] = None,
    output: Annotated[int, typer.Option(help="which of the rewrite's texts is meant, counted from 0")] = 0,
    as_json: AsJson = False,
) -> None:
    """Say what you think of a rewrite, or how it should read, and see how it was understood."""
    if text == edited == "-":
        raise typer.BadParameter("standard input can be read for the words or for --edited, not for both")
    server = api()
    words = sys.stdin.read() if text == "-" else text
    body: dict[str, Any] = {"rewrite_id": rewrite_id, "text": words, "output_index": output}
    if edited is not None:
        body["edited_text"] = sys.stdin.read() if edited == "-" else edited
    if rating is not None:
        body["rating"] = rating
    said = server.post("/v1/feedback", body)
    scored = server.wait_for(f"/v1/feedback/{said['feedback_id']}", "satisfaction", within_s=60) or said
    show([scored], ("feedback_id", "satisfaction"), as_json)
    if scored.get("note") and not as_json:
        console.print(escape(scored["note"]), highlight=False)


@jobs.command("list")
def list_jobs(user: User, as_json: AsJson = False) -> None:
    rows = list(api().pages(of_user(user, "/training-jobs")))
    show(rows, ("id", "recipe", "state", "stage", "progress", "origin", "created_at"), as_json)


@jobs.command("show")
def show_job(job: Annotated[str, typer.Argument()], as_json: AsJson = False) -> None:
    found = api().get(f"/v1/jobs/{job}")
    if as_json:
        print_json(found)
    else:
        _tell(found)


@jobs.command("cancel")
def cancel(job: Annotated[str, typer.Argument()], as_json: AsJson = False) -> None:
    """A waiting training ends at once, a running one at its next step."""
    asked = api().post(f"/v1/jobs/{job}/cancel")
    if as_json:
        print_json(asked)
        return
    console.print(f"[green]✓[/] {asked['state'] if asked['state'] == 'cancelled' else 'it ends at its next step'}")


@jobs.command("retry")
def retry(job: Annotated[str, typer.Argument()], as_json: AsJson = False) -> None:
    """Begin a failed or cancelled training again."""
    begun = api().post(f"/v1/jobs/{job}/retry")
    if as_json:
        print_json(begun)
    else:
        console.print(f"[green]✓[/] {begun['state']}")


@adapters.command("list")
def list_adapters(user: User, as_json: AsJson = False) -> None:
    rows = list(api().pages(of_user(user, "/adapters")))
    show(rows, VERSION, as_json)
    if not as_json:
        for row in rows:
            # Below the table, where no column folds them: they are there to be copied.
            console.print(f"{row['digest']}  version {row['version']}", highlight=False, soft_wrap=True)


@adapters.command("promote")
def promote(user: User, version: Annotated[int, typer.Argument()], as_json: AsJson = False) -> None:
    """Let a version speak for the person."""
    show_one(api().post(of_user(user, f"/adapters/{version}/promote")), POINTER, as_json)


@adapters.command("warm")
def warm(user: User, as_json: AsJson = False) -> None:
    """Load the version in use ahead of a rewrite."""
    show_one(api().post(of_user(user, "/adapter:warm")), ("user", "version", "digest", "milliseconds"), as_json)


@adapters.command("export")
def export(
    user: User,
    version: Annotated[int, typer.Argument()],
    folder: Annotated[Path, typer.Argument(help="where to put the PEFT folder; made if missing")],
    context: Annotated[str | None, typer.Option(help="which of its voices, if each has weights of its own")] = None,
) -> None:
    """Write a version as a PEFT folder."""
    query = f"?{urlencode({'context': context})}" if context else ""
    archive = api().download(of_user(user, f"/adapters/{version}/export{query}"))
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        for name in PEFT_FILES:
            (folder / name).write_bytes(found.read(name))
    console.print(f"[green]✓[/] {escape(str(folder))}", highlight=False)


@adapters.command("import")
def import_(
    user: User,
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="a PEFT folder of our base model")],
    as_json: AsJson = False,
) -> None:
    """Take in a PEFT folder as the person's next version; promote it to let it speak."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in PEFT_FILES:
            if not (folder / name).is_file():
                raise typer.BadParameter(f"{folder} holds no {name}", param_hint="FOLDER")
            archive.write(folder / name, name)
    taken = api().upload_archive(of_user(user, "/adapters/import"), packed.getvalue())
    show_one(taken, VERSION, as_json)


@adapters.command("rollback")
def rollback(user: User, as_json: AsJson = False) -> None:
    """Back to the version that spoke before."""
    show_one(api().post(of_user(user, "/adapters/rollback")), POINTER, as_json)


def _tell(job: dict[str, Any]) -> None:
    console.print(f"{job['id']}  [bold]{job['state']}[/]  {job['stage']}  {job['progress']:.0%}")
    if job.get("reason"):
        console.print(f"  {escape(job['reason'])} {escape(job.get('remedy') or '')}", highlight=False)
    result = job.get("result") or {}
    if result.get("version"):
        # Servers before this one did not always say what became of it.
        console.print(f"  version {result['version']}: [bold]{escape(result.get('outcome') or 'published')}[/]")
    for check in (result.get("gate") or {}).get("checks", []):
        mark = "[green]✓[/]" if check["passed"] else "[red]✗[/]"
        console.print(
            f"  {mark} {check['name']:<10} {escape(check['words'])} [dim]{check['bound']}[/]", highlight=False
        )
