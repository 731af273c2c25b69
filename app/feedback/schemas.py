"""What callers say about rewrites, and what became of it."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field

from app.feedback.corrections import Correction
from app.feedback.satisfaction import NOTES
from app.feedback.tracking import Tracked, Weighed
from app.models import Feedback
from app.rewrites.schemas import MAX_N
from app.schemas import Body, Prose, Text, View


class FeedbackRequest(Body):
    """At least one of `text`, `rating` and `edited_text`."""

    rewrite_id: Text = Field(max_length=36)
    text: Prose = Field(
        default="",
        description="what the person says about the rewrite, in their own words, in English or emoji. An insult is "
        "displeasure like any other; words that tell the machine what to do are not counted, and `note` says so",
    )
    rating: float | None = Field(default=None, ge=0, le=1, description="0 useless, 1 perfect; wins over the words")
    edited_text: Prose | None = Field(
        default=None,
        description="the rewrite as the person would have it: taken as their own words, whatever these say",
    )
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
    scorer: str | None = Field(
        description="what the satisfaction was read from, such as `rating` or `static+edit`; `unread` (not English) "
        "and `injection` (orders to the machine) say nothing, and nothing is learned from them"
    )
    note: str | None = Field(description="why the words were not counted, in a sentence for their writer")
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
            note=NOTES.get(feedback.scorer or ""),
            scored_at=feedback.scored_at,
        )


class Adoption(Body):
    context: Annotated[Text, Field(min_length=1, max_length=60)] | None = None
    """The person's own name for the occasion, such as `work`."""


class CorrectionView(BaseModel):
    feedback_id: str
    created_at: datetime
    prompt: str
    chosen: str = Field(description="the text as the person would have it")
    rejected: str = Field(description="what was written")
    kept_share: float = Field(description="share of the words that stayed, 0..1")
    sample_id: str | None = Field(description="of the sample with this text; null: it is none yet")

    @classmethod
    def of(cls, correction: Correction) -> Self:
        return cls(
            feedback_id=correction.feedback.id,
            created_at=correction.feedback.created_at,
            prompt=correction.prompt,
            chosen=correction.chosen,
            rejected=correction.rejected,
            kept_share=round(correction.kept_share, 4),
            sample_id=correction.sample_id,
        )


class TraceView(BaseModel):
    trace_id: str
    feedback_id: str
    created_at: datetime
    prompt: str
    output: str
    rejected: str | None = Field(description="for a correction: what it replaced")
    origin: str = Field(description="`reply` or `edit`; `synonym` or `truncation`, made from one of these")
    static_score: float = Field(description="what was read from the reaction, 0..1; never changes")
    score: float = Field(description="the present label, 0..1; rescored from time to time")
    weight: float = Field(description="how much it counts now: confidence, fading with age")
    confidence: float
    age: int = Field(description="the person's reactions since")
    learned_by: int | None = Field(description="the scorer version that first learned from it")
    rescored_at: datetime | None

    @classmethod
    def of(cls, weighed: Weighed) -> Self:
        row = weighed.trace
        return cls(
            trace_id=row.id,
            feedback_id=row.feedback_id,
            created_at=row.created_at,
            prompt=row.prompt,
            output=row.output,
            rejected=row.rejected,
            origin=row.origin,
            static_score=row.static_score,
            score=row.score,
            weight=round(weighed.weight, 4),
            confidence=row.confidence,
            age=weighed.age,
            learned_by=row.heard_by,
            rescored_at=row.rescored_at,
        )


class ReactionView(BaseModel):
    feedback_id: str
    at: datetime
    satisfaction: float
    adapter_version: int | None = Field(description="whose text it is about; null: the base model's")


class BeliefView(View):
    name: str
    likes: str = Field(description="in words, such as `shorter texts`")
    effect: float = Field(description="how much the score rises from less to more of it, -1..1")
    low: float
    high: float


class TurnView(View):
    at: datetime
    version: int
    name: str
    before: str = Field(description="empty: no clear opinion before")
    after: str


class ScorerView(BaseModel):
    version: int
    at: datetime
    replies: int = Field(description="the reactions there had been")
    error: float | None = Field(description="mean distance of what it foretold from what was then said")
    guess: float | None = Field(description="the same for always saying the mean: what error has to beat")


class SatisfactionView(BaseModel):
    lately: float | None = Field(description="mean of the newest ten reactions, 0..1")
    reactions: list[ReactionView] = Field(description="at most 200, oldest first")
    left_out: dict[str, int] = Field(description="messages that said nothing of a text: `unread`, `injection`")
    scorer: ScorerView | None = Field(description="null until there were enough reactions")
    likes: list[BeliefView] = Field(description="what the scorer believes, the strongest first")
    changes: list[TurnView] = Field(description="when that changed, newest first")

    @classmethod
    def of(cls, tracked: Tracked) -> Self:
        scorer = tracked.scorer
        return cls(
            lately=tracked.lately,
            left_out=tracked.left_out,
            reactions=[
                ReactionView(
                    feedback_id=feedback.id,
                    at=feedback.created_at,
                    satisfaction=feedback.satisfaction or 0.0,
                    adapter_version=version,
                )
                for feedback, version in tracked.reactions
            ],
            scorer=scorer
            and ScorerView(
                version=scorer.version,
                at=scorer.created_at,
                replies=scorer.replies,
                error=tracked.error,
                guess=tracked.guess,
            ),
            likes=[BeliefView.model_validate(belief) for belief in tracked.likes],
            changes=[TurnView.model_validate(turn) for turn in tracked.turns],
        )
