"""What a training learns from feedback."""

from collections.abc import Callable
from typing import Any

import pytest

from app.db import now, transaction
from app.errors import NotFound
from app.feedback import service
from app.feedback.corrections import pairs
from app.feedback.service import FeedbackSignal, Liked, Remark, signal
from app.models import Feedback, Rewrite, User
from app.users import service as users


def signal_of(user: User) -> FeedbackSignal:
    with transaction(user.tenant_id, read_only=True) as session:
        return signal(session, user.id)


def test_liked_corrected_and_disliked(
    ada: User, make_rewrite: Callable[..., Rewrite], make_feedback: Callable[..., Feedback]
) -> None:
    rewrites = {name: make_rewrite(ada, f"Please {name}.", [f"{name} 0", f"{name} 1"]) for name in "abcdef"}

    def score(name: str, satisfaction: float, **columns: object) -> str:
        return make_feedback(rewrites[name], satisfaction=satisfaction, scored_at=now(), **columns).id

    used = [
        score("a", 0.65, output_index=1),
        score("b", 0.35),
        score("c", 0.2, edited_text="c as I say it"),
    ]
    score("d", 0.5)
    make_feedback(rewrites["e"], text="not scored yet")
    assert signal_of(ada) == FeedbackSignal(
        liked=[Liked("Please a.", "a 1", None), Liked("Please c.", "c as I say it", None)],
        disliked=["Please b.", "Please c."],
        feedback_ids=used,
    )


def test_of_several_remarks_about_one_text_the_newest_counts(
    ada: User, rewrite: Rewrite, make_feedback: Callable[..., Feedback]
) -> None:
    make_feedback(rewrite, satisfaction=0.1, scored_at=now())
    last = make_feedback(rewrite, satisfaction=0.9, scored_at=now())
    assert signal_of(ada) == FeedbackSignal([Liked("See you soon.", "c u soon", None)], [], [last.id])


@pytest.mark.parametrize("scorer", ["injection", "unread"])
def test_what_says_nothing_takes_nothing_back(
    ada: User, rewrite: Rewrite, make_feedback: Callable[..., Feedback], scorer: str
) -> None:
    said = make_feedback(rewrite, satisfaction=0.1, scorer="static", scored_at=now())
    make_feedback(rewrite, satisfaction=0.5, scorer=scorer, scored_at=now())
    assert signal_of(ada) == FeedbackSignal([], ["See you soon."], [said.id])


@pytest.mark.parametrize(
    ("first", "liked", "disliked"),
    [
        ({"satisfaction": 0.9, "edited_text": "c u then"}, ["c u then"], []),
        ({"satisfaction": 0.0, "rating": 0.0}, [], ["See you soon."]),
        ({"satisfaction": 1.0, "rating": 1.0}, ["c u soon"], []),
    ],
)
def test_talk_of_something_else_takes_nothing_back(
    ada: User,
    rewrite: Rewrite,
    make_feedback: Callable[..., Feedback],
    first: dict[str, Any],
    liked: list[str],
    disliked: list[str],
) -> None:
    make_feedback(rewrite, scored_at=now(), **first)
    make_feedback(rewrite, satisfaction=0.5, scorer="static", text="What time is it in Tokyo?", scored_at=now())
    found = signal_of(ada)
    assert ([each.chosen for each in found.liked], found.disliked) == (liked, disliked)
    make_feedback(rewrite, satisfaction=0.5, rating=0.5, scored_at=now())
    assert signal_of(ada) == FeedbackSignal([], [], [])


def test_two_disliked_texts_of_one_request_are_one_request(
    ada: User, rewrite: Rewrite, make_feedback: Callable[..., Feedback]
) -> None:
    both = [make_feedback(rewrite, satisfaction=0.0, scored_at=now(), output_index=index).id for index in (0, 1)]
    assert signal_of(ada) == FeedbackSignal([], ["See you soon."], both)


def test_corrections_are_preference_pairs_the_newest_of_a_text(
    ada: User, rewrite: Rewrite, make_rewrite: Callable[..., Rewrite], make_feedback: Callable[..., Feedback]
) -> None:
    make_feedback(rewrite, edited_text="c u")
    make_feedback(rewrite, edited_text="c u then")
    make_feedback(rewrite, edited_text=" laters ", output_index=1)
    make_feedback(make_rewrite(ada, "Good night.", ["night"]), edited_text="nighty night")
    with transaction(ada.tenant_id, read_only=True) as session:
        assert pairs(session, ada.id) == [
            ("Good night.", "nighty night", "night", None),
            ("See you soon.", "c u then", "c u soon", None),
        ]


def test_feedback_knows_the_voice_that_it_is_about(
    ada: User, make_rewrite: Callable[..., Rewrite], make_feedback: Callable[..., Feedback]
) -> None:
    make_feedback(make_rewrite(ada, mode="friends"), edited_text="c u then", satisfaction=0.5, scored_at=now())
    assert [liked.voice for liked in signal_of(ada).liked] == ["friends"]
    with transaction(ada.tenant_id, read_only=True) as session:
        assert [pair.voice for pair in pairs(session, ada.id)] == ["friends"]


def test_other_peoples_feedback_is_none_of_theirs(
    rewrite: Rewrite, make_user: Callable[..., User], make_feedback: Callable[..., Feedback]
) -> None:
    make_feedback(rewrite, satisfaction=1.0, scored_at=now())
    assert signal_of(make_user("bob")) == FeedbackSignal([], [], [])


def test_a_remark_on_what_was_erased_meanwhile_finds_nobody(
    ada: User, rewrite: Rewrite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.rewrites, "get", lambda *_: (rewrite, "ada"))
    users.erase(ada.tenant_id, "ada")
    with pytest.raises(NotFound, match="erased"), transaction(ada.tenant_id) as session:
        service.add(session, Remark(rewrite.id, "Fine."))
