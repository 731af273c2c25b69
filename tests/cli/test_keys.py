"""`idiolect keys` and `login`: no server is needed, the data folder is enough."""

from pathlib import Path

import pytest

from app.auth import authenticate
from app.config import Settings
from app.db import EVERY_TENANT, transaction
from app.errors import Unauthorized
from app.local import LOCAL_TENANT, ensure_tenant, key_file, local_key, make_key, prepare_local_key
from tests.cli.conftest import Idiolect


def test_a_created_key_is_all_that_stdout_holds_and_opens_the_door(idiolect: Idiolect) -> None:
    said = idiolect("keys", "create")
    assert said.code == 0
    assert authenticate(said.out.strip()).scopes == {"read", "write", "train"}
    assert "cannot be shown again" in said.err


def test_a_key_has_the_tenant_label_and_scopes_it_was_asked_for(idiolect: Idiolect) -> None:
    made = idiolect("keys", "create", "--tenant", "acme", "--label", "web [shop]", "--scope", "read", "--json").json
    assert authenticate(made["key"]).scopes == {"read"}
    [listed] = idiolect("keys", "list", "--json").json
    assert (listed["tenant"], listed["kid"], listed["label"]) == ("acme", made["kid"], "web [shop]")
    assert "web [shop]" in idiolect("keys", "list").out


def test_lists_never_hold_secrets(idiolect: Idiolect) -> None:
    secret = idiolect("keys", "create").out.strip().rsplit("_", 1)[1]
    assert secret not in idiolect("keys", "list").out + idiolect("keys", "list", "--json").out


def test_a_revoked_key_opens_nothing(idiolect: Idiolect) -> None:
    made = idiolect("keys", "create", "--json").json
    assert idiolect("keys", "revoke", made["kid"]).code == 0
    with pytest.raises(Unauthorized, match="revoked"):
        authenticate(made["key"])


def test_an_unknown_scope_is_refused_with_those_there_are(idiolect: Idiolect) -> None:
    said = idiolect("keys", "create", "--scope", "fly")
    assert said.code == 1
    assert "fly" in said.words
    assert "read, write, train" in said.words


def test_an_unknown_key_cannot_be_revoked(idiolect: Idiolect) -> None:
    said = idiolect("keys", "revoke", "abcdef")
    assert said.code == 1
    assert "there is no key abcdef" in said.words


def test_an_empty_data_folder_has_no_keys(idiolect: Idiolect) -> None:
    assert idiolect("keys", "list", "--json").json == []
    assert "nothing yet" in idiolect("keys", "list").out


def test_login_prints_a_link_to_this_server(idiolect: Idiolect, settings: Settings) -> None:
    said = idiolect("login")
    assert said.out.startswith(f"http://127.0.0.1:{settings.port}/admin/login/")
    assert len(said.out.split()) == 1


def test_the_command_lines_own_key_is_only_its_owners_to_read(
    idiolect: Idiolect, settings: Settings, server: object
) -> None:
    idiolect("users", "list")
    path = Path(settings.data_dir / "cli.key")
    assert path.stat().st_mode & 0o777 == 0o600
    assert authenticate(path.read_text()).scopes == {"read", "write", "train"}


def test_a_kept_key_that_is_not_taken_is_named_with_its_file(
    idiolect: Idiolect, settings: Settings, server: object
) -> None:
    key_file(settings).write_text("idio_0123456789ab_of-another-database")
    said = idiolect("users", "list")
    assert said.code == 1
    assert f"{key_file(settings)}: delete that file" in said.words
    key_file(settings).unlink()
    assert idiolect("users", "list").code == 0


@pytest.mark.usefixtures("database")
def test_a_server_starts_with_a_key_that_its_database_takes(settings: Settings) -> None:
    kept = local_key(settings)
    prepare_local_key(settings)
    assert local_key(settings) == kept
    key_file(settings).write_text("idio_0123456789ab_of-another-database")
    prepare_local_key(settings)
    assert authenticate(local_key(settings)).scopes == {"read", "write", "train"}


@pytest.mark.usefixtures("database")
def test_a_key_is_made_for_the_tenant_that_is_named(settings: Settings) -> None:
    with transaction(EVERY_TENANT) as session:
        demo, local = (ensure_tenant(session, name).id for name in ("demo", LOCAL_TENANT))
    assert authenticate(make_key(settings, "demo", "of a test")).tenant_id == demo != local
