"""The web process as it is, on a port of its own, with an engine that answers at once."""

from benchmarks.common.people import register, settle
from benchmarks.common.server import running
from benchmarks.common.worker import Answer, Message, serve


def open_contestant(setup: Message) -> tuple[Answer, Message]:
    settle(setup["data"])
    _, key = register(setup["people"], ["0" * 64], "0" * 64)
    from app.inference.fake import BASE_DIGEST, FakeEngine
    from app.inference.types import RewriteOutcome, RewriteSpec
    from app.main import create_app

    class Instant(FakeEngine):
        """Judges no text, which is work of the engine's own process, and keeps no list for tests to look at."""

        async def rewrite(self, spec: RewriteSpec) -> RewriteOutcome:
            return RewriteOutcome(
                texts=[spec.text],
                finish=["stop"],
                adapter_digest=spec.adapter_digest,
                base_digest=BASE_DIGEST,
                prompt_tokens=0,
                completion_tokens=0,
                timing={"queue": 0.0, "load": 0.0, "generate": 0.0},
                faithfulness=[1.0],
                lost=[[]],
            )

    return lambda _question: {}, {"port": running(create_app(Instant())), "key": key}


if __name__ == "__main__":
    serve(open_contestant)
