"""`idiolect`: the command line. Groups of commands live in files of their own; this one puts them together."""

import os

import typer

from app.cli import evaluate, models, operate, people, voices
from app.cli.output import report_problems

app = typer.Typer(
    name="idiolect",
    help="A language model that writes the way each person does.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
operate.add_to(app)
people.add_to(app)
voices.add_to(app)
evaluate.add_to(app)
app.add_typer(models.group, name="models")


def main() -> None:
    # What people wrote is nobody else's on this machine: files of the server and its children are its owner's only.
    os.umask(0o077)
    with report_problems():
        app(prog_name="idiolect")
