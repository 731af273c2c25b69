"""The page of a training, its curves and its stream."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.admin.jobs import curves
from app.db import get_engine, transaction
from app.jobs import repository
from app.models import Job, JobMetric, User

MakeJob = Callable[..., Job]


@pytest.fixture
def make_job(ada: User) -> MakeJob:
    def make(**columns: Any) -> Job:
        job = Job(tenant_id=ada.tenant_id, user_id=ada.id, **{"recipe": "voice", **columns})
        with transaction(ada.tenant_id) as session:
            session.add(job)
        return job

    return make


def happened(job: Job, kind: str, **data: Any) -> None:
    with transaction(job.tenant_id) as session:
        repository.add_event(session, job, kind, data)


def measured(job: Job, stage: str, step: int, **values: float) -> None:
    with transaction(job.tenant_id) as session:
        for name, value in values.items():
            session.add(
                JobMetric(tenant_id=job.tenant_id, job_id=job.id, stage=stage, step=step, name=name, value=value)
            )


def test_a_failure_is_told_with_its_remedy(operator: TestClient, make_job: MakeJob) -> None:
    job = make_job(state="failed", reason="The disk is full <here>.", remedy="Free 2 GB, then try again.")
    text = operator.get(f"/admin/jobs/{job.id}").text
    assert "The disk is full &lt;here&gt;." in text
    assert "Free 2 GB, then try again." in text
    assert "The voice in use is unchanged." in text
    assert "Try again</button>" in text
    assert "Cancel</button>" not in text


def test_a_finished_training_shows_its_verdict(operator: TestClient, make_job: MakeJob) -> None:
    checks = [{"name": "length", "passed": False, "value": 1.9, "bound": "0.70 to 1.40", "words": "Too long."}]
    result = {"version": 4, "outcome": "rejected", "gate": {"decision": "rejected", "checks": checks}}
    job = make_job(state="succeeded", stage="done", progress=1.0, result=result)
    text = operator.get(f"/admin/jobs/{job.id}").text
    assert "Version 4, stopped by the gate" in text
    assert "Too long." in text
    assert "button>" not in text.split("<article")[1]


def test_the_overview_tells_whether_a_finished_training_speaks(operator: TestClient, make_job: MakeJob) -> None:
    make_job(state="succeeded", progress=1.0, result={"version": 2, "outcome": "superseded"})
    text = operator.get("/admin").text
    assert "another was promoted meanwhile" in text
    assert "passed the gate" not in text


def test_texts_say_at_which_step_they_were_written(operator: TestClient, make_job: MakeJob) -> None:
    job = make_job(state="running")
    happened(job, "sample", texts=["so it begins"])
    happened(job, "sample", texts=["and goes on"], stage="reinforce", step=7)
    happened(job, "sample", texts=["to its end"], stage="evaluate", step=None)
    shown = operator.get(f"/admin/jobs/{job.id}").text.split("<blockquote>")[1:]
    assert [("step 7," in item) for item in shown] == ["and goes on" in item for item in shown]
    assert len(shown) == 3


def test_texts_of_the_training_are_escaped(operator: TestClient, make_job: MakeJob) -> None:
    job = make_job(state="running")
    happened(job, "sample", texts=["<script>alert(1)</script>"])
    happened(job, "note", text="<b>note</b>")
    text = operator.get(f"/admin/jobs/{job.id}").text
    assert "&lt;script&gt;alert(1)" in text
    assert "&lt;b&gt;note" in text
    assert "<script>" not in text


def test_cancelling_and_trying_again(post: Callable[..., Any], make_job: MakeJob) -> None:
    job = make_job()
    assert "Cancelled." in post(f"/admin/jobs/{job.id}/cancel").text
    late = post(f"/admin/jobs/{job.id}/cancel")
    assert late.status_code == 409
    assert "The job has already ended" in late.text
    assert "begins again" in post(f"/admin/jobs/{job.id}/retry").text
    assert post(f"/admin/jobs/{job.id}/retry").status_code == 409


def test_a_running_one_ends_at_its_next_step(post: Callable[..., Any], make_job: MakeJob) -> None:
    page = post(f"/admin/jobs/{make_job(state='running').id}/cancel").text
    assert "It ends at its next step" in page
    assert "Cancel</button>" not in page


def test_curves_are_aligned_with_their_steps(operator: TestClient, make_job: MakeJob) -> None:
    job = make_job(state="running")
    measured(job, "warm-start", 1, nll=3.0, tokens=900)
    measured(job, "reinforce", 2, reward=0.4)
    measured(job, "reinforce", 1, reward=0.3, style=0.1)
    assert operator.get(f"/admin/jobs/{job.id}/metrics").json() == {
        "reinforce": {"step": [1, 2], "reward": [0.3, 0.4], "style": [0.1, None]},
        "warm-start": {"step": [1], "nll": [3.0]},
    }


def test_no_points_are_no_curves() -> None:
    assert curves([]) == {}


def test_the_stream_goes_on_after_the_last_line_of_the_page(
    operator: TestClient, make_job: MakeJob, database: str
) -> None:
    job = make_job(state="succeeded", progress=1.0, stage="done")
    for number in range(3):
        happened(job, "note", text=f"line {number}")
    lines = operator.get(f"/admin/jobs/{job.id}/events").text
    ids = [line.removeprefix("id: ") for line in lines.splitlines() if line.startswith("id: ")]
    assert len(ids) == 3
    rest = operator.get(f"/admin/jobs/{job.id}/events?after={ids[0]}", headers={"Last-Event-ID": ids[1]}).text
    notes = [json.loads(line.removeprefix("data: ")) for line in rest.splitlines() if line.startswith("data: ")]
    assert [note["text"] for note in notes if "text" in note] == ["line 2"]
    assert get_engine(database).pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_stream_of_no_job_says_so(operator: TestClient) -> None:
    assert operator.get("/admin/jobs/none/events").status_code == 404


def test_a_recipe_of_former_times_still_shows(operator: TestClient, make_job: MakeJob) -> None:
    job = make_job(recipe="forgotten", state="running")
    assert "Practising for reward" in operator.get(f"/admin/jobs/{job.id}").text
