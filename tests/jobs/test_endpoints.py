import json
from typing import Any

import pytest

from app.db import transaction
from app.jobs import runner
from app.jobs.context import JobContext, TrainingFailure, TrainingOutcome
from app.learning.recipes import RECIPES, resolve
from app.models import Scorer

DONE = TrainingOutcome(1, "promoted", {"gate": {"decision": "promoted", "checks": []}})


def learns(context: JobContext) -> TrainingOutcome:
    context.stage("reinforce", 0.5)
    context.metrics("reinforce", 1, {"reward": 0.25}, 0.6)
    context.note("modes found", modes=1)
    return DONE


@pytest.fixture
def ada(make_user: Any, make_samples: Any) -> Any:
    user = make_user("ada")
    make_samples(user, 6)
    return user


@pytest.fixture
def job(client: Any, ada: Any) -> dict[str, Any]:
    return client.post("/v1/users/ada/training-jobs", json={"recipe": "voice"}).json()


def hear(user: Any) -> None:
    """As if enough reactions had been listened to."""
    known = {"version": 1, "replies": 8, "features": "x", "state": b"", "metrics": {}, "beliefs": []}
    with transaction(user.tenant_id) as session:
        session.add(Scorer(tenant_id=user.tenant_id, user_id=user.id, **known))


def heard(answer: Any) -> list[dict[str, Any]]:
    """Server-sent events as dicts, with the data read."""
    found = []
    for block in answer.text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        found.append({**fields, "data": json.loads(fields["data"])})
    return found


def test_a_training_is_accepted_and_can_be_found(client: Any, ada: Any) -> None:
    answer = client.post("/v1/users/ada/training-jobs", json={"recipe": "voice", "config": {"rl": {"steps": 3}}})
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert (job["user"], job["state"], job["origin"], job["seconds"]) == ("ada", "queued", "api", None)
    assert job["config"] == {"rl": {"steps": 3}}
    assert client.get(answer.headers["Location"]).json() == job
    assert client.get("/v1/users/ada/training-jobs").json() == {"items": [job], "next": None}


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_can_be_asked_for_and_changed(client: Any, ada: Any, make_corrections: Any, recipe: str) -> None:
    make_corrections(ada, 4)
    hear(ada)
    loops = [name for name in ("sft", "rl", "dpo") if getattr(resolve(recipe, {}, base_parameters=0), name)]
    config = {name: {"steps": 3} for name in loops}
    answer = client.post("/v1/users/ada/training-jobs", json={"recipe": recipe, "config": config})
    assert answer.status_code == 202
    assert (answer.json()["recipe"], answer.json()["config"]) == (recipe, config)
    client.post(f"/v1/jobs/{answer.json()['id']}/cancel")
    for name in loops:
        refused = client.post("/v1/users/ada/training-jobs", json={"recipe": recipe, "config": {name: {"steps": "3"}}})
        assert (refused.status_code, refused.json()["field"]) == (422, f"config.{name}.steps")


def test_a_finished_training_tells_its_result_and_curves(client: Any, job: Any) -> None:
    runner.run_training(job["id"], learns)
    found = client.get(f"/v1/jobs/{job['id']}").json()
    assert (found["state"], found["progress"], found["result"]["version"]) == ("succeeded", 1.0, 1)
    assert found["seconds"] > 0
    points = client.get(f"/v1/jobs/{job['id']}/metrics").json()["items"]
    assert {"stage": "reinforce", "step": 1, "name": "reward", "value": 0.25} in points


