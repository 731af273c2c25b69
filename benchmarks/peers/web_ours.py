"""The web process as it is, on a port of its own, with an engine that answers at once."""

from benchmarks.common.people import register, settle
from benchmarks.common.server import running
from benchmarks.common.worker import Answer, Message, serve


def open_contestant(setup: Message) -> tuple[Answer, Message]:
    settle(setup["data"])
    _, key = register(setup["people"], ["0" * 64], "0" * 64)
    from app.inference.fake import FakeEngine
    from app.inference.types import RewriteOutcome, RewriteSpec
    from app.main import create_app

    class Forgetful(FakeEngine):
        """Thousands of requests must not pile up in the list that tests look at."""

        async def rewrite(self, spec: RewriteSpec) -> RewriteOutcome:
            self.specs.clear()
            return await super().rewrite(spec)

    return lambda _question: {}, {"port": running(create_app(Forgetful())), "key": key}


if __name__ == "__main__":
    serve(open_contestant)
