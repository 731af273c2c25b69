"""People and their writing: users, samples."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from app.cli.output import AsJson, User, api, errors, show, show_one
from app.rest import Api, Problem, of_user

users = typer.Typer(help="People of your tenant.", no_args_is_help=True)
samples = typer.Typer(help="What people wrote.", no_args_is_help=True)

COUNTS = ("stored", "duplicates", "rejected")


def add_to(app: typer.Typer) -> None:
    app.add_typer(users, name="users")
    app.add_typer(samples, name="samples")


@users.command("list")
def list_users(as_json: AsJson = False) -> None:
    show(list(api().pages("/v1/users")), ("id", "display_name", "active_version", "created_at"), as_json)


@users.command("add")
def add_user(user: User, name: Annotated[str, typer.Option(help="name to show")] = "", as_json: AsJson = False) -> None:
    show([api().post("/v1/users", {"id": user, "display_name": name})], ("id", "display_name"), as_json)


@users.command("delete")
def delete_user(
    user: User, yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False, as_json: AsJson = False
) -> None:
    """Erase a person with everything learned from them; prints the receipt."""
    if not yes:
        typer.confirm(f"Erase {user} with all samples, versions and feedback?", abort=True)
    receipt = api().delete(of_user(user))
    counts = receipt["erased"]
    show_one(receipt if as_json else {"user": user, **counts}, ("user", *counts), as_json)


@samples.command("add")
def add_samples(
    user: User,
    files: Annotated[
        list[Path], typer.Argument(help=".txt, .md, .jsonl, .csv or .eml files", exists=True, dir_okay=False)
    ],
    context: Annotated[str | None, typer.Option(help="the occasion they were written for, such as work")] = None,
    as_json: AsJson = False,
) -> None:
    """Upload files; the person is made if they are new. A file that cannot be read ends it, with exit code 1."""
    server = api()
    _ensure(server, user)
    answers: list[dict[str, Any]] = []
    try:
        for file in files:
            answer = server.upload(of_user(user, "/samples"), file, context)
            answers.append({"file": file.name, **{name: answer[name] for name in COUNTS}})
            for item in answer["items"]:
                if item["result"] == "rejected":
                    errors.print(f"[yellow]![/] {escape(item['place'])}: {escape(item['reason'])}", highlight=False)
    finally:
        show(answers, ("file", *COUNTS), as_json)


def _ensure(server: Api, user: str) -> None:
    try:
        server.get(of_user(user))
    except Problem as problem:
        if problem.status != 404:
            raise
        server.post("/v1/users", {"id": user})


@samples.command("list")
def list_samples(user: User, as_json: AsJson = False) -> None:
    show(list(api().pages(of_user(user, "/samples"))), ("id", "context", "text"), as_json)
