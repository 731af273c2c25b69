"""A worker dies while it writes down what a person's scorer has learned; another one learns it."""

import signal
from typing import Any

import pytest

from app.config import get_settings
from app.db import EVERY_TENANT, transaction
from app.feedback.scoring import score_feedback
from app.models import Feedback, Rewrite, Scorer, Trace, User

MARK = "half-way"
"""As in halfway_worker.py, which nobody may import who wants to listen to its end."""
RATED = {"Come at ten!!": 1.0, "WHAT a day!!": 0.9, "Come at ten, please.": 0.1, "It is a nice day.": 0.0}


def rate(user: User) -> None:
    """Four reactions, which are enough to listen to."""
    owner = {"tenant_id": user.tenant_id, "user_id": user.id}
    for output, rating in RATED.items():
        with transaction(user.tenant_id) as session:
            rewrite = Rewrite(**owner, text="See you soon.", outputs=[output], base_digest="0" * 64, seed=0)
            session.add(rewrite)
            session.flush()
            reaction = Feedback(**owner, rewrite_id=rewrite.id, output_index=0, text="", rating=rating)
            session.add(reaction)
        score_feedback(reaction.id)


def rows(kind: type[Any]) -> list[Any]:
    with transaction(EVERY_TENANT, read_only=True) as session:
        return list(session.query(kind))


@pytest.mark.slow
def test_a_worker_killed_while_it_listens_leaves_nothing_half_done(shop: Any) -> None:
    with transaction(EVERY_TENANT, read_only=True) as session:
        user = session.get_one(User, shop.submit().user_id)
    rate(user)
    listener = shop.start_worker("score", "tests.faults.halfway_worker")
    mark = get_settings().data_dir / MARK
    shop.until(mark.exists)
    listener.send_signal(signal.SIGKILL)
    listener.wait()
    assert rows(Scorer) == []
    assert {trace.heard_by for trace in rows(Trace)} == {None}

    shop.start_worker("score")
    shop.until(lambda: rows(Scorer))
    [scorer] = rows(Scorer)
    assert (scorer.version, scorer.state is not None) == (1, True)
    assert {trace.heard_by for trace in rows(Trace)} == {1}
