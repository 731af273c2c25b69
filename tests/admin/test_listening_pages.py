"""The part of a person's page that tells how satisfied they were and what they seem to like."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.admin.listening import HEIGHT, MARGIN, sketched
from app.db import now, transaction
from app.models import Feedback, Rewrite, Scorer, StyleSample, User

NASTY = "<b>c u</b> then"


@pytest.fixture
def react(ada: User) -> Callable[..., Feedback]:
    """`react(0.3, edited_text="…")`: ada's scored reaction to a rewrite."""

    def give(satisfaction: float, **columns: Any) -> Feedback:
        owner = {"tenant_id": ada.tenant_id, "user_id": ada.id}
        with transaction(ada.tenant_id) as session:
            rewrite = Rewrite(**owner, text="See you.", outputs=["c u soon"], base_digest="0" * 64, seed=0)
            session.add(rewrite)
            session.flush()
            feedback = Feedback(**owner, rewrite_id=rewrite.id, satisfaction=satisfaction, scored_at=now(), **columns)
            session.add(feedback)
        return feedback

    return give


def believe(ada: User, version: int, likes: str) -> None:
    belief = {"name": "length", "likes": likes, "effect": 0.2, "low": 0.1, "high": 0.3}
    with transaction(ada.tenant_id) as session:
        session.add(
            Scorer(
                tenant_id=ada.tenant_id,
                user_id=ada.id,
                version=version,
                replies=4 * version,
                features="f",
                metrics={"error": 0.12, "guess": 0.34},
                beliefs=[belief],
            )
        )


def text_of(operator: TestClient, ada: User) -> str:
    return operator.get(f"/admin/people/{ada.id}").text


def test_of_a_silent_person_it_says_so(operator: TestClient, ada: User) -> None:
    assert "They have not reacted to a rewrite yet." in text_of(operator, ada)


def test_what_says_nothing_of_a_text_is_left_out_and_told(
    operator: TestClient, ada: User, react: Callable[..., Feedback]
) -> None:
    for scorer in ("injection", "injection", "unread"):
        react(0.5, scorer=scorer)
    text = text_of(operator, ada)
    assert "They have not reacted to a rewrite yet." in text
    assert "2 messages giving the machine orders, 1 message in no language that is read." in text
    react(0.9, scorer="static")
    assert "of 1 reaction." in text_of(operator, ada)


def test_reactions_are_drawn_and_what_is_missing_is_told(
    operator: TestClient, ada: User, react: Callable[..., Feedback]
) -> None:
    react(0.2)
    assert "<svg" not in text_of(operator, ada)
    react(0.8)
    text = text_of(operator, ada)
    assert text.count("<circle") == 2
    assert "0.50" in text
    assert "4 new reactions make a scorer" in text


def test_likes_and_their_changes_are_said_in_words(
    operator: TestClient, ada: User, react: Callable[..., Feedback]
) -> None:
    react(0.9)
    for version in range(1, 7):
        believe(ada, version, "longer texts" if version < 4 else "shorter texts")
    text = text_of(operator, ada)
    assert "They seem to like <b" in text
    assert "longer texts → <b>shorter texts</b>" in text
    assert "mean error of 0.12" in text
    assert "erred by 0.34" in text


def test_a_scorer_without_opinion_claims_none(operator: TestClient, ada: User, react: Callable[..., Feedback]) -> None:
    react(0.9)
    believe(ada, 1, "")
    assert "no clear opinion" in text_of(operator, ada)


def test_a_correction_becomes_a_sample_when_the_operator_says_so(
    operator: TestClient, post: Callable[..., Any], ada: User, react: Callable[..., Feedback]
) -> None:
    react(0.9, edited_text="c u soon")
    feedback = react(0.3, edited_text=NASTY)
    text = text_of(operator, ada)
    assert text.count("Make it a sample") == 1, "an edit that changes nothing is no candidate"
    assert NASTY not in text
    assert "&lt;b&gt;c u&lt;/b&gt; then" in text
    after = post(f"/admin/people/{ada.id}/adopt", feedback_id=feedback.id).text
    assert "The correction is a sample now." in after
    assert "Make it a sample" not in after
    with transaction(ada.tenant_id, read_only=True) as session:
        assert [sample.text for sample in session.query(StyleSample)] == [NASTY]


def test_above_is_pleased_and_the_line_follows_slowly() -> None:
    sketch = sketched([(Feedback(satisfaction=value), None) for value in (0.0, 1.0)])
    assert sketch is not None
    assert sketch.points == [(6.0, HEIGHT - MARGIN), (594.0, MARGIN)]
    assert sketch.last == pytest.approx(0.2)
    assert sketched([(Feedback(satisfaction=0.5), None)]) is None
