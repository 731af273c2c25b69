"""A person's own scorer, learning from rows: versions, crashes, races."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from app.db import transaction
from app.feedback import listening, repository
from app.feedback.listening import STATES_KEPT, Ears, listen, satisfaction_of
from app.feedback.scoring import score_feedback
from app.learning.satisfaction.features import pair_features
from app.models import Scorer, Trace, User
from app.users import service as users

Make = Callable[..., Any]
LOUD = ["See you soon at the station! It will be great!", "What a lovely day! Come and see the big garden!"]
CALM = ["See you soon at the station. It will be great.", "What a lovely day. Come and see the big garden."]


def encode(texts: Sequence[str]) -> Tensor:
    return torch.tensor([[1.0, 0.0] for _ in texts])


def habits(texts: Sequence[str]) -> list[list[float]]:
    return [[min(text.count("!"), 3.0), len(text.split()) / 10] for text in texts]


@pytest.fixture
def ears() -> Ears:
    return Ears(pair_features(encode, habits), "exclaiming and size")


@pytest.fixture
def rate(ada: User, make_rewrite: Make, make_feedback: Make) -> Callable[..., None]:
    """`rate(loud=1.0, calm=0.0)`: ada rates two texts of each kind, which is enough for a version."""

    def give(loud: float, calm: float) -> None:
        for texts, rating in ((LOUD, loud), (CALM, calm)):
            for text in texts:
                score_feedback(make_feedback(make_rewrite(ada, "See you soon.", [text]), rating=rating).id)

    return give


def versions(user: User) -> list[Scorer]:
    with transaction(user.tenant_id, read_only=True) as session:
        return list(session.query(Scorer).order_by(Scorer.version))


def rows(user: User) -> list[Trace]:
    with transaction(user.tenant_id, read_only=True) as session:
        return list(session.query(Trace).order_by(Trace.id))


def opinion(user: User, ears: Ears) -> float:
    """How much better the loud texts are, as the newest version sees it."""
    with transaction(user.tenant_id, read_only=True) as session:
        scorer = satisfaction_of(session, user.id, ears)
    assert scorer is not None
    return (scorer(["See you soon."] * 2, LOUD) - scorer(["See you soon."] * 2, CALM)).mean().item()


def test_too_little_news_is_left_for_later(ada: User, ears: Ears, make_rewrite: Make, make_feedback: Make) -> None:
    for _ in range(3):
        score_feedback(make_feedback(make_rewrite(ada), rating=0.9).id)
    assert listen(ada.id, ears) is None
    assert versions(ada) == []
    with transaction(ada.tenant_id, read_only=True) as session:
        assert satisfaction_of(session, ada.id, ears) is None


@pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
def test_ratings_become_a_version_that_likes_what_they_like(ada: User, ears: Ears, rate: Make) -> None:
    for version in (1, 2, 3):
        rate(loud=1.0, calm=0.0)
        assert listen(ada.id, ears) == version
    assert opinion(ada, ears) > 0.2
    newest = versions(ada)[-1]
    assert (newest.version, newest.replies, newest.features) == (3, 12, "exclaiming and size")
    likes = {belief["name"]: belief["likes"] for belief in newest.beliefs}
    assert likes["exclamation marks"] == "exclamation marks"
    assert newest.metrics["error"] < newest.metrics["guess"]
    assert len(newest.state or b"") < 10_000


def test_copies_are_rows_and_everything_is_heard_once(ada: User, ears: Ears, rate: Make) -> None:
    rate(loud=1.0, calm=0.0)
    listen(ada.id, ears)
    origins = [row.origin for row in rows(ada)]
    assert origins.count("reply") == 4
    assert origins.count("truncation") == 4
    assert origins.count("synonym") >= 2
    assert {row.heard_by for row in rows(ada)} == {1}
    assert listen(ada.id, ears) is None


def test_old_scores_are_worked_out_anew(ada: User, ears: Ears, rate: Make) -> None:
    rate(loud=1.0, calm=0.0)
    listen(ada.id, ears)
    assert all(row.rescored_at is None for row in rows(ada))
    rate(loud=0.0, calm=1.0)
    listen(ada.id, ears)
    old = [row for row in rows(ada) if row.heard_by == 1 and row.origin == "reply"]
    assert all(row.rescored_at is not None and row.score != row.static_score for row in old)
    assert {row.static_score for row in old} == {0.0, 1.0}


def test_a_reversal_is_heard(ada: User, ears: Ears, rate: Make) -> None:
    for _ in range(3):
        rate(loud=1.0, calm=0.0)
        listen(ada.id, ears)
    for _ in range(8):
        rate(loud=0.0, calm=1.0)
        listen(ada.id, ears)
    assert opinion(ada, ears) < -0.2


@pytest.mark.parametrize("broken", [{"state": b"not a scorer"}, {"state": None}, {"features": "other"}])
def test_a_scorer_that_lost_its_weights_remembers_all_the_same(
    ada: User, ears: Ears, rate: Make, broken: dict[str, Any]
) -> None:
    for _ in range(3):
        rate(loud=1.0, calm=0.0)
        listen(ada.id, ears)
    with transaction(ada.tenant_id) as session:
        newest = repository.latest_scorer(session, ada.id)
        for name, value in broken.items():
            setattr(newest, name, value)
    with transaction(ada.tenant_id, read_only=True) as session:
        assert satisfaction_of(session, ada.id, ears) is None
    rate(loud=0.5, calm=0.5)
    assert listen(ada.id, ears) == 4
    assert opinion(ada, ears) > 0.1, "the last ratings say nothing; what is known comes from the traces"


def test_a_worker_that_died_before_writing_changed_nothing(
    ada: User, ears: Ears, rate: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate(loud=1.0, calm=0.0)

    def dies(*_: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(listening, "_relabel", dies)
        with pytest.raises(MemoryError):
            listen(ada.id, ears)
    assert versions(ada) == []
    assert {row.heard_by for row in rows(ada)} == {None}
    assert listen(ada.id, ears) == 1


def test_of_two_workers_one_writes(ada: User, ears: Ears, rate: Make) -> None:
    rate(loud=1.0, calm=0.0)

    def slow(prompts: Sequence[str], outputs: Sequence[str]) -> Tensor:
        if not versions(ada):
            assert listen(ada.id, ears) == 1
        return ears.features(prompts, outputs)

    assert listen(ada.id, Ears(slow, ears.name)) is None
    assert [version.version for version in versions(ada)] == [1]
    assert len(rows(ada)) == len({(row.feedback_id, row.origin) for row in rows(ada)})


def test_who_is_erased_while_being_heard_stays_erased(ada: User, ears: Ears, rate: Make) -> None:
    rate(loud=1.0, calm=0.0)

    def erasing(prompts: Sequence[str], outputs: Sequence[str]) -> Tensor:
        with transaction(ada.tenant_id, read_only=True) as session:
            is_there = repository.tenant_of_user(session, ada.id) is not None
        if is_there:
            users.erase(ada.tenant_id, "ada")
        return ears.features(prompts, outputs)

    assert listen(ada.id, Ears(erasing, ears.name)) is None
    assert versions(ada) == rows(ada) == []
    assert listen(ada.id, ears) is None


def test_old_versions_keep_what_they_believed_but_not_their_weights(ada: User, ears: Ears, rate: Make) -> None:
    for _ in range(STATES_KEPT + 2):
        rate(loud=1.0, calm=0.0)
        listen(ada.id, ears)
    assert [version.state is not None for version in versions(ada)] == [False] * 2 + [True] * STATES_KEPT
    assert all(version.beliefs for version in versions(ada))


def test_another_persons_reactions_are_none_of_theirs(ada: User, ears: Ears, rate: Make, make_user: Make) -> None:
    rate(loud=1.0, calm=0.0)
    bob = make_user("bob")
    assert listen(bob.id, ears) is None


@pytest.mark.slow
@pytest.mark.model
def test_the_packaged_features_hear_a_person(ada: User, rate: Make) -> None:
    for _ in range(3):
        rate(loud=0.0, calm=1.0)
        listen(ada.id)
    assert opinion(ada, listening.packaged_ears()) < -0.1
    newest = versions(ada)[-1]
    assert len(newest.state or b"") < 60_000
    likes = {belief["name"]: belief["likes"] for belief in newest.beliefs}
    assert likes["exclamation marks"] == "fewer exclamation marks"
