"""Small real things for every test: a data folder, a migrated database, tenants, people and a client with a key."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from fastapi.testclient import TestClient

from app import auth
from app.config import Settings, get_settings
from app.db import EVERY_TENANT, get_engine, migrate, new_id, transaction
from app.inference.fake import FakeEngine
from app.models import Adapter, StyleSample, Tenant, User
from app.storage import open_storage
from tests.s3 import S3Server
from tests.services import postgres_programs

# As under the supervisor: torch threads that wait by spinning take the cores from the processes that tests start.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))

# A busy machine is no failure.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests go first, so that no core is left alone with one at the end.

    Browser tests go last: Playwright's event loop stays in the main thread, where no other can then run.
    """
    marks: dict[Path, set[str]] = {}
    for item in items:
        marks.setdefault(item.path, set()).update(mark.name for mark in item.iter_markers())

    def place(item: pytest.Item) -> list[bool]:
        of_file = marks[item.path]
        return ["browser" in of_file, "model" not in of_file, "slow" not in of_file]

    items.sort(key=place)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of an embedded server in an empty folder, whatever the environment says."""
    for name in [name for name in os.environ if name.startswith("IDIOLECT_") and name != "IDIOLECT_DEVICE"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("IDIOLECT_DATA_DIR", str(data_dir))
    get_settings.cache_clear()
    yield get_settings()
    get_settings.cache_clear()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite database to copy from: migrating takes 0.3 s, copying none."""
    path = tmp_path_factory.mktemp("migrated") / "idiolect.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def database(
    request: pytest.FixtureRequest, settings: Settings, migrated_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The URL of a migrated database of this test's own: a SQLite file, or what `on_both` asks for."""
    if getattr(request, "param", "sqlite") == "postgres":
        url = request.getfixturevalue("postgres_database")
        monkeypatch.setenv("IDIOLECT_DATABASE_URL", url)
        get_settings.cache_clear()
    else:
        url = settings.resolved_database_url
        shutil.copy(migrated_file, url.removeprefix("sqlite:///"))
    yield url
    get_engine(url).dispose()


@pytest.fixture
def make_tenant(database: str) -> Callable[[str], Tenant]:
    def make(name: str) -> Tenant:
        with transaction(EVERY_TENANT) as session:
            tenant = Tenant(name=name)
            session.add(tenant)
        return tenant

    return make


@pytest.fixture
def tenant(make_tenant: Callable[[str], Tenant]) -> Tenant:
    return make_tenant("ours")


@pytest.fixture
def other_tenant(make_tenant: Callable[[str], Tenant]) -> Tenant:
    return make_tenant("theirs")


@pytest.fixture
def make_key() -> Callable[..., str]:
    """`make_key(tenant, scopes=..., expires_at=...)` is a key to send."""

    def make(tenant: Tenant, **options: Any) -> str:
        with transaction(EVERY_TENANT) as session:
            return auth.create_key(session, tenant.id, **options)[1]

    return make


@pytest.fixture
def api_key(tenant: Tenant, make_key: Callable[..., str]) -> str:
    return make_key(tenant)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def anonymous(database: str, engine: FakeEngine) -> Iterator[TestClient]:
    """A client without a key."""
    from app.main import create_app

    with TestClient(create_app(engine), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def client(anonymous: TestClient, api_key: str) -> TestClient:
    """A client with a key of `tenant` and all scopes."""
    anonymous.headers["Authorization"] = f"Bearer {api_key}"
    return anonymous


@pytest.fixture
def make_user(tenant: Tenant) -> Callable[..., User]:
    """`make_user("ada")`, or of another tenant: `make_user("ada", other_tenant)`."""

    def make(external_id: str = "ada", of: Tenant = tenant) -> User:
        with transaction(of.id) as session:
            user = User(tenant_id=of.id, external_id=external_id)
            session.add(user)
        return user

    return make


@pytest.fixture
def make_samples() -> Callable[..., list[StyleSample]]:
    """`make_samples(user, ["a text", ...], context="work")`, or a number of made-up texts."""

    def make(user: User, texts: list[str] | int = 6, context: str | None = None) -> list[StyleSample]:
        from app.samples.service import fingerprint

        if isinstance(texts, int):
            texts = [f"{user.external_id} writes sentence number {i}, and means it." for i in range(texts)]
        with transaction(user.tenant_id) as session:
            rows = [
                StyleSample(
                    tenant_id=user.tenant_id, user_id=user.id, text=text, context=context, sha256=fingerprint(text)
                )
                for text in texts
            ]
            session.add_all(rows)
        return rows

    return make


@pytest.fixture
def make_adapter(settings: Settings) -> Callable[..., Adapter]:
    """`make_adapter(user, b"bytes", promote=True)`: the file is stored and its version published."""

    def make(user: User, content: bytes = b"adapter", *, promote: bool = False, **columns: Any) -> Adapter:
        from app.adapters import service

        digest = open_storage(get_settings()).put(content)
        with transaction(user.tenant_id) as session:
            adapter = service.publish(
                session, user_id=user.id, digest=digest, base_digest="0" * 64, size_bytes=len(content), **columns
            )
            if promote:
                service.promote(session, user.id, adapter.version)
        return adapter

    return make


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An object storage of this test run's own. Whoever freezes or kills one takes another: S3Server()."""
    with S3Server() as server:
        yield server


@pytest.fixture
def bucket(s3: S3Server, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty bucket, below whose `voices/` the settings keep adapters."""
    return s3.serve(monkeypatch)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL of this test run's own, as a URL without a database; fails where it is not installed."""
    programs = postgres_programs()
    # pytest's own temporary folders are closed to other accounts, and PostgreSQL refuses to run as root.
    account: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="idiolect-postgres-", ignore_cleanup_errors=True) as folder:
        if account:
            shutil.chown(folder, "postgres", "postgres")

        def run(program: str, *arguments: str) -> None:
            command = [str(programs / program), "-D", f"{folder}/cluster", *arguments]
            subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, timeout=60, **account)

        run("initdb", "-U", "root", "--auth=trust", "--encoding=UTF8", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-o", options, "-l", f"{folder}/log", "-w", "start")
        try:
            server = f"root@127.0.0.1:{port}"
            _as_root(server, "CREATE ROLE idiolect LOGIN", "CREATE DATABASE migrated OWNER idiolect")
            migrate(f"postgresql://idiolect@127.0.0.1:{port}/migrated")
            yield f"127.0.0.1:{port}"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")


@pytest.fixture
def postgres_database(postgres: str) -> str:
    """The URL of a migrated database, for the role that owns its tables and is no superuser."""
    return _new_postgres_database(postgres, "migrated")


@pytest.fixture
def empty_postgres(postgres: str) -> str:
    return _new_postgres_database(postgres, "template1")


def _new_postgres_database(postgres: str, template: str) -> str:
    name = f"test_{new_id().replace('-', '')}"
    _as_root(f"root@{postgres}", f"CREATE DATABASE {name} OWNER idiolect TEMPLATE {template}")
    return f"postgresql://idiolect@{postgres}/{name}"


def _as_root(server: str, *statements: str) -> None:
    with psycopg.connect(f"postgresql://{server}/postgres", autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
