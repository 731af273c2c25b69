"""What callers say about rewrites, and what became of it."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from app.models import Feedback
from app.rewrites.schemas import MAX_N
from app.schemas import Body, Text


class FeedbackRequest(Body):
    """At least one of `text`, `rating` and `edited_text`."""

    rewrite_id: str = Field(max_length=36)
    text: Text = Field(default="", description="what the person says about the rewrite, in their own words")
    rating: float | None = Field(default=None, ge=0, le=1, description="0 useless, 1 perfect; wins over the words")
    edited_text: Text | None = Field(default=None, description="the rewrite as the person would have it")
    output_index: int = Field(default=0, ge=0, lt=MAX_N, description="which of the rewrite's texts is meant")


class FeedbackView(BaseModel):
    feedback_id: str
    rewrite_id: str
    user_id: str
    output_index: int
    created_at: datetime
    text: str
    rating: float | None
    edited_text: str | None
    satisfaction: float | None = Field(description="0..1; null until a worker has scored it")
    scorer: str | None = Field(description="what the satisfaction was read from, such as `rating` or `static+edit`")
    scored_at: datetime | None

    @classmethod
    def of(cls, feedback: Feedback, external_id: str) -> Self:
        return cls(
            feedback_id=feedback.id,
            rewrite_id=feedback.rewrite_id,
            user_id=external_id,
            output_index=feedback.output_index,
            created_at=feedback.created_at,
            text=feedback.text,
            rating=feedback.rating,
            edited_text=feedback.edited_text,
            satisfaction=feedback.satisfaction,
            scorer=feedback.scorer,
            scored_at=feedback.scored_at,
        )
