"""`idiolect evaluate`: what it needs, what it refuses, and that it reports what the suite found."""

import json
from pathlib import Path

import pytest

from app.config import get_settings
from tests.cli.conftest import Idiolect
from tests.tiny import build_tiny_base


@pytest.fixture
def idiolect(idiolect: Idiolect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Idiolect:
    monkeypatch.setenv("IDIOLECT_BASE_MODEL", str(build_tiny_base(tmp_path / "tiny")))
    get_settings.cache_clear()
    return idiolect


def test_missing_data_are_named_with_the_remedy(idiolect: Idiolect, tmp_path: Path) -> None:
    said = idiolect("evaluate", "--suite", "artefacts", "--quick", "--out", str(tmp_path / "out"))
    assert said.code == 1
    assert "needs data" in said.words
    assert "stel, goemotions, rated_sentiment, machine_text with --data" in said.words


def test_a_folder_of_other_results_is_refused(idiolect: Idiolect, tmp_path: Path) -> None:
    (tmp_path / "asked.json").write_text(json.dumps({"suite": "arf"}))
    said = idiolect("evaluate", "--suite", "dropout", "--quick", "--out", str(tmp_path))
    assert said.code == 1
    assert "asked for differently" in said.words
    assert "--out" in said.words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--suite", "magic"), "'artefacts'"),
        (("--suite", "arf", "--seeds", "0"), "greater than or equal to 1"),
        (("--suite", "dropout", "--judge-url", "http://127.0.0.1:9"), "go together"),
        (("--suite", "authors", "--data", "/nowhere"), "does not exist"),
        (("--suite", "dropout", "--user", "ada"), "--user goes with --suite authors"),
    ],
)
def test_what_cannot_be_meant_is_refused(idiolect: Idiolect, arguments: tuple[str, ...], words: str) -> None:
    said = idiolect("evaluate", *arguments)
    assert said.code == 2
    assert words in said.words


def test_an_arm_that_there_is_not_is_answered_with_those_there_are(idiolect: Idiolect, tmp_path: Path) -> None:
    asked = ("evaluate", "--suite", "dropout", "--quick", "--out", str(tmp_path), "--only", "voyce")
    said = idiolect(*asked)
    assert said.code == 1
    assert "No arm of this suite has voyce in its name" in said.words
    assert "two-voices--voice--seed-0" in said.words


ASKED = ("evaluate", "--suite", "authors", "--quick", "--user", "ada")


@pytest.mark.usefixtures("server")
def test_somebody_of_the_server(idiolect: Idiolect, tmp_path: Path) -> None:
    assert "no user ada" in idiolect(*ASKED).words
    letters = tmp_path / "letters.jsonl"
    letters.write_text("".join(json.dumps({"text": f"Dear all, no {i} is late, alas."}) + "\n" for i in range(24)))
    idiolect("samples", "add", "ada", str(letters))
    said = idiolect(*ASKED, "--only", "input")
    assert said.code == 0, said.err
    folder = get_settings().data_dir / "evaluation" / "authors-ada-quick"
    [named, _] = json.loads((folder / "report.json").read_text())["tables"]
    assert [row["arm"] for row in named["rows"]] == ["input", "few-shot prompt"]


@pytest.mark.usefixtures("server")
def test_somebody_who_wrote_little_is_refused(idiolect: Idiolect, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("Dear all, it is late, alas.")
    idiolect("samples", "add", "ada", str(tmp_path / "one.txt"))
    said = idiolect(*ASKED)
    assert said.code == 1
    assert "ada has 1 sample, too few" in said.words
