"""`idiolect train`, `jobs`, `adapters` and `rewrite`."""

import io
import zipfile
from pathlib import Path

import pytest

from app.db import EVERY_TENANT, transaction
from app.inference.fake import FakeEngine
from app.models import Job
from tests.cli.conftest import Idiolect
from tests.serving import UNTRAINABLE

pytestmark = pytest.mark.usefixtures("server")


@pytest.fixture
def trained(idiolect: Idiolect, ada: str, worker: None) -> str:
    assert idiolect("train", ada, "--follow").code == 0
    return ada


def test_training_without_samples_says_what_to_add(idiolect: Idiolect) -> None:
    idiolect("users", "add", "ada")
    said = idiolect("train", "ada")
    assert said.code == 1
    assert "ada has 0 of at least 4 samples" in said.words
    assert "Add 4 more" in said.words


def test_training_of_nobody_is_refused(idiolect: Idiolect) -> None:
    said = idiolect("train", "nobody", "--follow")
    assert said.code == 1
    assert "there is no user nobody" in said.words


def test_an_unknown_recipe_is_refused_with_those_there_are(idiolect: Idiolect, ada: str) -> None:
    said = idiolect("train", ada, "--recipe", "magic")
    assert said.code == 1
    assert "voice, article, sft" in said.words


def test_what_is_changed_of_a_recipe_reaches_the_training(idiolect: Idiolect, ada: str) -> None:
    changes = ("--set", "rl.steps=40", "--set", "reward.calibrated=false", "--set", "rl.average=tokens")
    job = idiolect("train", ada, *changes, "--json").json
    assert job["config"] == {"rl": {"steps": 40, "average": "tokens"}, "reward": {"calibrated": False}}


@pytest.mark.parametrize(
    ("recipe", "change", "field"),
    [
        ("voice", "rl.stepz=40", "config.rl.stepz"),
        ("ppo", "rl.decay=1.5", "config.rl.decay"),
        ("trace_bias", "rl.reading=aloud", "config.rl.reading"),
        ("rloo", "rl.kl=much", "config.rl.kl"),
    ],
)
def test_what_cannot_be_changed_is_refused_by_name(
    idiolect: Idiolect, ada: str, recipe: str, change: str, field: str
) -> None:
    said = idiolect("train", ada, "--recipe", recipe, "--set", change)
    assert said.code == 1
    assert field in said.words


@pytest.mark.parametrize("change", ["rl.steps", "steps=4", "=4", "rl.=4", ".steps=4"])
def test_what_is_no_change_is_told_with_an_example(idiolect: Idiolect, ada: str, change: str) -> None:
    said = idiolect("train", ada, "--set", change)
    assert said.code == 2
    assert "rl.steps=40" in said.words


def test_a_training_is_asked_for_listed_shown_cancelled_and_tried_again(idiolect: Idiolect, ada: str) -> None:
    job = idiolect("train", ada, "--json").json
    assert job["state"] == "queued"
    assert [row["id"] for row in idiolect("jobs", "list", ada, "--json").json] == [job["id"]]
    assert job["id"] in idiolect("jobs", "list", ada).out
    assert idiolect("jobs", "show", job["id"], "--json").json["recipe"] == "voice"
    assert idiolect("jobs", "cancel", job["id"], "--json").json["state"] == "cancelled"
    again = idiolect("jobs", "cancel", job["id"])
    assert again.code == 1
    assert "has cancelled" in again.words
    assert idiolect("jobs", "retry", job["id"], "--json").json["state"] == "queued"
    assert "cancelled" in idiolect("jobs", "cancel", job["id"]).out
    assert "queued" in idiolect("jobs", "retry", job["id"]).out


def test_one_training_at_a_time_for_a_person(idiolect: Idiolect, ada: str) -> None:
    job = idiolect("train", ada, "--json").json
    said = idiolect("train", ada)
    assert said.code == 1
    assert job["id"] in said.words


def test_an_unknown_job_is_told_as_such(idiolect: Idiolect) -> None:
    said = idiolect("jobs", "show", "nothing")
    assert said.code == 1
    assert "there is no job nothing" in said.words


def test_a_training_that_does_not_say_what_became_of_its_version_is_shown(idiolect: Idiolect, ada: str) -> None:
    job_id = idiolect("train", ada, "--json").json["id"]
    with transaction(EVERY_TENANT) as session:
        job = session.get(Job, job_id)
        assert job is not None
        job.state, job.result = "succeeded", {"version": 7, "gate": {"decision": "promoted", "checks": []}}
    said = idiolect("jobs", "show", job_id)
    assert (said.code, "version 7: published" in said.out) == (0, True)


