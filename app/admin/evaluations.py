"""What `idiolect evaluate` found, as far as its reports lie in this machine's data folder: tables, plots and texts."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ValidationError

from app.admin.access import Viewer
from app.admin.rendering import PageRoute, page
from app.config import get_settings
from app.errors import NotFound

REPORT, TEXTS, PLOT = "report.json", "texts.md", ".png"
HERE: Final = "/admin/evaluations"

router = APIRouter(prefix=HERE, include_in_schema=False, route_class=PageRoute)


class FoundTable(BaseModel):
    title: str
    rows: list[dict[str, Any]]
    """By column; the first names the row. Intervals are [mean, low, high]."""
    notes: list[str] = []


class Found(BaseModel):
    """A report, as app/evaluation/report.py writes it."""

    title: str
    about: list[str]
    tables: list[FoundTable]
    figures: list[str]


@router.get("")
def evaluations(request: Request, who: Viewer) -> Response:
    reports = [(name, _title(folder), _written(folder)) for name, folder in _folders().items()]
    reports.sort(key=lambda each: each[2], reverse=True)
    return page(request, "evaluations.html", reports=reports)


@router.get("/{name}")
def evaluation(request: Request, who: Viewer, name: str) -> Response:
    folder = _folder(name)
    has_texts = (folder / TEXTS).exists()
    return page(request, "evaluation.html", name=name, report=_read(folder), when=_written(folder), has_texts=has_texts)


@router.get("/{name}/{file}")
def file(who: Viewer, name: str, file: str) -> Response:
    folder = _folder(name)
    # Only names from the folder itself lead anywhere, so no address leaves it.
    known = {path.name: path for path in folder.iterdir() if path.suffix == PLOT or path.name == TEXTS}
    if file not in known:
        raise NotFound(f"the report {name} has no file {file}", remedy=f"Open {HERE}/{name} for what there is.")
    kind = "image/png" if known[file].suffix == PLOT else "text/plain; charset=utf-8"
    return FileResponse(known[file], media_type=kind)


def _folders() -> dict[str, Path]:
    """Of every report, by its name."""
    return {path.parent.name: path.parent for path in (get_settings().data_dir / "evaluation").glob(f"*/{REPORT}")}


def _folder(name: str) -> Path:
    folders = _folders()
    if name not in folders:
        raise NotFound(f"there is no evaluation {name}", remedy="Make one: idiolect evaluate --suite dropout.")
    return folders[name]


def _read(folder: Path) -> Found:
    try:
        return Found.model_validate_json((folder / REPORT).read_bytes())
    except (ValidationError, OSError) as error:
        raise NotFound(
            f"the report {folder.name} cannot be read", remedy=f"Run the same evaluation again: it rewrites {REPORT}."
        ) from error


def _title(folder: Path) -> str:
    """Or what to do about a report that cannot be read, which shall not hide the others."""
    try:
        return _read(folder).title
    except NotFound as problem:
        return f"{problem.detail}: {problem.remedy}"


def _written(folder: Path) -> datetime:
    return datetime.fromtimestamp((folder / REPORT).stat().st_mtime, UTC)
