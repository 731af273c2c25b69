from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.models import Rewrite, Tenant, User

Say = Callable[..., Any]


def test_feedback_is_taken_down_and_the_bell_is_rung(
    say: Say, rewrite: Rewrite, client: TestClient, rung: Callable[[str], list[dict[str, Any]]]
) -> None:
    answer = say(text=" not quite me, but close ", rating=0.7, edited_text="c ya soon", output_index=1)
    assert answer.status_code == 201
    body = answer.json()
    assert body | {"feedback_id": "", "created_at": ""} == {
        "feedback_id": "",
        "rewrite_id": rewrite.id,
        "user_id": "ada",
        "output_index": 1,
        "created_at": "",
        "text": "not quite me, but close",
        "rating": 0.7,
        "edited_text": "c ya soon",
        "satisfaction": None,
        "scorer": None,
        "note": None,
        "scored_at": None,
    }
    assert rung("feedback.score") == [{"feedback_id": body["feedback_id"]}]
    assert client.get(f"/v1/feedback/{body['feedback_id']}").json() == body


@pytest.mark.parametrize("body", [{"text": "lovely"}, {"rating": 0}, {"edited_text": "see ya"}])
def test_one_of_three_is_enough(say: Say, body: dict[str, Any]) -> None:
    assert say(**body).status_code == 201


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "text"),
        ({"text": "  ", "edited_text": "\n"}, 422, "text"),
        ({"text": "nul \0 inside"}, 422, "text"),
        ({"text": "a " * 500_000}, 413, "text"),
        ({"edited_text": "a " * 500_000}, 413, "edited_text"),
        ({"rating": 1.5}, 422, "rating"),
        ({"rating": "nan"}, 422, "rating"),
        ({"text": "ok", "output_index": 2}, 422, "output_index"),
        ({"text": "ok", "output_index": -1}, 422, "output_index"),
        ({"text": "ok", "rewrite_id": "0190-none"}, 404, "rewrite_id"),
        ({"text": "ok", "mood": "fine"}, 422, "mood"),
    ],
)
def test_bad_input_is_named_and_nothing_is_kept(
    say: Say, client: TestClient, body: dict[str, Any], status: int, field: str
) -> None:
    answer = say(**body)
    assert answer.status_code == status
    assert answer.json()["field"] == field
    assert answer.json()["remedy"]
    assert client.get("/v1/users/ada/feedback").json()["items"] == []


def test_the_limit_is_told(say: Say, settings: Settings) -> None:
    assert str(settings.max_text_chars) in say(text="a" * (settings.max_text_chars + 1)).json()["detail"]


def test_feedback_on_another_tenants_rewrite_is_refused(
    client: TestClient,
    make_user: Callable[..., User],
    make_rewrite: Callable[..., Rewrite],
    other_tenant: Tenant,
    rung: Callable[[str], list[dict[str, Any]]],
) -> None:
    theirs = make_rewrite(make_user("eve", other_tenant))
    answer = client.post("/v1/feedback", json={"rewrite_id": theirs.id, "text": "mine now"})
    assert (answer.status_code, answer.json()["field"]) == (404, "rewrite_id")
    assert rung("feedback.score") == []


def test_another_tenants_feedback_is_unknown(
    say: Say, client: TestClient, other_tenant: Tenant, make_key: Callable[..., str]
) -> None:
    feedback_id = say(text="lovely").json()["feedback_id"]
    client.headers["Authorization"] = f"Bearer {make_key(other_tenant)}"
    assert client.get(f"/v1/feedback/{feedback_id}").status_code == 404
    assert client.get("/v1/users/ada/feedback").status_code == 404


def test_a_list_is_read_newest_first_in_pages(say: Say, client: TestClient) -> None:
    ids = [say(rating=number / 4).json()["feedback_id"] for number in range(3)]
    first = client.get("/v1/users/ada/feedback?limit=2").json()
    second = client.get(f"/v1/users/ada/feedback?limit=2&cursor={first['next']}").json()
    assert [item["feedback_id"] for item in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None
