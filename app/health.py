"""Is the process alive, and could it serve now? Open to anybody, so the answers hold no addresses or secrets."""

from importlib.metadata import version
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from app.config import get_settings
from app.db import head, revision
from app.engine import EngineDep
from app.inference.types import Engine, EngineError
from app.queue import broker_ok
from app.storage import StorageUnavailable, open_storage

router = APIRouter(tags=["health"])


class Check(BaseModel):
    ok: bool
    why: str = ""


class Readiness(BaseModel):
    ready: bool
    checks: dict[str, Check]


class Version(BaseModel):
    name: str
    version: str
    migration: str


def check_database() -> dict[str, Check]:
    try:
        present, wanted = revision(get_settings().resolved_database_url), head()
    except SQLAlchemyError as error:
        why = f"the database cannot be reached ({type(error).__name__})"
        return {"database": Check(ok=False, why=why), "migrations": Check(ok=False, why="unknown without a database")}
    why = (
        "" if present == wanted else f"the database is at {present}, the code wants {wanted}: run alembic upgrade head"
    )
    return {"database": Check(ok=True), "migrations": Check(ok=present == wanted, why=why)}


def check_broker() -> dict[str, Check]:
    ok = broker_ok()
    return {"broker": Check(ok=ok, why="" if ok else "messages cannot be sent; jobs wait for the next sweep")}


def check_storage() -> dict[str, Check]:
    """Of a bucket: a folder is made when it is first needed."""
    settings = get_settings()
    if settings.bucket is None:
        return {}
    try:
        open_storage(settings).check()
    except StorageUnavailable as error:
        return {"storage": Check(ok=False, why=error.detail)}
    return {"storage": Check(ok=True)}


async def check_engine(engine: Engine) -> dict[str, Check]:
    try:
        await engine.info()
    except EngineError as error:
        return {"engine": Check(ok=False, why=f"{error.code}: {error}")}
    return {"engine": Check(ok=True)}


async def readiness(engine: EngineDep) -> Readiness:
    checks = await anyio.to_thread.run_sync(check_database)
    checks |= await anyio.to_thread.run_sync(check_broker)
    checks |= await anyio.to_thread.run_sync(check_storage)
    checks |= await check_engine(engine)
    return Readiness(ready=all(check.ok for check in checks.values()), checks=checks)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"model": Readiness}})
async def readyz(state: Annotated[Readiness, Depends(readiness)], response: Response) -> Readiness:
    """Every part it needs, with why not; 503 unless all are there."""
    response.status_code = 200 if state.ready else 503
    return state


@router.get("/version")
def build() -> Version:
    return Version(name="idiolect", version=version("idiolect"), migration=head())
