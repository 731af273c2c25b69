from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from app.db import transaction
from app.models import Rewrite, User
from app.repository import is_stored
from app.rewrites import repository

Make = Callable[..., Any]

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)


def written_for(user: User, **values: Any) -> Rewrite:
    known = {"tenant_id": user.tenant_id, "user_id": user.id, "text": "x", "outputs": ["x"], "base_digest": "b" * 64}
    return Rewrite(**{**known, "seed": 0, **values})


def test_a_rewrite_is_kept(make_user: Make) -> None:
    row = written_for(make_user("ada"))
    with transaction(row.tenant_id) as session:
        assert is_stored(session, row)
    with transaction(row.tenant_id, read_only=True) as session:
        assert repository.get(session, row.id) is not None


def test_nothing_is_kept_for_who_is_not_there(make_user: Make) -> None:
    row = written_for(make_user("ada"), user_id="somebody")
    with transaction(row.tenant_id) as session:
        assert not is_stored(session, row)
        session.rollback()


def test_another_broken_rule_is_not_taken_for_a_missing_person(make_user: Make) -> None:
    row = written_for(make_user("ada"), base_digest=None)
    with pytest.raises(IntegrityError), transaction(row.tenant_id) as session:
        is_stored(session, row)