def test_a_followed_training_ends_with_its_version_and_why(idiolect: Idiolect, ada: str, worker: None) -> None:
    said = idiolect("train", ada, "--follow")
    assert said.code == 0
    assert "succeeded" in said.out
    assert "version 1: promoted" in said.out
    assert "closer to [your] own style" in said.out


def test_a_followed_training_is_json_from_first_to_last(idiolect: Idiolect, ada: str, worker: None) -> None:
    job = idiolect("train", ada, "--follow", "--json").json
    assert (job["state"], job["result"]["version"]) == ("succeeded", 1)


def test_a_training_that_fails_ends_with_1_and_its_reason(idiolect: Idiolect, ada: str, worker: None) -> None:
    said = idiolect("train", ada, "--follow", "--recipe", UNTRAINABLE)
    assert said.code == 1
    assert "These [samples] teach nothing. Write more of them." in said.out


def test_the_version_in_use_is_loaded_ahead(idiolect: Idiolect, trained: str, server: FakeEngine) -> None:
    warmed = idiolect("adapters", "warm", trained, "--json").json
    assert (warmed["version"], [warmed["digest"]]) == (1, server.warmed)
    assert warmed["digest"] in idiolect("adapters", "warm", trained).out


def test_versions_are_listed_promoted_and_rolled_back(idiolect: Idiolect, trained: str) -> None:
    assert idiolect("train", trained, "--follow").code == 0
    versions = idiolect("adapters", "list", trained, "--json").json
    assert [(row["version"], row["state"]) for row in versions] == [(2, "active"), (1, "retired")]
    assert idiolect("adapters", "promote", trained, "1", "--json").json["active_version"] == 1
    assert idiolect("adapters", "rollback", trained, "--json").json["active_version"] == 2
    for command, speaking in ((("promote", trained, "1"), 1), (("rollback", trained), 0)):
        assert versions[speaking]["digest"] in idiolect("adapters", *command).out
    assert versions[0]["digest"] in idiolect("adapters", "list", trained).out


