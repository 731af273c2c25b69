"""What a rewrite costs at least over HTTP: one FastAPI route with the same request and answer, the same reads and one
durable insert of the same row in plain SQLAlchemy, without its object layer."""

import hashlib
from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException
from sqlalchemy import insert, select

from benchmarks.common.people import register, settle
from benchmarks.common.server import running
from benchmarks.common.worker import Answer, Message, serve


def open_contestant(setup: Message) -> tuple[Answer, Message]:
    settle(setup["data"])
    _, key = register(setup["people"], ["0" * 64], "0" * 64)
    from app.config import get_settings
    from app.db import get_engine
    from app.models import Adapter, ApiKey, Rewrite, User
    from app.rewrites.schemas import AdapterRef, RewriteRequest, RewriteView, Usage

    keys, users, adapters = (kind.__table__ for kind in (ApiKey, User, Adapter))
    # With the product's own settings of SQLite: as durable, and no faster for being careless.
    engine = get_engine(get_settings().resolved_database_url)
    application = FastAPI()

    @application.post("/v1/rewrite")
    def rewrite(body: RewriteRequest, authorization: Annotated[str, Header()]) -> RewriteView:
        _, kid, secret = authorization.removeprefix("Bearer ").split("_", 2)
        with engine.begin() as connection:
            known = connection.execute(select(keys).where(keys.c.kid == kid)).one_or_none()
            if known is None or known.secret_sha256 != hashlib.sha256(secret.encode()).hexdigest():
                raise HTTPException(401)
            user = connection.execute(
                select(users).where(users.c.tenant_id == known.tenant_id, users.c.external_id == body.user_id)
            ).one()
            adapter = connection.execute(
                select(adapters).where(adapters.c.user_id == user.id, adapters.c.version == user.active_version)
            ).one()
            values: dict[str, Any] = {
                "tenant_id": known.tenant_id,
                "user_id": user.id,
                "text": body.text,
                "outputs": [body.text],
                "adapter_version": adapter.version,
                "adapter_digest": adapter.digest,
                "base_digest": adapter.base_digest,
                "mode": None,
                "seed": 0,
                "parameters": body.model_dump(exclude={"user_id", "text"}) | {"notes": []},
                "usage": {
                    "prompt_tokens": 0,
                    "completion_tokens": 0,
                    "finish": ["stop"],
                    "faithfulness": [1.0],
                    "lost": [[]],
                    "logprobs": None,
                },
                "timing": {"queue": 0.0, "load": 0.0, "generate": 0.0, "total": 0.0},
            }
            created = connection.execute(insert(Rewrite).returning(Rewrite.id, Rewrite.created_at), values).one()
        return RewriteView(
            rewrite_id=created.id,
            user_id=body.user_id,
            created_at=created.created_at,
            input=body.text,
            text=body.text,
            texts=values["outputs"],
            finish=["stop"],
            faithfulness=[1.0],
            lost=[[]],
            logprobs=None,
            adapter=AdapterRef(version=adapter.version, digest=adapter.digest),
            base_digest=adapter.base_digest,
            mode=None,
            seed=0,
            notes=[],
            usage=Usage(prompt_tokens=0, completion_tokens=0),
            timing=values["timing"],
            scores=None,
        )

    return lambda _question: {}, {"port": running(application), "key": key}


if __name__ == "__main__":
    serve(open_contestant)
