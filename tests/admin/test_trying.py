"""The base model and a version side by side, and what one thinks of it."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.db import EVERY_TENANT, now, transaction
from app.inference.fake import FakeEngine
from app.models import Adapter, Feedback, Rewrite, User

HTMX = {"HX-Request": "true"}
MODES = [{"tag": "work", "share": 0.5}, {"tag": "home", "share": 0.5}]

Post = Callable[..., Any]


@pytest.fixture
def voice(ada: User, make_adapter: Callable[..., Adapter]) -> Adapter:
    return make_adapter(ada, b"one", promote=True, modes=MODES)


def test_both_write_with_the_same_seed_and_their_differences_are_marked(
    post: Post, ada: User, voice: Adapter, engine: FakeEngine
) -> None:
    page = post("/admin/try", HTMX, user=ada.id, text="See <you>\r\nsoon.", context="home").text
    base, active = sorted(engine.specs, key=lambda spec: spec.adapter_digest or "")
    assert (base.adapter_digest, active.adapter_digest, active.tag) == (None, voice.digest, "home")
    assert base.seed == active.seed
    assert base.text == "See <you>\nsoon."
    assert "<mark>base</mark>" in page
    assert f"<mark>{voice.digest[:8]}/home</mark>" in page
    assert page.count("See &lt;you&gt;\nsoon.") == 3  # once each, and once to be corrected
    assert "<html" not in page


def test_without_scripts_the_answer_is_a_whole_page(post: Post, ada: User, voice: Adapter) -> None:
    page = post("/admin/try", user=ada.id, text="See you soon.").text
    assert "<html" in page
    assert ">See you soon.</textarea>" in page
    assert page.count("<blockquote>") == 2


def test_a_candidate_can_be_heard_before_it_is_promoted(
    post: Post, operator: TestClient, ada: User, voice: Adapter, make_adapter: Callable[..., Adapter]
) -> None:
    candidate = make_adapter(ada, b"two")
    choices = operator.get(f"/admin/try/choices?user={ada.id}").text
    assert '<option value="2">2, candidate</option>' in choices
    assert "<option>work</option>" in choices
    assert '<option value="2" selected>' in operator.get(f"/admin/try?user={ada.id}&version=2").text
    page = post("/admin/try", HTMX, user=ada.id, text="Hi.", version="2").text
    assert "Version 2" in page
    assert candidate.digest[:8] in page


def test_what_a_text_lost_is_said_below_it(post: Post, ada: User, engine: FakeEngine) -> None:
    assert "does not tell" not in post("/admin/try", HTMX, user=ada.id, text="I met Nadia & Co. today.").text
    engine.loses = ["Nadia"]
    assert "It does not tell: Nadia." in post("/admin/try", HTMX, user=ada.id, text="I met Nadia today.").text


def test_without_a_version_the_base_model_speaks_alone(post: Post, ada: User) -> None:
    page = post("/admin/try", HTMX, user=ada.id, text="Hi.").text
    assert page.count("<blockquote>") == 1
    assert "has no active version" in page


def test_if_one_fails_the_other_is_still_shown(post: Post, ada: User, voice: Adapter, engine: FakeEngine) -> None:
    engine.known = set()
    page = post("/admin/try", HTMX, user=ada.id, text="Hi.")
    assert page.status_code == 200
    assert page.text.count("<blockquote>") == 1
    assert "The chosen version cannot be loaded" in page.text


def test_if_both_fail_the_reason_takes_the_place_of_the_notice(post: Post, ada: User, engine: FakeEngine) -> None:
    engine.fail_with = "unavailable"
    page = post("/admin/try", HTMX, user=ada.id, text="Hi.")
    assert page.status_code == 503
    assert page.headers["hx-retarget"] == "#notice"
    assert "The language model is not available" in page.text


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"text": " "}, 422, "There is nothing to rewrite"),
        ({"text": "Hi.", "context": "church"}, 200, "The person has no such voice"),
        ({"text": "Hi.", "version": "9"}, 200, "There is no such adapter version"),
        ({"text": "Hi.", "version": "newest"}, 422, "The content cannot be used"),
    ],
)
def test_what_cannot_be_written_is_explained(
    post: Post, ada: User, voice: Adapter, fields: dict[str, str], status: int, words: str
) -> None:
    page = post("/admin/try", HTMX, user=ada.id, **fields)
    assert (page.status_code, words in page.text) == (status, True)


def test_feedback_is_given_and_its_score_awaited(post: Post, operator: TestClient, ada: User, voice: Adapter) -> None:
    page = post("/admin/try", HTMX, user=ada.id, text="Hi.").text
    form = re.search(r'hx-post="(/admin/rewrites/[\w-]+/feedback)"', page)
    assert form
    said = post(form[1], HTMX, text="Just <like> me!").text
    assert "Just &lt;like&gt; me!" in said
    next_look = re.search(r'hx-get="(/admin/feedback/[\w-]+)\?look=1"', said)
    assert next_look
    assert "look=8" in operator.get(f"{next_look[1]}?look=7").text
    assert "No worker has scored it yet" in operator.get(f"{next_look[1]}?look=90").text
    with transaction(EVERY_TENANT) as session:
        remark = session.query(Feedback).one()
        assert (remark.tenant_id, remark.text) == (ada.tenant_id, "Just <like> me!")
        remark.satisfaction, remark.scored_at = 0.93, now()
    scored = operator.get(f"{next_look[1]}?look=8").text
    assert "0.93" in scored
    assert "hx-get" not in scored
    with transaction(EVERY_TENANT) as session:
        session.merge(remark).scorer = "injection"
    ordered = operator.get(f"{next_look[1]}?look=8").text
    assert ["it tells the machine what to do" in ordered, "0.93" in ordered] == [True, False]


def test_feedback_without_scripts_goes_to_the_person(post: Post, operator: TestClient, ada: User) -> None:
    post("/admin/try", user=ada.id, text="Hi.")
    with transaction(EVERY_TENANT, read_only=True) as session:
        rewrite = session.query(Rewrite).one()
    page = post(f"/admin/rewrites/{rewrite.id}/feedback", text="Fine.")
    assert page.url.path == f"/admin/people/{ada.id}"
    assert "Your feedback is written down." in page.text


def test_what_was_written_is_corrected(post: Post, ada: User) -> None:
    page = post("/admin/try", HTMX, user=ada.id, text="Hi.").text
    with transaction(EVERY_TENANT, read_only=True) as session:
        rewrite = session.query(Rewrite).one()
    offered = re.search(r'<textarea name="edited_text"[^>]*>([^<]*)</textarea>', page)
    assert offered
    assert html.unescape(offered[1]) == rewrite.outputs[0]
    form = f"/admin/rewrites/{rewrite.id}/feedback"
    said = post(form, HTMX, text="", edited_text="Hello,\r\nmy <dear>.").text
    assert "It should read:" in said
    assert "Hello,\nmy &lt;dear&gt;." in said
    post(form, HTMX, text="Fine.", edited_text=f"{rewrite.outputs[0]}\r\n")
    with transaction(EVERY_TENANT, read_only=True) as session:
        remarks = session.query(Feedback).order_by(Feedback.created_at).all()
    assert [(remark.text, remark.edited_text) for remark in remarks] == [("", "Hello,\nmy <dear>."), ("Fine.", None)]


def test_empty_feedback_is_told(post: Post, ada: User) -> None:
    post("/admin/try", user=ada.id, text="Hi.")
    with transaction(EVERY_TENANT, read_only=True) as session:
        rewrite = session.query(Rewrite).one()
    answer = post(f"/admin/rewrites/{rewrite.id}/feedback", HTMX, text="  ")
    assert answer.status_code == 422
    assert "The feedback is empty" in answer.text
    assert "Say something, or correct the text." in answer.text
    unread = post(f"/admin/rewrites/{rewrite.id}/feedback", HTMX, text="", edited_text="e" + "\u0301" * 5000)
    assert (unread.status_code, "Edited_text" in unread.text, "accents" in unread.text) == (422, True, True)


def test_scores_of_a_rewrite_arrive_later(post: Post, operator: TestClient, ada: User) -> None:
    post("/admin/try", user=ada.id, text="Hi.")
    with transaction(EVERY_TENANT) as session:
        rewrite = session.query(Rewrite).one()
    assert "scores follow" in operator.get(f"/admin/rewrites/{rewrite.id}/scores").text
    with transaction(EVERY_TENANT) as session:
        session.merge(rewrite).scores = [{"style": None, "meaning": 0.9, "entities": 1.0, "human": -3.0}]
    scored = operator.get(f"/admin/rewrites/{rewrite.id}/scores").text
    assert ["style" in scored, "0.90" in scored, "1.00" in scored, "hx-get" in scored] == [False, True, True, False]
