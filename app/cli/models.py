"""The shipped artefacts: rebuild them from openly licensed data."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.output import console, print_json
from app.config import get_settings

group = typer.Typer(help="Models and the artefacts that ship with Idiolect.", no_args_is_help=True)
ASSETS = Path(__file__).parent.parent / "assets"


@group.callback()
def models() -> None:
    """Models and the artefacts that ship with Idiolect."""


@group.command("build")
def build(
    name: Annotated[Literal["style", "satisfaction", "warmup"], typer.Argument(help="which artefact")],
    data: Annotated[
        Path, typer.Option(help="folder that holds goemotions/ and rated_sentiment/", exists=True, file_okay=False)
    ],
    target: Annotated[Path, typer.Option(help="where to write it; the package's own assets if left out")] = ASSETS,
) -> None:
    """Build an artefact by its recipe and print what was measured."""
    report = lambda words: console.print(f"[dim]{words}[/]", highlight=False)
    if name == "style":
        from app.assets.build import style

        print_json(style.build(data, target, report))
    elif name == "satisfaction":
        from app.assets.build import satisfaction

        print_json(satisfaction.build(data, target, report))
    else:
        from app.assets.build import warmup

        policy, base_digest = warmup.fresh_policy(get_settings())
        print_json(warmup.build(policy, base_digest, data, target, report))
