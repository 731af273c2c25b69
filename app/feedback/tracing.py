"""What a scored reaction leaves behind for the scorer of this person's satisfaction, and rows as that scorer sees them.

The reaction's own words are not among it: a trace holds what was asked, what was written and how well it was liked.
"""

from sqlalchemy.orm import Session

from app.config import get_settings
from app.db import new_id
from app.feedback import repository
from app.learning.satisfaction import traces
from app.learning.satisfaction.reading import Reading
from app.models import Feedback, Rewrite, Trace
from app.queue import LISTEN, ring


def leave(session: Session, feedback: Feedback, rewrite: Rewrite, satisfaction: float, reading: Reading | None) -> None:
    """A trace of the text they reacted to, and one of their correction; rings once enough is new.

    `reading`: how their words were read, if it was by the static scorer alone; ratings, emoji and corrections leave no
    doubt. What they would have instead is as good as it gets and better than what it replaced.
    """
    reply = repository.last_reply(session, feedback.user_id) + 1
    output = rewrite.outputs[feedback.output_index]

    def add(origin: str, text: str, score: float, rejected: str | None = None) -> None:
        trace_id = new_id()
        session.add(
            Trace(
                id=trace_id,
                tenant_id=feedback.tenant_id,
                user_id=feedback.user_id,
                feedback_id=feedback.id,
                prompt=rewrite.text,
                output=text,
                rejected=rejected,
                origin=origin,
                static_score=score,
                doubt=reading.doubt if reading else 0.0,
                confidence=reading.confidence if reading else 1.0,
                reply=reply,
                score=score,
                draw=traces.draw(trace_id),
            )
        )

    add(traces.REPLY, output, satisfaction)
    if feedback.edited_text is not None and feedback.edited_text.split() != output.split():
        add(traces.EDIT, feedback.edited_text, 1.0, rejected=output)
    session.flush()
    if repository.unheard_replies(session, feedback.user_id) >= get_settings().feedback_listen_every:
        ring(session, LISTEN, user_id=feedback.user_id)


def as_trace(row: Trace) -> traces.Trace:
    return traces.Trace(
        id=row.id,
        prompt=row.prompt,
        output=row.output,
        static=row.static_score,
        doubt=row.doubt,
        confidence=row.confidence,
        origin=row.origin,
        reply=row.reply,
        score=row.score,
        rejected=row.rejected,
    )


def as_row(copy: traces.Trace, of: Trace, heard_by: int) -> Trace:
    """The row of a copy that was made of `of`."""
    trace_id = new_id()
    return Trace(
        id=trace_id,
        tenant_id=of.tenant_id,
        user_id=of.user_id,
        feedback_id=of.feedback_id,
        prompt=copy.prompt,
        output=copy.output,
        origin=copy.origin,
        static_score=copy.static,
        doubt=copy.doubt,
        confidence=copy.confidence,
        reply=copy.reply,
        score=copy.score,
        draw=traces.draw(trace_id),
        heard_by=heard_by,
    )
