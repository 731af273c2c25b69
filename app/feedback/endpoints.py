"""Feedback over HTTP."""

from fastapi import APIRouter

from app.auth import ReadSession, WriteSession
from app.feedback import service
from app.feedback.schemas import FeedbackRequest, FeedbackView
from app.feedback.service import Remark
from app.schemas import Cursor, Limit, Page, UserPath

router = APIRouter(prefix="/v1", tags=["feedback"])


@router.post("/feedback", status_code=201)
def create(body: FeedbackRequest, session: WriteSession) -> FeedbackView:
    """Say what a person thinks of a rewrite. Its satisfaction follows at `GET /v1/feedback/{feedback_id}`."""
    return FeedbackView.of(*service.add(session, Remark(**body.model_dump())))


@router.get("/feedback/{feedback_id}")
def read(feedback_id: str, session: ReadSession) -> FeedbackView:
    return FeedbackView.of(*service.get(session, feedback_id))


@router.get("/users/{user}/feedback")
def read_page(user: UserPath, session: ReadSession, cursor: Cursor = None, limit: Limit = 50) -> Page[FeedbackView]:
    """A person's feedback, newest first."""
    rows, following = service.page(session, user, cursor, limit)
    return Page(items=[FeedbackView.of(row, user) for row in rows], next=following)
