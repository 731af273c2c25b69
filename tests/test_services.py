from pathlib import Path

import pytest

from tests.services import CHROMIUM, chromium_program, postgres_programs


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o755)
    return path


def test_of_several_versions_of_postgresql_the_newest_is_taken(tmp_path: Path) -> None:
    for version in ("9", "15", "17", "common"):
        program(tmp_path / version / "bin" / "initdb")
    (tmp_path / "18" / "bin").mkdir(parents=True)  # the client alone
    assert postgres_programs(tmp_path) == tmp_path / "17" / "bin"


def test_what_is_on_the_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert postgres_programs(program(tmp_path / "initdb") / "nowhere") == tmp_path
    for name in reversed(CHROMIUM):
        there = program(tmp_path / name)
        assert chromium_program() == there


def test_what_is_missing_fails_and_is_not_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pytest.fail.Exception, match=r"PostgreSQL is not installed: `make test`"):
        postgres_programs(tmp_path)
    with pytest.raises(pytest.fail.Exception, match=r"Chromium is not installed: `make test`"):
        chromium_program()
