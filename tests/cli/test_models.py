"""`idiolect models`: what there is, and lines in, lines out."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from app.cli.models import NEEDED
from app.config import Settings, get_settings
from app.inference import base
from app.inference.card import read_card
from app.learning import sft
from tests.cli.conftest import Idiolect, Said
from tests.published import build_desklib
from tests.tiny import build_tiny_base

SATISFACTION = ("models", "score", "--model", "satisfaction")


def answers(said: Said) -> list[Any]:
    assert said.code == 0, said.err
    return [json.loads(line) for line in said.out.splitlines()]


def test_list_names_every_model_with_its_licence_and_digest(idiolect: Idiolect) -> None:
    rows = {row["name"]: row for row in idiolect("models", "list", "--json").json}
    assert list(rows) == ["base", "warmup", "style", "meaning", "entities", "human", "satisfaction"]
    assert all(row["licence"] and row["used"] and len(row["sha256"]) == 64 for row in rows.values())
    told = idiolect("models", "list")
    assert told.code == 0
    assert all(row["sha256"] in told.out for row in rows.values())


def test_embed_gives_a_unit_row_for_each_line_also_an_empty_one(idiolect: Idiolect) -> None:
    found = answers(
        idiolect("models", "embed", "--model", "style", stdin="hey u ok??\n\nI remain, Sir, yours.\nhey u ok??\n")
    )
    assert [list(answer) for answer in found] == [["embedding"]] * 4
    rows = [answer["embedding"] for answer in found]
    assert all(sum(value * value for value in row) == pytest.approx(1.0, abs=1e-4) for row in rows)
    assert rows[0] == rows[3] != rows[2]


@pytest.mark.parametrize("model", ["meaning", "judge"])
def test_every_encoder_gives_unit_rows(idiolect: Idiolect, model: str) -> None:
    found = answers(idiolect("models", "embed", "--model", model, stdin="It rained all day.\nWhere is the car?\n"))
    rows = [answer["embedding"] for answer in found]
    assert all(sum(value * value for value in row) == pytest.approx(1.0, abs=1e-4) for row in rows)
    assert rows[0] != rows[1]


def test_score_human_asks_the_detector_that_is_named(
    idiolect: Idiolect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDIOLECT_DETECTOR_MODEL", str(build_desklib(tmp_path)))
    get_settings.cache_clear()
    lines = [json.dumps({"text": text}) for text in ("I came, I saw, I left early.", "")]
    found = answers(idiolect("models", "score", "--model", "human", stdin="\n".join(lines)))
    assert [list(answer) for answer in found] == [["score"]] * 2
    assert all(0 <= answer["score"] <= 1 for answer in found)


@pytest.mark.slow
@pytest.mark.model
def test_the_packaged_detector_tells_people_from_machines_where_texts_are_long(idiolect: Idiolect) -> None:
    """Two texts are an example, no measurement: `idiolect evaluate --suite artefacts` makes one."""
    person = (
        "ok so the bus broke down AGAIN, third time since easter, and there i am with two bags of frozen peas and a "
        "birthday cake going soft. bloke next to me says put the peas on the cake. genius honestly. we stood forty "
        "minutes like that, taking turns to hold it, then the replacement came and it was full. walked. cake made it, "
        "peas are soup. never did get his name but there's a slice here for him if he turns up"
    )
    machine = (
        "Effective communication is essential for maintaining a productive and collaborative workplace. It is "
        "important to ensure that all team members have access to the information they need in order to do their "
        "tasks. By fostering an environment of open dialogue, organizations can improve employee engagement and "
        "achieve better outcomes. In conclusion, investing in communication is a key factor in the success of any "
        "organization."
    )
    lines = [json.dumps({"text": text}) for text in (person, machine, "")]
    found = [row["score"] for row in answers(idiolect("models", "score", "--model", "human", stdin="\n".join(lines)))]
    assert found[0] > 0.7
    assert found[1] < 0.3
    assert 0 <= found[2] <= 1


def test_score_satisfaction_is_between_nought_and_one_and_knows_praise(idiolect: Idiolect) -> None:
    lines = [json.dumps({"text": text}) for text in ("This is wonderful, thank you!", "I hate it.", "😡", "")]
    scores = [answer["score"] for answer in answers(idiolect(*SATISFACTION, stdin="\n".join(lines)))]
    assert all(0 <= score <= 1 for score in scores)
    praise, scorn, anger, nothing = scores
    assert praise > 0.6 > nothing > 0.4 > max(scorn, anger)


def test_an_unreadable_line_ends_the_command_after_those_before_it(idiolect: Idiolect) -> None:
    said = idiolect(*SATISFACTION, stdin='{"text": "thanks"}\nthanks\n')
    assert said.code == 1
    assert [list(json.loads(line)) for line in said.out.splitlines()] == [["score"]]
    assert "line 2 is not JSON" in said.words
    assert 'like {"text": "I love it"}' in said.words


def test_a_model_that_cannot_be_used_is_a_sentence_with_a_remedy(
    idiolect: Idiolect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IDIOLECT_DETECTOR_MODEL", str(tmp_path))
    get_settings.cache_clear()
    said = idiolect("models", "score", "--model", "human", stdin='{"text": "who wrote this?"}\n')
    assert (said.code, said.out) == (1, "")
    assert "IDIOLECT_DETECTOR_MODEL" in said.words
    assert "unset" in said.words


def test_an_unknown_model_is_a_usage_error(idiolect: Idiolect) -> None:
    assert idiolect("models", "score", "--model", "fame").code == 2
    assert idiolect("models", "embed", "--model", "fame").code == 2


def test_the_packaged_base_needs_no_warm_up(idiolect: Idiolect, settings: Settings) -> None:
    said = idiolect("models", "warm-up")
    assert said.code == 1
    assert "comes with its warm-up" in said.words
    assert "IDIOLECT_BASE_MODEL" in said.words


def out_of_disk(*_arguments: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.slow
def test_another_base_is_warmed_up_once(
    idiolect: Idiolect, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDIOLECT_BASE_MODEL", str(build_tiny_base(tmp_path / "tiny")))
    get_settings.cache_clear()
    texts = tmp_path / "texts.txt"
    texts.write_text("too short\n", encoding="utf-8")
    said = idiolect("models", "warm-up", "--texts", str(texts))
    assert (said.code, "no line of 4 to 40 words" in said.words) == (1, True)

    texts.write_text("I honestly didn't expect that, it was rather lovely!\n" * 3, encoding="utf-8")
    asked = ("models", "warm-up", "--steps", "2", "--texts", str(texts))
    with monkeypatch.context() as patch:
        patch.setattr(base, "_convert", out_of_disk)
        assert idiolect(*asked).code == 1
    with monkeypatch.context() as patch:
        patch.setattr(sft, "train", None)  # it need not learn again
        said = idiolect(*asked)
    assert said.code == 0, said
    assert "Of 24 messages that it had not seen" in " ".join(said.out.split())
    folder = Path(said.out.rpartition("IDIOLECT_BASE_MODEL=")[2].strip())
    assert read_card(folder).warmup
    assert not list(folder.parent.glob(".*.safetensors")), "what was learned is merged now"

    monkeypatch.setenv("IDIOLECT_BASE_MODEL", str(folder))
    get_settings.cache_clear()
    again = idiolect("models", "warm-up", "--steps", "2")
    assert (again.code, "warmed up already" in again.words) == (1, True)


@pytest.mark.parametrize("name", NEEDED)
def test_build_names_the_data_that_is_missing(idiolect: Idiolect, tmp_path: Path, name: str) -> None:
    first, *others = NEEDED[name]
    (tmp_path / first).mkdir()
    said = idiolect("models", "build", name, "--data", str(tmp_path), "--target", str(tmp_path / "built"))
    assert said.code == 2
    assert f"does not hold {', '.join([first, *others])}, which {name} is built from" in said.words
    assert not (tmp_path / "built").exists()


def test_build_wants_a_folder_of_data(idiolect: Idiolect, tmp_path: Path) -> None:
    said = idiolect("models", "build", "style", "--data", str(tmp_path / "nowhere"))
    assert said.code == 2
    assert "does not exist" in said.words
