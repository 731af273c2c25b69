"""Takes down what people say about rewrites, and tells trainings what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy.orm import Session

from app.config import get_settings
from app.errors import NotFound, TooLarge, Unprocessable
from app.feedback import repository
from app.feedback.repository import Owned
from app.models import Feedback
from app.queue import SCORE_FEEDBACK, ring
from app.repository import is_stored
from app.rewrites import service as rewrites
from app.users import service as users

LIKED_FROM: Final = 0.65
DISLIKED_UP_TO: Final = 0.35


class NothingSaid(Unprocessable):
    type = "nothing-said"
    title = "The feedback is empty"


class FeedbackTooLong(TooLarge):
    type = "feedback-too-long"
    title = "The feedback is too long"


class NoSuchOutput(Unprocessable):
    type = "no-such-output"
    title = "The rewrite has no such text"


@dataclass(frozen=True)
class Remark:
    """What somebody says about one text of a rewrite; one of text, rating (0..1) and edited_text at least."""

    rewrite_id: str
    text: str = ""
    rating: float | None = None
    edited_text: str | None = None
    output_index: int = 0


class Liked(NamedTuple):
    """The rewrite of a text that they were pleased with, or as they corrected it."""

    asked: str
    chosen: str
    voice: str | None
    """The tag that it was written with."""


@dataclass(frozen=True)
class FeedbackSignal:
    """What a training learns from a person's scored feedback."""

    liked: list[Liked]
    disliked: list[str]
    """Texts whose rewrite displeased."""
    feedback_ids: list[str]
    """The feedback behind both lists, oldest first."""


def add(session: Session, remark: Remark) -> Owned:
    """Write it down and ring for its score. Raises NotFound, NothingSaid, NoSuchOutput, FeedbackTooLong."""
    text = remark.text.strip()
    # A correction to nothing is none: nobody wants an empty text written for them.
    edited_text = (remark.edited_text or "").strip() or None
    if not text and remark.rating is None and edited_text is None:
        raise NothingSaid(
            "text, rating and edited_text are all empty", field="text", remedy="Give at least one of the three."
        )
    rewrite, external_id = rewrites.get(session, remark.rewrite_id)
    if remark.output_index >= len(rewrite.outputs):
        raise NoSuchOutput(
            f"the rewrite has {len(rewrite.outputs)} texts, counted from 0, and none with index {remark.output_index}",
            field="output_index",
            remedy=f"Give an index from 0 to {len(rewrite.outputs) - 1}.",
        )
    longest = get_settings().max_text_chars
    for field, content in (("text", text), ("edited_text", edited_text or "")):
        if len(content) > longest:
            raise FeedbackTooLong(
                f"{field} has {len(content)} characters; at most {longest} are taken", field=field, remedy="Shorten it."
            )
    feedback = Feedback(
        tenant_id=rewrite.tenant_id,
        user_id=rewrite.user_id,
        rewrite_id=rewrite.id,
        output_index=remark.output_index,
        text=text,
        rating=remark.rating,
        edited_text=edited_text,
    )
    if not is_stored(session, feedback):
        raise users.UnknownUser(
            f"{external_id} was erased meanwhile", field="rewrite_id", remedy="Their rewrites are gone with them."
        )
    ring(session, SCORE_FEEDBACK, feedback_id=feedback.id)
    return feedback, external_id


def get(session: Session, feedback_id: str) -> Owned:
    owned = repository.get(session, feedback_id)
    if owned is None:
        raise NotFound(
            f"there is no feedback {feedback_id}",
            field="feedback_id",
            remedy="Use the id that POST /v1/feedback answered; a person's feedback goes when they are erased.",
        )
    return owned


def people_to_hear(session: Session, at_least: int) -> Sequence[str]:
    """Ids of those who have reacted this often since their scorer learned last."""
    return repository.people_to_hear(session, at_least)


def page(session: Session, external_id: str, cursor: str | None, limit: int) -> tuple[Sequence[Feedback], str | None]:
    """A person's feedback, newest first, and the cursor of the next page."""
    return repository.page(session, users.get(session, external_id).id, cursor, limit)


def signal(session: Session, user_id: str) -> FeedbackSignal:
    """What this person's scored feedback asks for; of several remarks about one text the newest that says anything.

    A correction is always liked, in its corrected form. Without one a text is liked from a satisfaction of .65, and
    its request is practised again up to .35; what lies between says nothing clear.
    """
    newest = {
        (feedback.rewrite_id, feedback.output_index): (feedback, rewrite)
        for feedback, rewrite in repository.scored(session, user_id)
        if _is_opinion(feedback)
    }
    liked: list[Liked] = []
    disliked: list[str] = []
    ids: set[str] = set()
    for feedback, rewrite in newest.values():
        satisfaction = feedback.satisfaction if feedback.satisfaction is not None else 0.5
        chosen = feedback.edited_text
        if chosen is None and satisfaction >= LIKED_FROM:
            chosen = rewrite.outputs[feedback.output_index]
        if chosen is not None:
            liked.append(Liked(rewrite.text, chosen, rewrite.mode))
            ids.add(feedback.id)
        if satisfaction <= DISLIKED_UP_TO:
            disliked.append(rewrite.text)
            ids.add(feedback.id)
    return FeedbackSignal(liked, list(dict.fromkeys(disliked)), sorted(ids))


def _is_opinion(feedback: Feedback) -> bool:
    """Words alone that were read as neither praise nor blame take nothing back: they may be about the weather."""
    if feedback.rating is not None or feedback.edited_text is not None:
        return True
    satisfaction = feedback.satisfaction if feedback.satisfaction is not None else 0.5
    return not DISLIKED_UP_TO < satisfaction < LIKED_FROM