@pytest.mark.parametrize(
    ("body", "type_", "field"),
    [
        ({"recipe": "vocie"}, "invalid-training", "recipe"),
        ({"recipe": "voice", "config": {"rl": {"steps": -1}}}, "invalid-training", "config.rl.steps"),
        ({"recipe": "voice", "config": {"x": {}}}, "invalid-training", "config.x"),
        ({"recipe": "voice", "config": {"\ud800": {}}}, "invalid-training", "config.\\ud800"),
        ({"recipe": "voice", "config": {"rl": {"ö\ud800": 1}}}, "invalid-training", "config.rl.ö\\ud800"),
        ({"recipe": "voice", "config": {"rl": {"seed": 2**64}}}, "invalid-training", "config.rl.seed"),
        ({"recipe": "voice", "config": {"sft": {"seed": -1}}}, "invalid-training", "config.sft.seed"),
        ({"recipe": "ppo", "config": {"rl": {"average": "rows"}}}, "invalid-training", "config.rl.average"),
        ({"recipe": "ppo", "config": {"rl": {"decay": 1.5}}}, "invalid-training", "config.rl.decay"),
        ({"recipe": "trace_bias", "config": {"rl": {"prefixes": "4"}}}, "invalid-training", "config.rl.prefixes"),
        ({"recipe": "dpo", "config": {"dpo": {"beta": True}}}, "invalid-training", "config.dpo.beta"),
        ({"recipe": "voice", "config": {"reward": {"human": 1}}}, "invalid-training", "config.reward.human"),
        ({"recipe": "voice", "config": []}, "unprocessable", "config"),
        ({"recipe": 3}, "unprocessable", "recipe"),
        ({"receipt": "voice"}, "unprocessable", "receipt"),
    ],
)
def test_what_cannot_be_trained_names_the_field(client: Any, ada: Any, body: Any, type_: str, field: str) -> None:
    answer = client.post(
        "/v1/users/ada/training-jobs", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    problem = answer.json()
    assert (answer.status_code, problem["field"]) == (422, field)
    assert problem["type"].endswith(type_)
    assert problem["remedy"]
    assert client.get("/v1/users/ada/training-jobs").json()["items"] == []


def test_a_number_json_does_not_know_is_refused(client: Any, ada: Any) -> None:
    content = '{"recipe": "voice", "config": {"rl": {"learning_rate": NaN}}}'
    answer = client.post("/v1/users/ada/training-jobs", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


def test_preferences_need_corrections(client: Any, ada: Any, make_corrections: Any) -> None:
    make_corrections(ada, 3)
    answer = client.post("/v1/users/ada/training-jobs", json={"recipe": "dpo"})
    problem = answer.json()
    assert (answer.status_code, problem["field"]) == (422, "recipe")
    assert problem["type"] == "urn:idiolect:problem:too-few-corrections"
    assert "ada has corrected 3 of at least 4 rewrites" in problem["detail"]
    assert "Send 1 more" in problem["remedy"]
    assert "edited_text" in problem["remedy"]
    make_corrections(ada, 1)
    assert client.post("/v1/users/ada/training-jobs", json={"recipe": "dpo"}).status_code == 202


def test_what_pleases_must_have_been_heard(client: Any, ada: Any) -> None:
    """By its own recipe, or by any other that is told to pay for it."""
    for body in ({"recipe": "trace_bias"}, {"recipe": "voice", "config": {"reward": {"satisfaction": 1}}}):
        answer = client.post("/v1/users/ada/training-jobs", json=body)
        problem = answer.json()
        assert (answer.status_code, problem["field"]) == (422, "recipe")
        assert problem["type"] == "urn:idiolect:problem:never-heard"
        assert "POST /v1/feedback" in problem["remedy"]
    hear(ada)
    assert client.post("/v1/users/ada/training-jobs", json={"recipe": "trace_bias"}).status_code == 202


@pytest.mark.parametrize("samples", [0, 1])
def test_too_few_samples_tell_how_many_are_missing(
    client: Any, make_user: Any, make_samples: Any, samples: int
) -> None:
    make_samples(make_user("bob"), samples)
    answer = client.post("/v1/users/bob/training-jobs", json={"recipe": "voice"})
    problem = answer.json()
    assert (answer.status_code, problem["field"]) == (422, "samples")
    assert problem["type"] == "urn:idiolect:problem:too-few-samples"
    assert f"Add {4 - samples} more" in problem["remedy"]


def test_a_second_training_waits_for_the_first(client: Any, job: Any) -> None:
    answer = client.post("/v1/users/ada/training-jobs", json={"recipe": "voice"})
    assert answer.status_code == 409
    assert job["id"] in answer.json()["detail"]
    assert f"/v1/jobs/{job['id']}/cancel" in answer.json()["remedy"]


def test_an_unknown_person_or_job_is_404(client: Any) -> None:
    assert client.post("/v1/users/nobody/training-jobs", json={}).json()["type"].endswith("unknown-user")
    for path in ("", "/events", "/metrics"):
        answer = client.get(f"/v1/jobs/none{path}")
        assert (answer.status_code, answer.json()["field"]) == (404, "job")
    for path in ("cancel", "retry"):
        assert client.post(f"/v1/jobs/none/{path}").status_code == 404


def test_another_tenants_job_is_404(client: Any, job: Any, other_tenant: Any, make_key: Any) -> None:
    client.headers["Authorization"] = f"Bearer {make_key(other_tenant)}"
    for path in ("", "/events", "/metrics"):
        assert client.get(f"/v1/jobs/{job['id']}{path}").status_code == 404
    assert client.post(f"/v1/jobs/{job['id']}/cancel").status_code == 404
    assert client.get("/v1/users/ada/training-jobs").status_code == 404


def test_a_key_that_may_only_read_cannot_train(client: Any, job: Any, tenant: Any, make_key: Any) -> None:
    client.headers["Authorization"] = f"Bearer {make_key(tenant, scopes=['read'])}"
    assert client.get(f"/v1/jobs/{job['id']}").status_code == 200
    assert client.post(f"/v1/jobs/{job['id']}/cancel").status_code == 403
    assert client.post("/v1/users/ada/training-jobs", json={}).status_code == 403
    client.headers.pop("Authorization")
    assert client.get(f"/v1/jobs/{job['id']}").status_code == 401


def test_cancel_and_retry(client: Any, job: Any) -> None:
    path = f"/v1/jobs/{job['id']}"
    assert client.post(f"{path}/retry").status_code == 409
    assert client.post(f"{path}/cancel").json()["state"] == "cancelled"
    assert client.post(f"{path}/cancel").status_code == 409
    again = client.post(f"{path}/retry")
    assert (again.status_code, again.json()["state"], again.json()["reason"]) == (202, "queued", None)


def fills_the_disk(context: JobContext) -> TrainingOutcome:
    with open("/dev/full", "wb", buffering=0) as file:
        file.write(b"a new voice")
    return DONE


def diverges(context: JobContext) -> TrainingOutcome:
    raise TrainingFailure("The loss became NaN.", "Lower rl.learning_rate.")


@pytest.mark.parametrize(("train", "reason"), [(fills_the_disk, "The disk is full"), (diverges, "became NaN")])
def test_the_adapter_in_use_survives_a_failed_training(
    client: Any, job: Any, ada: Any, make_adapter: Any, train: Any, reason: str
) -> None:
    make_adapter(ada, b"the old voice", promote=True)
    runner.run_training(job["id"], train)
    found = client.get(f"/v1/jobs/{job['id']}").json()
    assert found["state"] == "failed"
    assert reason in found["reason"]
    assert found["remedy"]
    assert client.get("/v1/users/ada").json()["active_version"] == 1
    answer = client.post("/v1/rewrite", json={"user_id": "ada", "text": "Please send the report."})
    assert answer.json()["adapter"]["version"] == 1


def test_pages_follow_each_other(client: Any, ada: Any) -> None:
    ids = []
    for _ in range(3):
        ids.append(client.post("/v1/users/ada/training-jobs", json={}).json()["id"])
        client.post(f"/v1/jobs/{ids[-1]}/cancel")
    first = client.get("/v1/users/ada/training-jobs", params={"limit": 2}).json()
    second = client.get("/v1/users/ada/training-jobs", params={"limit": 2, "cursor": first["next"]}).json()
    assert [job["id"] for job in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None


def test_the_log_of_a_finished_job_is_read_to_its_end(client: Any, job: Any) -> None:
    runner.run_training(job["id"], learns)
    answer = client.get(f"/v1/jobs/{job['id']}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = heard(answer)
    kinds = [event["event"] for event in events]
    assert kinds == ["state", "state", "stage", "note", "state", "progress"]
    assert [event["data"]["state"] for event in events if event["event"] == "state"] == [
        "queued",
        "running",
        "succeeded",
    ]
    assert events[-1]["data"] == {"state": "succeeded", "stage": "done", "progress": 1.0, "attempt": 1}
    numbers = [int(event["id"]) for event in events if "id" in event]
    assert numbers == sorted(set(numbers))


def test_a_follower_goes_on_where_it_was_cut_off(client: Any, job: Any) -> None:
    runner.run_training(job["id"], learns)
    path = f"/v1/jobs/{job['id']}/events"
    seen = heard(client.get(path))
    again = heard(client.get(path, headers={"Last-Event-ID": seen[2]["id"]}))
    assert [event.get("id") for event in again] == [event.get("id") for event in seen[3:]]
    refused = client.get(path, headers={"Last-Event-ID": "three"})
    assert (refused.status_code, refused.json()["field"]) == (422, "Last-Event-ID")