def test_a_version_leaves_as_a_folder_and_comes_in_as_one(
    idiolect: Idiolect, trained: str, server: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("adapter_config.json", "{}")
        archive.writestr("adapter_model.safetensors", b"weights")

    async def export(digest: str, voice: str | None) -> bytes:
        return packed.getvalue()

    monkeypatch.setattr(server, "export_peft", export)
    assert idiolect("adapters", "export", trained, "1", str(tmp_path / "out")).code == 0
    assert (tmp_path / "out" / "adapter_model.safetensors").read_bytes() == b"weights"
    assert (
        "one voice only"
        in idiolect("adapters", "export", trained, "1", str(tmp_path), "--context", "work & play").words
    )
    taken = idiolect("adapters", "import", trained, str(tmp_path / "out"), "--json").json
    assert "candidate" in idiolect("adapters", "import", trained, str(tmp_path / "out")).out
    assert (taken["version"], taken["state"], taken["gate"]["decision"]) == (2, "candidate", "imported")
    (tmp_path / "out" / "adapter_config.json").unlink()
    said = idiolect("adapters", "import", trained, str(tmp_path / "out"))
    assert said.code != 0
    assert "adapter_config.json" in said.words


def test_the_base_model_cannot_be_rolled_back(idiolect: Idiolect, ada: str) -> None:
    said = idiolect("adapters", "rollback", ada)
    assert said.code == 1
    assert "Promote a version, or train one." in said.words


def test_an_unknown_version_cannot_be_promoted(idiolect: Idiolect, trained: str) -> None:
    said = idiolect("adapters", "promote", trained, "9")
    assert said.code == 1
    assert "there are 1 to 1" in said.words


def test_a_rewrite_without_a_voice_says_that_the_base_wrote_it(idiolect: Idiolect, ada: str) -> None:
    said = idiolect("rewrite", ada, "See you [soon].", "--seed", "5")
    assert "base#5.0 See you [soon]." in said.out
    assert "version base, seed 5" in said.out
    assert "no active version yet" in said.out


def test_a_rewrite_is_written_by_the_active_version_or_the_one_chosen(idiolect: Idiolect, trained: str) -> None:
    digest = idiolect("adapters", "list", trained, "--json").json[0]["digest"]
    assert f"{digest[:8]}#5.0 Soon." in idiolect("rewrite", trained, "Soon.", "--seed", "5").out
    assert idiolect("rewrite", trained, "Soon.", "--adapter", "1", "--json").json["adapter"]["version"] == 1
    assert idiolect("rewrite", trained, "Soon.", "--adapter", "base", "--json").json["adapter"] is None


def test_a_rewrite_can_be_watched_while_it_is_written(idiolect: Idiolect, ada: str, server: FakeEngine) -> None:
    said = idiolect("rewrite", ada, "See you [soon].", "--seed", "5", "--stream")
    assert said.out.count("base#5.0 See you [soon].") == 1
    assert "version base, seed 5" in said.out
    server.loses = ["soon"]
    assert (
        "a draft\nbetter:\nbase#5.0 See you […]."
        in idiolect("rewrite", ada, "See you [soon].", "--seed", "5", "--stream").out
    )
    server.breaks_after, server.loses = 1, []
    said = idiolect("rewrite", ada, "See you soon.", "--stream")
    assert (said.code, "Try again" in said.words) == (1, True)


def test_line_separators_of_a_text_break_no_stream(idiolect: Idiolect, ada: str) -> None:
    said = idiolect("rewrite", ada, "See you\u2028soon,\x85Ada.", "--seed", "5", "--stream")
    assert (said.code, said.err) == (0, "")
    assert "base#5.0 See you\u2028soon,\x85Ada." in said.out


def test_a_rewrite_that_loses_a_name_says_so(idiolect: Idiolect, ada: str, server: FakeEngine) -> None:
    server.loses = ["[Nadia]"]
    said = idiolect("rewrite", ada, "I met [Nadia] today.")
    assert "it does not tell: Nadia" in said.out
    assert "does not tell" not in idiolect("rewrite", ada, "I met Omar today.").out


def test_a_rewrite_passes_on_what_was_asked(idiolect: Idiolect, ada: str, server: FakeEngine) -> None:
    answer = idiolect("rewrite", ada, "-", "--n", "3", "--temperature", "0.2", "--json", stdin="From a pipe.").json
    assert len(answer["texts"]) == 3
    assert (server.specs[-1].text, server.specs[-1].temperature) == ("From a pipe.", 0.2)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["ada", ""], "text has no words"),
        (["ada", "Soon.", "--n", "99"], "n: "),
        (["ada", "Soon.", "--adapter", "newest"], "adapter: "),
        (["ada", "Soon.", "--adapter", "7"], "there is no version 7"),
        (["nobody", "Soon."], "there is no user nobody"),
    ],
)
def test_a_rewrite_that_cannot_be_is_refused(idiolect: Idiolect, ada: str, arguments: list[str], reason: str) -> None:
    said = idiolect("rewrite", *arguments)
    assert said.code == 1
    assert reason in said.words
    assert len(said.err.splitlines()) == 2, "the reason, then the remedy"


@pytest.mark.parametrize(
    "arguments",
    [
        ["rewrite", "ada", "Soon.", "--temperature", "nan"],
        ["rewrite", "ada", "Soon.", "--temperature=-inf"],
        ["train", "ada", "--set", "rl.learning_rate=NaN"],
        ["train", "ada", "--set", "rl.learning_rate=[1e999]"],
    ],
)
def test_a_number_that_is_not_finite_is_refused(idiolect: Idiolect, arguments: list[str]) -> None:
    said = idiolect(*arguments)
    assert said.code == 2
    assert "is not a finite number" in said.words


@pytest.mark.parametrize(("text", "stdin"), [("-", b"caf\xe9"), ("caf\udce9", b"")])
def test_a_text_that_is_not_utf_8_is_refused(idiolect: Idiolect, ada: str, text: str, stdin: bytes) -> None:
    said = idiolect("rewrite", ada, text, stdin=stdin)
    assert said.code == 1
    assert "Convert it to UTF-8" in said.words


def test_a_folder_that_is_a_file_is_told_with_its_name(
    idiolect: Idiolect, trained: str, server: FakeEngine, letters: Path
) -> None:
    said = idiolect("adapters", "export", trained, "1", str(letters))
    assert said.code == 1
    assert f"{letters}: File exists" in said.words
    assert "Check that the path is right" in said.words


def test_an_engine_that_is_away_is_told_with_a_remedy(idiolect: Idiolect, ada: str, server: FakeEngine) -> None:
    server.fail_with = "unavailable"
    said = idiolect("rewrite", ada, "Soon.")
    assert said.code == 1
    assert len(said.err.splitlines()) == 2
