"""Running the server: up, serve, demo, login, keys."""

import signal
from pathlib import Path
from typing import Annotated

import typer

from app.auth import SCOPES
from app.cli.output import AsJson, console, errors, print_json, show
from app.config import Settings, get_settings
from app.db import EVERY_TENANT, migrate, transaction
from app.local import LOCAL_TENANT, ensure_tenant, login_address, prepare_local_key, web_address
from app.supervisor import Supervisor
from app.tenants import service as tenants

keys = typer.Typer(help="API keys of tenants.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.command("up")(up)
    app.command("serve")(up)
    app.command("demo")(demo)
    app.command("login")(login)
    app.add_typer(keys, name="keys")


def up(
    host: Annotated[str | None, typer.Option(help="address to listen on")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on", min=1, max=65535)] = None,
) -> None:
    """Start web, engine and workers; stay until Ctrl-C. `serve` is the same."""
    settings = _with(get_settings(), host=host, port=port)
    _prepare_base(settings)
    prepare_local_key(settings)
    supervisor = Supervisor(settings)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: supervisor.request_stop())
    try:
        with console.status("starting web, engine and workers …"):
            supervisor.start(tell=lambda words: console.print(words[:200], style="dim", markup=False))
        console.print(f"[green]✓[/] ready at [bold]{web_address(settings)}[/] (API: {web_address(settings)}/docs)")
        console.print(f"  dashboard, once within 15 minutes: {login_address(settings)}", soft_wrap=True)
        console.print("  [dim]Ctrl-C stops everything.[/]")
        supervisor.wait()
    finally:
        supervisor.stop()


def demo(
    quick: Annotated[bool, typer.Option("--quick", help="one person, fewer texts")] = False,
    samples: Annotated[
        Path | None, typer.Option(help="a folder of your own texts instead of the invented people")
    ] = None,
) -> None:
    """Learn four voices in front of you, rewrite unseen texts in them, and tell whether it worked."""
    from app.demo.run import Options, run

    run(get_settings(), Options(quick, samples), console)


def login() -> None:
    """Print a link that opens the dashboard once."""
    console.print(login_address(get_settings()), soft_wrap=True, highlight=False)


@keys.command("create")
def create(
    tenant: Annotated[
        str, typer.Option(help="whose key; the tenant is made if there is none of that name")
    ] = LOCAL_TENANT,
    label: Annotated[str, typer.Option(help="what the key is for")] = "",
    scope: Annotated[list[str] | None, typer.Option(help=f"{', '.join(SCOPES)}; all if left out")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, this once."""
    migrate(get_settings().resolved_database_url)
    with transaction(EVERY_TENANT) as session:
        row, key = tenants.create_key(session, ensure_tenant(session, tenant).name, label, scope or SCOPES)
        found = {"tenant": tenant, "kid": row.kid, "scopes": row.scopes, "key": key}
    if as_json:
        print_json(found)
    else:
        console.print(key, soft_wrap=True, highlight=False)
        errors.print("[dim]Keep it: it cannot be shown again.[/]")  # not on stdout: KEY=$(idiolect keys create)


@keys.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """All keys, without their secrets."""
    migrate(get_settings().resolved_database_url)
    with transaction(EVERY_TENANT, read_only=True) as session:
        columns = ("kid", "label", "scopes", "created_at", "last_used_at", "revoked_at")
        rows = [
            {"tenant": tenant.name} | {name: getattr(key, name) for name in columns}
            for tenant in tenants.everyone(session)
            for key in tenants.keys(session, tenant.name)
        ]
    show(rows, ("tenant", "kid", "label", "scopes", "created_at", "last_used_at", "revoked_at"), as_json)


@keys.command("revoke")
def revoke_key(kid: Annotated[str, typer.Argument(help="the key's id, as `keys list` shows it")]) -> None:
    """Make a key useless from its next request on."""
    migrate(get_settings().resolved_database_url)
    with transaction(EVERY_TENANT) as session:
        tenants.revoke_key(session, kid)
    console.print(f"[green]✓[/] {kid} is revoked")


def _prepare_base(settings: Settings) -> None:
    from app.inference.base import ensure_base

    with console.status("preparing the base model …"):
        ensure_base(settings)


def _with(settings: Settings, **changes: object) -> Settings:
    """Raises ValidationError, as the settings themselves do."""
    return Settings(**settings.model_dump() | {name: value for name, value in changes.items() if value is not None})
