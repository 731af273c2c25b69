"""Structured logs: JSON lines, or readable ones on a terminal. Never a person's texts, so never an error's message."""

import logging
import sys
import traceback
from typing import Any

import structlog
from structlog.typing import EventDict


def configure(level: int = logging.INFO) -> None:
    """Send structlog's and the standard library's records through one formatter to stderr.

    Safe to call twice; leaves a root logger that somebody else has set up alone.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared, without_message],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    # Its lines hold whole paths, and so people's ids; the middleware writes one line per request without them.
    logging.getLogger("uvicorn.access").disabled = True
    for name in ("httpx", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


def without_message(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A library's record of an exception, whose text and traceback quote it, becomes one line of ours."""
    info = event.pop("exc_info", None)
    error = info[1] if isinstance(info, tuple) else None
    return event if error is None else {**event, "event": "unexpected error", **where(error)}


def where(error: BaseException) -> dict[str, Any]:
    """An unexpected error for the log: its kind and stack, without messages, which may quote the text at hand."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    return {
        "raised": " < ".join(type(link).__name__ for link in chain),
        "frames": [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ],
    }
