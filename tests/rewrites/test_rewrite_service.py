"""What happens around a rewrite while it is written."""

import asyncio
from collections.abc import Callable

import pytest

from app.adapters import service as adapters
from app.db import transaction
from app.errors import NotFound
from app.inference.fake import FakeEngine
from app.inference.types import RewriteOutcome, RewriteSpec
from app.models import Adapter, User
from app.rewrites import service
from app.rewrites.service import Ask
from app.users import service as users


class Meanwhile(FakeEngine):
    """Something happens while this engine writes; it needs the database to itself."""

    def __init__(self, event: Callable[[], object]) -> None:
        super().__init__()
        self.event = event

    async def rewrite(self, spec: RewriteSpec) -> RewriteOutcome:
        self.event()
        return await super().rewrite(spec)


def test_a_request_keeps_its_version_while_another_is_promoted(
    ada: User, voice: Adapter, make_adapter: Callable[..., Adapter]
) -> None:
    newer = make_adapter(ada, b"newer")

    def promote() -> None:
        with transaction(ada.tenant_id) as session:
            adapters.promote(session, ada.id, newer.version)

    row, _ = asyncio.run(service.rewrite(Meanwhile(promote), ada.tenant_id, Ask("ada", "Hello there.")))
    assert (row.adapter_version, row.adapter_digest) == (1, voice.digest)
    again, _ = asyncio.run(service.rewrite(FakeEngine(), ada.tenant_id, Ask("ada", "Hello there.")))
    assert again.adapter_version == 2


def test_who_is_erased_meanwhile_gets_nothing_even_if_the_id_is_given_anew(ada: User, voice: Adapter) -> None:
    def erase_and_recreate() -> None:
        users.erase(ada.tenant_id, "ada")
        with transaction(ada.tenant_id) as session:
            users.create(session, "ada")

    with pytest.raises(NotFound, match="erased"):
        asyncio.run(service.rewrite(Meanwhile(erase_and_recreate), ada.tenant_id, Ask("ada", "Hello there.")))
    with transaction(ada.tenant_id, read_only=True) as session:
        assert service.page(session, "ada", None, 10) == ([], None)


def test_an_erased_person_is_unknown_when_the_text_is_done(ada: User, voice: Adapter) -> None:
    with pytest.raises(NotFound):
        asyncio.run(
            service.rewrite(Meanwhile(lambda: users.erase(ada.tenant_id, "ada")), ada.tenant_id, Ask("ada", "Hi."))
        )
