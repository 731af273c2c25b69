"""`idiolect evaluate`: the tables that say whether it works."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table as Screen

from app.cli.output import api, console
from app.rest import of_user

SEEDS = {"artefacts": 1, "dropout": 3, "authors": 1, "arf": 3}


def add_to(app: typer.Typer) -> None:
    app.command("evaluate")(evaluate)


def evaluate(
    suite: Annotated[
        Literal["artefacts", "dropout", "authors", "arf"],
        typer.Option(help="artefacts: the shipped models; dropout: every voice; authors: real people; arf: listening"),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            help="folder with stel/, goemotions/, rated_sentiment/, machine_text/ (artefacts), authors_short/, "
            "authors_cmcc/, machine_text/ (authors); dropout shows P(human) with machine_text/",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="where results and report go, and are found again; .idiolect/evaluation/SUITE if left out"),
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, max=20, help="how often every training is repeated")] = None,
    user: Annotated[
        list[str] | None,
        typer.Option(help="authors: somebody of your server, in place of the authors of --data (repeatable)"),
    ] = None,
    people: Annotated[int | None, typer.Option(min=1, help="at most so many people of a suite")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="only arms with this in their names, such as voice or seed-1 (repeatable); a later run adds"),
    ] = None,
    base: Annotated[str | None, typer.Option(help="another base model: a folder or a hub id")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="a few steps and texts: shows that it runs, not how good")
    ] = False,
    so_far: Annotated[
        bool, typer.Option("--so-far", help="run nothing: report what was run already, and name what is missing")
    ] = False,
    judge_url: Annotated[str, typer.Option(help="an OpenAI-compatible endpoint that judges pairs (dropout)")] = "",
    judge_model: Annotated[str, typer.Option(help="the model there")] = "",
    judge_key: Annotated[str, typer.Option(envvar="IDIOLECT_JUDGE_KEY", help="its key", show_envvar=True)] = "",
) -> None:
    """Measure, compare, and write report.json, report.md, plots and texts. Killed, it goes on where it stopped."""
    from app.config import get_settings
    from app.evaluation.evaluate import evaluate as run_suite
    from app.evaluation.files import file_name
    from app.evaluation.judging import Endpoint
    from app.evaluation.plan import Plan

    if bool(judge_url) != bool(judge_model):
        raise typer.BadParameter("--judge-url and --judge-model go together: give both or neither")
    if user and suite != "authors":
        raise typer.BadParameter("--user goes with --suite authors: the other suites are about nobody of your server")
    if user and people:
        raise typer.BadParameter("--people counts the people of a suite; with --user it is about those you name")
    settings = get_settings()
    written = {name: _written(name) for name in user or ()}
    called = file_name(" ".join([suite, *written, *(["quick"] if quick else [])]))
    folder = out or settings.data_dir / "evaluation" / called
    plan = Plan(suite, folder, 1 if quick else seeds or SEEDS[suite], quick, data, people, only or (), written)
    if base:
        settings = settings.model_copy(update={"base_model": base})
    judge = Endpoint(judge_url, judge_model, judge_key) if judge_url else None
    report = run_suite(plan, settings, console, judge, is_so_far=so_far)
    for table in report.tables:
        screen = Screen(title=escape(table.title), title_justify="left")
        for place, column in enumerate(table.columns):
            screen.add_column(escape(column), justify="left" if place == 0 else "right", overflow="fold")
        for row in table.cells():
            screen.add_row(*map(escape, row))
        console.print(screen)
    for note in report.about:
        console.print(f"[dim]{escape(note)}[/]", highlight=False)
    console.print(f"[green]✓[/] {escape(str(folder / 'report.md'))}", highlight=False)


def _written(user: str) -> list[tuple[str, str | None]]:
    return [(sample["text"], sample["context"]) for sample in api().pages(of_user(user, "/samples"))]
