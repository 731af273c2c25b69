"""Scores of rewrites and feedback, and what follows from them; neither web nor engine compute any.

Models are imported with the first score.
"""

from celery import shared_task

from app.queue import LISTEN, SCORE_FEEDBACK, SCORE_REWRITE


@shared_task(name=SCORE_REWRITE)  # type: ignore[untyped-decorator]
def score_rewrite(rewrite_id: str) -> None:
    from app.feedback.scoring import score_rewrite as score

    score(rewrite_id)


@shared_task(name=SCORE_FEEDBACK)  # type: ignore[untyped-decorator]
def score_feedback(feedback_id: str) -> None:
    from app.feedback.scoring import score_feedback as score

    score(feedback_id)


@shared_task(name=LISTEN)  # type: ignore[untyped-decorator]
def listen(user_id: str) -> None:
    from app.feedback.listening import listen as hear

    hear(user_id)
