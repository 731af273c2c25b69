"""People and their writing: users, samples."""

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.output import AsJson, User, api, console, print_json, show

users = typer.Typer(help="People of your tenant.", no_args_is_help=True)
samples = typer.Typer(help="What people wrote.", no_args_is_help=True)


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
def delete_user(user: User, yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False) -> None:
    """Erase a person with everything learned from them; prints the receipt."""
    if not yes:
        typer.confirm(f"Erase {user} with all samples, versions and feedback?", abort=True)
    print_json(api().delete(f"/v1/users/{user}"))


@samples.command("add")
def add_samples(
    user: User,
    files: Annotated[
        list[Path], typer.Argument(help=".txt, .md, .jsonl, .csv or .eml files", exists=True, dir_okay=False)
    ],
    as_json: AsJson = False,
) -> None:
    """Upload files; the person is made if they are new."""
    server = api()
    known = {row["id"] for row in server.pages("/v1/users")}
    if user not in known:
        server.post("/v1/users", {"id": user})
    answers: list[dict[str, Any]] = []
    for file in files:
        answer = server.upload(f"/v1/users/{user}/samples", file)
        answers.append({"file": file.name, **{k: v for k, v in answer.items() if isinstance(v, int)}})
        for item in answer.get("items", []):
            if item.get("result") == "rejected":
                console.print(f"[yellow]{file.name}[/] {item.get('reason')}", highlight=False)
    show(answers, list(answers[0]), as_json)


@samples.command("list")
def list_samples(user: User, as_json: AsJson = False) -> None:
    show(list(api().pages(f"/v1/users/{user}/samples")), ("id", "context", "text"), as_json)
