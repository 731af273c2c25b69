"""What the operator's forms do, and what they say when it cannot be done."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.adapters import service as adapters
from app.db import transaction
from app.models import Adapter, StyleSample, User

Post = Callable[..., Any]


@pytest.fixture
def two_versions(ada: User, make_adapter: Callable[..., Adapter]) -> None:
    make_adapter(ada, b"one", promote=True)
    make_adapter(ada, b"two")


def test_promoting_and_rolling_back(post: Post, ada: User, two_versions: None) -> None:
    page = post(f"/admin/people/{ada.id}/promote", version="2", expected="1")
    assert page.url.path == f"/admin/people/{ada.id}"
    assert "Version 2 speaks for ada now." in page.text
    assert active(ada) == 2
    assert "Version 1 speaks for ada again." in post(f"/admin/people/{ada.id}/rollback", expected="2").text
    assert "The base model speaks for ada again." in post(f"/admin/people/{ada.id}/rollback", expected="1").text
    assert active(ada) is None


def test_who_promotes_too_late_is_told_and_sees_what_is_active_now(
    post: Post, ada: User, two_versions: None, make_adapter: Callable[..., Adapter]
) -> None:
    make_adapter(ada, b"three", promote=True)
    page = post(f"/admin/people/{ada.id}/promote", version="2", expected="1")
    assert page.status_code == 412
    assert "Another version became active meanwhile" in page.text
    assert "<strong>Version 3</strong> speaks for them" in page.text
    assert active(ada) == 3
    again = re.search(r'name="version" value="2"><input type="hidden" name="expected" value="(\d)"', page.text)
    assert again
    assert post(f"/admin/people/{ada.id}/promote", version="2", expected=again[1]).status_code == 200
    assert active(ada) == 2


def test_who_rolls_back_too_late_changes_nothing(post: Post, ada: User, two_versions: None) -> None:
    with transaction(ada.tenant_id) as session:
        adapters.promote(session, ada.id, 2)
    assert post(f"/admin/people/{ada.id}/rollback", expected="1").status_code == 412
    assert active(ada) == 2


def test_there_is_nothing_behind_the_base_model(post: Post, ada: User) -> None:
    page = post(f"/admin/people/{ada.id}/rollback", expected="0")
    assert page.status_code == 409
    assert "The base model is already in use" in page.text


def test_what_was_done_is_said_once(operator: TestClient, post: Post, ada: User, two_versions: None) -> None:
    said = "Version 2 speaks for ada now."
    assert said in post(f"/admin/people/{ada.id}/promote", version="2", expected="1").text
    assert said not in operator.get(f"/admin/people/{ada.id}").text


def test_samples_are_pasted_with_an_empty_line_between_two(post: Post, ada: User) -> None:
    pasted = "Dear Tom,\r\nthank you!\r\n\r\n\r\nSee you <soon>.\r\n\r\ndear tom, thank YOU!"
    page = post(f"/admin/people/{ada.id}/samples", text=pasted, context=" letters ")
    assert "2 samples added, 1 known already." in page.text
    with transaction(ada.tenant_id, read_only=True) as session:
        rows = session.query(StyleSample).order_by(StyleSample.id).all()
    assert [(row.text, row.context) for row in rows] == [
        ("Dear Tom,\nthank you!", "letters"),
        ("See you <soon>.", "letters"),
    ]


def test_what_was_pasted_is_not_lost_when_it_cannot_be_kept(post: Post, ada: User) -> None:
    pasted = "</textarea><b>" + "x" * 20_001
    page = post(f"/admin/people/{ada.id}/samples", text=pasted)
    assert page.status_code == 422
    assert "There are samples that cannot be learned from" in page.text
    assert "&lt;/textarea&gt;&lt;b&gt;xxx" in page.text


def test_nothing_pasted_is_nothing_added(post: Post, ada: User) -> None:
    page = post(f"/admin/people/{ada.id}/samples", text=" \r\n ")
    assert page.status_code == 422
    assert "There is no text in it" in page.text


def test_training_leads_to_its_job(post: Post, ada: User, make_samples: Callable[..., object]) -> None:
    make_samples(ada, 5)
    page = post(f"/admin/people/{ada.id}/train", recipe="sft")
    assert page.url.path.startswith("/admin/jobs/")
    assert "begins as soon as a worker is free" in page.text
    assert ">Imitating them<" in page.text
    assert ">Practising for reward<" not in page.text
    again = post(f"/admin/people/{ada.id}/train", recipe="sft")
    assert again.status_code == 409
    assert "already being trained" in again.text


def test_too_little_writing_is_told_before_a_job_is_made(post: Post, ada: User) -> None:
    page = post(f"/admin/people/{ada.id}/train", recipe="voice")
    assert page.status_code == 422
    assert "There is too little writing to learn from" in page.text
    assert "Never trained" in page.text


def test_nobody_can_be_acted_upon_who_is_gone(post: Post) -> None:
    page = post("/admin/people/nobody/train", recipe="voice")
    assert page.status_code == 404
    assert "There is no such user" in page.text


def active(user: User) -> int | None:
    with transaction(user.tenant_id, read_only=True) as session:
        version = adapters.active(session, user.id)
        return version.version if version else None
