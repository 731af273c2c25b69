"""Every suite from its arms to its files, on a tiny random base. What it finds is nonsense; it must be found."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app.config import Settings
from app.evaluation.evaluate import evaluate, models_used
from app.evaluation.files import SCRATCH
from app.evaluation.finetuning import ALGORITHMS, BARE, RLAIF, TRACE_BIAS
from app.evaluation.plan import Plan
from app.evaluation.problems import CannotEvaluate
from app.evaluation.report import Report
from app.evaluation.runner import Bench, Results
from app.evaluation.subjects import two_voices
from app.evaluation.training import apart, train
from app.evaluation.workshop import Workshop
from app.inference.catalogue import models

pytestmark = pytest.mark.slow

NOBODY = Results(())


def report_of(suite: str, settings: Settings, console: Console, folder: Path, data: Path | None) -> dict[str, Any]:
    evaluate(Plan(suite, folder, 1, is_quick=True, data=data), settings, console)
    stored: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return stored


def tables(report: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {table["title"]: table["rows"] for table in report["tables"]}


def so_far(suite: str, settings: Settings, console: Console, folder: Path, data: Path | None, kept: str) -> Report:
    """Of a run that ended when it had one arm."""
    for path in (folder / "arms").glob("*.json"):
        if path.stem != kept:
            path.unlink()
    plan = Plan(suite, folder, 1, is_quick=True, data=data)
    report = evaluate(plan, settings, console, is_so_far=True)
    assert [path.stem for path in (folder / "arms").glob("*")] == [kept]
    assert report.about[-1].startswith("Not run yet: ")
    assert kept not in report.about[-1]
    return report


def test_artefacts(settings: Settings, console: Console, tmp_path: Path, data: Path) -> None:
    report = report_of("artefacts", settings, console, tmp_path, data)
    found = tables(report)
    assert report["figures"] == [
        f"{one}.png" for one in ("style-encoder", "satisfaction-scorer", "warm-up-rewriter", "detector")
    ]
    assert set(found) == {"Style encoder", "Satisfaction scorer", "Warm-up rewriter", "Detector"}
    stel = found["Style encoder"][0]
    assert (stel["figure"], stel["bar"]) == ("STEL, all 8 tasks", "≥ 0.86")
    assert isinstance(stel[""], bool)
    # Random weights write no format, and the bar says so.
    form = next(row for row in found["Warm-up rewriter"] if row["figure"].startswith("format"))
    assert form[""] is False
    assert found["Detector"][0][""] == "", "four pairs decide nothing"
    assert "**failed**" in (tmp_path / "report.md").read_text()
    known = so_far("artefacts", settings, console, tmp_path, data, "detector--seed-0")
    assert [table.title for table in known.tables] == ["Detector"]


def test_dropout(settings: Settings, console: Console, tmp_path: Path, data: Path) -> None:
    report = report_of("dropout", settings, console, tmp_path, data)
    found = tables(report)
    arms = [row["two voices"] for row in found["Voices: two voices"]]
    assert arms == ["input", "few-shot prompt", "SFT", "voice", "voice, as served"]
    by_name = {row["two voices"]: row for row in found["Content: two voices"]}
    assert by_name["input"]["copies"] == [1.0, 1.0, 1.0]
    assert by_name["input"]["loops"] == [0.0, 0.0, 0.0]
    assert by_name["input"]["meaning"][0] == pytest.approx(1.0, abs=1e-3)
    assert by_name["input"]["perplexity / input"][0] == pytest.approx(1.0)
    shares = {row["nearest to"]: row for row in found["Style distribution: two voices"]}
    assert shares["own texts"]["work"] == pytest.approx(0.5, abs=0.1)
    deviation = {row["deviation of similarity"] for row in found["Deviation over training: two voices"]}
    assert deviation == {"voice"}
    assert all(row["P(human)"] is not None for row in found["Voices: two voices"])
    assert report["figures"] == ["deviation-two-voices.png", "style-distribution.png"]
    assert (tmp_path / "texts.md").read_text().count("**voice**") == 4
    assert not list((tmp_path / SCRATCH).glob("*--seed-*"))
    for lost in (tmp_path / SCRATCH).rglob("two-voices--voice--seed-0.safetensors"):
        lost.unlink()
    (tmp_path / "arms" / "two-voices--voice-as-served--seed-0.json").unlink()
    report = report_of("dropout", settings, console, tmp_path, data)
    assert any("take two-voices--voice--seed-0.json out of arms" in line for line in report["about"])
    known = so_far("dropout", settings, console, tmp_path, data, "two-voices--sft--seed-0")
    assert [row[0] for row in known.tables[0].rows] == ["SFT"]
    assert "voice--seed-0" in known.about[-1]


def test_authors(settings: Settings, console: Console, tmp_path: Path, data: Path) -> None:
    report = report_of("authors", settings, console, tmp_path, data)
    assert report["figures"] == ["short-texts.png", "named.png"]
    found = tables(report)
    transfer = {row["arm"]: row for row in found["Short texts, one author's turned into another's"]}
    assert transfer["input"]["Away"] == pytest.approx([0.0] * 3, abs=1e-4)
    assert transfer["input"]["Sim"][0] == pytest.approx(1.0, abs=1e-3)
    assert {"few-shot prompt", "SFT"} <= set(transfer)
    named = {row["arm"]: row for row in found["Essays: named as the right author"]}
    assert named["real text"]["own topics, together"][0] == 1.0
    texts = (tmp_path / "texts.md").read_text()
    assert "The weather was wet" in texts
    for written in ("most grateful", "lol the report"):
        assert not left_of(written, tmp_path), "people's own texts are not ours to keep"
    kept = max(path.stem for path in (tmp_path / "arms").glob("*sft*"))
    assert so_far("authors", settings, console, tmp_path, data, kept).tables[0].rows[0][0] == "SFT"


def left_of(words: str, folder: Path) -> list[Path]:
    """Files that hold these words."""
    return [path for path in folder.rglob("*") if path.is_file() and words.encode() in path.read_bytes()]


def test_people_of_a_server(settings: Settings, console: Console, tmp_path: Path) -> None:
    samples = [(f"Ta for number {place}, me old mate! Round mine by teatime, will ya?", None) for place in range(20)]
    plan = Plan("authors", tmp_path, 1, is_quick=True, users={"Kim": samples})
    for theirs in ("storage/adapters/a", "adapters/b", "working/c", "scratch.db"):
        (tmp_path / theirs).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / theirs).write_text("somebody's")
    found = {table.title: table for table in evaluate(plan, settings, console).tables}
    assert set(found) == {"Texts: named as the right author", "Texts: style and content"}
    named = {row[0]: row[1:] for row in found["Texts: named as the right author"].rows}
    assert list(named) == ["input", "real text", "few-shot prompt", "SFT"]
    assert found["Texts: named as the right author"].cells()[1][1] == "1.00", "real texts are told apart"
    assert not left_of("old mate", tmp_path)
    assert not (tmp_path / SCRATCH).exists()
    assert not list(tmp_path.rglob("*.safetensors"))
    assert "One of 5 authors is named" in (tmp_path / "report.md").read_text()
    with pytest.raises(CannotEvaluate, match=r"asked for differently \(users\)"):
        evaluate(replace(plan, users={"Kim": samples[1:]}), settings, console)
    left = {str(path.relative_to(tmp_path)) for path in left_of("somebody's", tmp_path)}
    assert left == {"storage/adapters/a", "adapters/b", "working/c", "scratch.db"}, "what a run did not make stays"


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGHUP])
def test_whoever_is_told_to_end_leaves_nobody_behind(
    told: int, settings: Settings, console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told_to_end(arms: Any, folder: Path, asked: Any, console: Any, only: Any) -> Results:
        (folder / SCRATCH / "checkpoint").write_text("Ta for number 4, me old mate!")
        with pytest.raises(CannotEvaluate, match="Another evaluation is running"):
            evaluate(plan, settings, console)
        with pytest.raises(CannotEvaluate, match="holds no results"):
            evaluate(plan, settings, console, is_so_far=True)
        assert left_of("old mate", folder), "who only looks takes nothing away"
        os.kill(os.getpid(), told)
        raise AssertionError("went on")

    samples = [(f"Ta for number {place}, me old mate! Round mine by teatime, will ya?", None) for place in range(20)]
    plan = Plan("authors", tmp_path, 1, is_quick=True, users={"kim": samples})
    monkeypatch.setattr("app.evaluation.evaluate.run", told_to_end)
    with pytest.raises(SystemExit):
        evaluate(plan, settings, console)
    assert not (tmp_path / SCRATCH).exists()


def test_what_a_killed_run_left_of_people_goes_even_if_other_texts_are_asked_for(
    settings: Settings, console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(arms: Any, folder: Path, *rest: Any) -> Results:
        raise Killed

    samples = [(f"Ta for number {place}, me old mate! Round mine by teatime, will ya?", None) for place in range(20)]
    plan = Plan("authors", tmp_path, 1, is_quick=True, users={"kim": samples})
    monkeypatch.setattr("app.evaluation.evaluate.run", killed)
    with pytest.raises(Killed):
        evaluate(plan, settings, console)
    (tmp_path / SCRATCH).mkdir()
    (tmp_path / SCRATCH / "checkpoint").write_text("Ta for number 4, me old mate!")
    with pytest.raises(CannotEvaluate, match="asked for differently"):
        evaluate(replace(plan, users={"kim": samples[1:]}), settings, console)
    assert not left_of("old mate", tmp_path)


def test_a_hub_model_is_one_and_the_same_before_and_after_it_was_fetched(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.style_model = "owner/style@main"
    before = models_used(settings)
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    monkeypatch.setattr("app.inference.hub.cached", lambda name: tmp_path)
    assert found_digest(settings), "the list of models knows it by its digest now"
    assert models_used(settings) == before
    assert before["style"] == "owner/style@main"


def found_digest(settings: Settings) -> str | None:
    return next(model.sha256 for model in models(settings) if model.name == "style")


def test_arf(settings: Settings, console: Console, tmp_path: Path) -> None:
    report = report_of("arf", settings, console, tmp_path, None)
    found = tables(report)
    assert found["Listening: which part of ARF matters?"][0]["scorer"] == "everything"
    writing = {row["trained by"]: row for row in found["Writing: hidden utility after fine-tuning"]}
    assert set(writing) == {BARE, *ALGORITHMS}
    varied = {row["trained by"]: row for row in found["Writing from many styles: hidden utility after fine-tuning"]}
    assert set(varied) == {BARE, TRACE_BIAS}
    assert len({(writing[name]["samples"][0], writing[name]["updates at most"][0]) for name in ALGORITHMS}) == 1
    rivals = found["Writing: TraceBias against the others"]
    assert {row["TraceBias over"] for row in rivals} == {BARE, *ALGORITHMS} - {TRACE_BIAS}
    for row in rivals:
        theirs, ours = writing[row["TraceBias over"]]["hidden utility"][0], writing[TRACE_BIAS]["hidden utility"][0]
        assert row["hidden utility"][0] == pytest.approx(ours - theirs)
    assert writing[RLAIF]["samples"][0] > 0
    assert all(0 <= row["hidden utility"][0] <= 1 for row in writing.values())
    assert report["figures"] == ["listening.png"]
    kept = min(path.stem for path in (tmp_path / "arms").glob("writing*"))
    known = so_far("arf", settings, console, tmp_path, None, kept)
    assert [len(table.rows) for table in known.tables] == [0, 0, 1, 0, 0, 0]


def test_there_is_no_report_of_nothing(settings: Settings, console: Console, tmp_path: Path) -> None:
    with pytest.raises(CannotEvaluate, match="holds no results of this suite yet"):
        evaluate(Plan("arf", tmp_path / "none", 1, is_quick=True), settings, console, is_so_far=True)
    assert not (tmp_path / "none").exists()


def test_no_report_is_of_another_question(settings: Settings, console: Console, tmp_path: Path) -> None:
    (tmp_path / "asked.json").write_text('{"suite": "dropout", "quick": true}')
    with pytest.raises(CannotEvaluate, match="asked for differently"):
        evaluate(Plan("arf", tmp_path, 1, is_quick=True), settings, console, is_so_far=True)
    assert not (tmp_path / "report.md").exists()


def test_results_of_other_models_are_not_mixed(settings: Settings, console: Console, tmp_path: Path) -> None:
    plan, used = Plan("arf", tmp_path, 1, is_quick=True), {model.name: model.sha256 for model in models(settings)}
    del used["base"]
    base = Workshop(settings).card.digest
    asked = plan.asked(base, judge="embedded proxy", detector=False, models=used | {"satisfaction": "0" * 64})
    (tmp_path / "asked.json").write_text(json.dumps(asked))
    with pytest.raises(CannotEvaluate, match=r"asked for differently \(models\)"):
        evaluate(plan, settings, console, is_so_far=True)


def test_a_training_that_was_killed_goes_on_from_its_checkpoint(settings: Settings, tmp_path: Path) -> None:
    """Whole, or killed after its second step and run again: the same adapter and the same curves."""
    config = {"sft": {"steps": 3, "batch_size": 2}}

    class Killed(BaseException):
        pass

    def watch(stage: str, share: float) -> None:
        if stage == "warm-start 3":
            raise Killed

    def bench(name: str, watcher: Any = lambda stage, share: None) -> Bench:
        (tmp_path / name).mkdir(exist_ok=True)
        return Bench(tmp_path / name, watcher, NOBODY)

    steps: list[str] = []
    with apart(tmp_path / "scratch", settings.base_model):
        whole = train(two_voices(), "sft", config, bench("whole"))
        with pytest.raises(Killed):
            train(two_voices(), "sft", config, bench("killed", watch))
        again = train(two_voices(), "sft", config, bench("killed", lambda stage, share: steps.append(stage)))
    assert [stage for stage in steps if stage.startswith("warm-start ")] == ["warm-start 3"]
    assert again.adapter.read_bytes() == whole.adapter.read_bytes()
    assert again.curves == whole.curves
    assert [point["step"] for point in again.curves] == [1, 2, 3]


def test_scratch_leaves_the_settings_as_they_were(settings: Settings, tmp_path: Path) -> None:
    from app.config import get_settings

    before = get_settings()
    with apart(tmp_path, "elsewhere"):
        assert get_settings().storage_root == tmp_path / "storage"
        assert get_settings().base_model == "elsewhere"
    assert get_settings() == before


@pytest.mark.parametrize("suite", ["artefacts", "authors"])
def test_missing_data_are_named(suite: str, settings: Settings, console: Console, tmp_path: Path) -> None:
    with pytest.raises(CannotEvaluate, match="needs data"):
        report_of(suite, settings, console, tmp_path / "out", None)
    with pytest.raises(CannotEvaluate, match="does not hold"):
        report_of(suite, settings, console, tmp_path / "out", tmp_path)
