"""Feedback over HTTP."""

from fastapi import APIRouter

from app.auth import ReadSession, WriteSession
from app.feedback import corrections, service, tracking
from app.feedback.schemas import (
    Adoption,
    CorrectionView,
    FeedbackRequest,
    FeedbackView,
    SatisfactionView,
    TraceView,
)
from app.feedback.service import Remark
from app.samples.schemas import SampleResult
from app.schemas import Cursor, Limit, Page, UserPath
from app.users import service as users

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


@router.get("/users/{user}/corrections")
def read_corrections(
    user: UserPath, session: ReadSession, cursor: Cursor = None, limit: Limit = 50
) -> Page[CorrectionView]:
    """What the person made of a text instead, newest first: preference pairs, and candidates for samples."""
    rows, following = corrections.page(session, user, cursor, limit)
    return Page(items=[CorrectionView.of(row) for row in rows], next=following)


@router.post("/feedback/{feedback_id}/sample", status_code=201)
def adopt(feedback_id: str, body: Adoption, session: WriteSession) -> SampleResult:
    """Make a corrected text one of the person's samples."""
    return corrections.adopt(session, feedback_id, body.context)


@router.get("/users/{user}/traces")
def read_traces(user: UserPath, session: ReadSession, cursor: Cursor = None, limit: Limit = 50) -> Page[TraceView]:
    """What the scorer of the person's satisfaction learns from, newest first."""
    rows, following = tracking.traces(session, user, cursor, limit)
    return Page(items=[TraceView.of(row) for row in rows], next=following)


@router.get("/users/{user}/satisfaction")
def read_satisfaction(user: UserPath, session: ReadSession) -> SatisfactionView:
    """How satisfied the person was over time, what they seem to like, and when that changed."""
    return SatisfactionView.of(tracking.tracked(session, users.get(session, user).id))
