"""The models behind the server: what they are, what they say of a text, how those that ship are built."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from rich.markup import escape

from app.cli.lines import texts
from app.cli.output import AsJson, console, print_json, show
from app.config import get_settings

if TYPE_CHECKING:
    from torch import Tensor

    from app.learning.types import Encoder

group = typer.Typer(help="Models and the artefacts that ship with Idiolect.", no_args_is_help=True)
ASSETS = Path(__file__).parent.parent / "assets"
COLUMNS = ("name", "kind", "source", "licence", "size", "is_on_disk")


@group.callback()
def models() -> None:
    """Models and the artefacts that ship with Idiolect."""


@group.command("list")
def list_(as_json: AsJson = False) -> None:
    """Every model in use: where it comes from, its licence, its sha256, and whether it is on this disk."""
    from app.inference.catalogue import models as every

    rows = [model.row() for model in every(get_settings())]
    if as_json:
        print_json(rows)
        return
    show([row | {"size": _size(row["size"])} for row in rows], COLUMNS, as_json=False)
    for row in rows:
        # Below the table, where no column folds them: they are there to be compared.
        console.print(f"{row['sha256'] or '–':64}  {row['name']}: {row['used']}", highlight=False, soft_wrap=True)


@group.command("embed")
def embed(
    model: Annotated[Literal["style", "meaning", "judge"], typer.Option(help="judge: the encoder that never rewards")],
) -> None:
    """A text per line of stdin; a line {"embedding": [...]} for each, a unit row, in their order."""
    from app.inference import encoders

    load: dict[str, Callable[[], Encoder]] = {
        "style": encoders.style_encoder,
        "meaning": encoders.meaning_encoder,
        "judge": encoders.evaluation_encoder,
    }
    encode = load[model]()
    for batch in texts(as_json=False):
        _answer("embedding", encode([text if text.strip() else "." for text in batch]))


@group.command("score")
def score(
    model: Annotated[
        Literal["satisfaction", "human"],
        typer.Option(help="satisfaction: how pleased a reaction sounds; human: was it written by a person"),
    ],
) -> None:
    """A line {"text": "..."} each on stdin; a line {"score": ...} in [0, 1] for each, in their order."""
    from app.inference import encoders

    scores = {"satisfaction": encoders.satisfaction_scorer, "human": encoders.human_scorer}[model]()
    for batch in texts(as_json=True):
        _answer("score", scores(batch))


NEEDED: Final = {
    "style": ("goemotions", "rated_sentiment", "machine_text"),
    "satisfaction": ("goemotions", "rated_sentiment"),
    "human": ("machine_text",),
    "warmup": ("goemotions", "rated_sentiment"),
}
"""Folders of data that each recipe reads: asked for before anything else is fetched or converted."""


@group.command("build")
def build(
    name: Annotated[Literal["style", "satisfaction", "human", "warmup"], typer.Argument(help="which artefact")],
    data: Annotated[
        Path,
        typer.Option(help="folder with goemotions/, rated_sentiment/, machine_text/", exists=True, file_okay=False),
    ],
    target: Annotated[Path, typer.Option(help="where to write it; the package's own assets if left out")] = ASSETS,
) -> None:
    """Build an artefact by its recipe and print what was measured."""
    if missing := [folder for folder in NEEDED[name] if not any((data / folder).glob("*.jsonl"))]:
        raise typer.BadParameter(
            f"{data} does not hold {', '.join(missing)}, which {name} is built from", param_hint="--data"
        )
    report = lambda words: console.print(f"[dim]{words}[/]", highlight=False)
    if name == "style":
        from app.assets.build import style

        print_json(style.build(data, target, report))
    elif name == "satisfaction":
        from app.assets.build import satisfaction

        print_json(satisfaction.build(data, target, report))
    elif name == "human":
        from app.assets.build import human

        print_json(human.build(data, target, report))
    else:
        from app.assets.build import warmup

        policy, base_digest = warmup.fresh_policy(get_settings())
        print_json(warmup.build(policy, base_digest, data, target, report))


@group.command("warm-up")
def warm_up(
    texts: Annotated[
        Path | None,
        typer.Option(
            help="texts of people, a line each, to learn from beside everyday messages; all tenants share the result",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="as the base's size asks for if left out")
    ] = None,
) -> None:
    """Teach the base named in IDIOLECT_BASE_MODEL to rewrite without an instruction, once; the packaged one can."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from app.assets.build import own_warmup

    heard = own_warmup.texts_of(texts) if texts else []
    columns = (BarColumn(bar_width=28), MofNCompleteColumn(), TextColumn("{task.fields[loss]}"))
    with Progress(
        TextColumn("[bold]{task.description}"), *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console
    ) as progress:
        task = progress.add_task("warm-up", total=None, loss="preparing the base model")
        folder, tried = own_warmup.warm_up(
            get_settings(),
            heard,
            steps,
            lambda step: progress.update(
                task, completed=step.index, total=step.total, loss=f"nll {step.metrics['nll']:.2f}"
            ),
        )
    for source, written in tried.texts[:3]:
        console.print(f"  [dim]{escape(source)}[/]\n→ {escape(written) or '(nothing)'}", highlight=False)
    console.print(
        f"Of {len(tried.texts)} messages that it had not seen, {tried.well_formed:.0%} in the agreed form, "
        f"{tried.copies:.0%} copied. `idiolect evaluate --suite artefacts --base …` measures more.",
        highlight=False,
    )
    console.print(f"[green]✓[/] IDIOLECT_BASE_MODEL={folder.resolve()}", highlight=False, soft_wrap=True)


def _answer(name: str, values: "Tensor") -> None:
    """A line per row, written out at once: whoever feeds lines one by one waits for theirs."""
    for value in values.tolist():
        sys.stdout.write(json.dumps({name: _rounded(value)}) + "\n")
    sys.stdout.flush()


def _rounded(value: float | list[float]) -> float | list[float]:
    return [round(number, 6) for number in value] if isinstance(value, list) else round(value, 6)


def _size(count: int | None) -> str:
    return "–" if count is None else f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"
