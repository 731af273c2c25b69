"""How commands speak: tables for people, `--json` for programs, problems with their remedy on stderr."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import httpx
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.exc import OperationalError

from app.config import get_settings
from app.errors import AppError
from app.inference.architecture import UnsupportedModel
from app.inference.packaged import BaseUnavailable
from app.local import key_remedy, local_key, web_address
from app.rest import Api, Problem
from app.supervisor import CannotStart

console = Console()
errors = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="print JSON instead of tables")]
UTF8 = "Convert it to UTF-8, or set LANG to a UTF-8 locale such as C.UTF-8."
User = Annotated[str, typer.Argument(help="your own id of the person")]


def api() -> Api:
    settings = get_settings()
    return Api(web_address(settings), local_key(settings))


def show(rows: Sequence[dict[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    if as_json:
        print_json(list(rows))
        return
    if not rows:
        console.print("[dim]nothing yet[/]")
        return
    table = Table()
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")  # a shortened id is of no use
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    console.print(table)


def show_one(answer: dict[str, Any], columns: Sequence[str], as_json: bool) -> None:
    """What was done, rather than what there is: one object, also as JSON."""
    if as_json:
        print_json(answer)
    else:
        show([answer], columns, as_json=False)


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3g}"
    return escape(str(value))


@contextmanager
def report_problems() -> Iterator[None]:
    """Every expected failure ends in one sentence, its remedy and exit code 1; the rest is a bug and shows itself."""
    from app.demo.people import NoSamples
    from app.demo.steps import DemoFailed
    from app.evaluation.problems import CannotEvaluate

    try:
        yield
    except Problem as problem:
        is_key_wrong = problem.status == httpx.codes.UNAUTHORIZED
        _end(str(problem), key_remedy(get_settings()) if is_key_wrong else problem.remedy)
    except AppError as problem:
        _end(problem.detail, problem.remedy)
    except CannotStart as problem:
        _end(problem.reason, problem.remedy)
    except (DemoFailed, NoSamples, BaseUnavailable, UnsupportedModel) as problem:
        _end(str(problem), "")
    except CannotEvaluate as problem:
        _end(str(problem), problem.remedy)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in wrong["loc"]).upper()
        _end(f"the setting IDIOLECT_{name} cannot be used: {wrong['msg']}", "Correct it, or unset it for the default.")
    except OperationalError as error:
        _end(f"the database cannot be used: {error.orig}", "Check IDIOLECT_DATABASE_URL, and that it is running.")
    except UnicodeError:
        _end("what was given is not text in UTF-8, or what is to be shown is more than the terminal can", UTF8)
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        _end(f"{named}{error.strerror or error}", "Check that the path is right and that you may read and write there.")
    except httpx.TransportError:
        _end(f"no server answers at {web_address(get_settings())}", "Start one with `idiolect up`.")


def _end(words: str, remedy: str) -> None:
    errors.print(f"[red]✗[/] {escape(words)}", highlight=False, soft_wrap=True)
    if remedy:
        errors.print(f"  {escape(remedy)}", highlight=False, soft_wrap=True)
    raise SystemExit(1)
