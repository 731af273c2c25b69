"""What the operator says of a rewrite, and the scores that workers give it and the rewrite: the page asks until they
are there."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from app.admin.access import Everything, Poster
from app.admin.rendering import PageRoute, done, fragment, wants_fragment
from app.admin.words import LOOKS
from app.db import EVERY_TENANT, transaction
from app.feedback import service as feedback
from app.feedback.schemas import FeedbackView
from app.feedback.service import NothingSaid, Remark
from app.rewrites import service as rewrites
from app.schemas import Prose

router = APIRouter(prefix="/admin", include_in_schema=False, route_class=PageRoute)

Look = Annotated[int, Query(ge=0, le=LOOKS)]


@router.post("/rewrites/{rewrite_id}/feedback")
def say(
    request: Request,
    who: Poster,
    rewrite_id: str,
    text: Annotated[Prose, Form()] = "",
    edited_text: Annotated[Prose, Form()] = "",
) -> Response:
    """The form offers what was written to be corrected: as it was, it corrects nothing."""
    with transaction(EVERY_TENANT, read_only=True) as session:
        rewrite, _ = rewrites.get(session, rewrite_id)
    corrected = "\n".join(edited_text.splitlines()).strip()  # browsers send other ends of lines
    if corrected == "\n".join(rewrite.outputs[0].splitlines()).strip():
        corrected = ""
    if not text.strip() and not corrected:
        raise NothingSaid(
            "nothing is said, and the text is as it was", field="text", remedy="Say something, or correct the text."
        )
    with transaction(rewrite.tenant_id) as session:
        remark = FeedbackView.of(*feedback.add(session, Remark(rewrite_id, text, edited_text=corrected)))
    if not wants_fragment(request):
        return done(f"/admin/people/{rewrite.user_id}", "Your feedback is written down.")
    return fragment(request, "_feedback.html", remark=remark, look=0)


@router.get("/feedback/{feedback_id}")
def satisfaction(request: Request, session: Everything, feedback_id: str, look: Look = 0) -> Response:
    remark = FeedbackView.of(*feedback.get(session, feedback_id))
    return fragment(request, "_feedback.html", remark=remark, look=look)


@router.get("/rewrites/{rewrite_id}/scores")
def scores(request: Request, session: Everything, rewrite_id: str, look: Look = 0) -> Response:
    rewrite, _ = rewrites.get(session, rewrite_id)
    return fragment(request, "_scores.html", rewrite=rewrite, look=look)
