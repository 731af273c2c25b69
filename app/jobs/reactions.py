"""What a training is told of the person's reactions: how pleased they would be with a rewrite."""

from app.db import transaction
from app.feedback.listening import packaged_ears, satisfaction_of
from app.jobs.context import JobContext, TrainingFailure
from app.learning.recipes import Recipe
from app.learning.rewards.compose import Satisfaction


def satisfaction_for(context: JobContext, recipe: Recipe) -> Satisfaction | None:
    """None where the recipe does not pay for it. Raises TrainingFailure where what was learned cannot be used."""
    if not recipe.pays_for_satisfaction:
        return None
    ears = packaged_ears()
    with transaction(context.job.tenant_id, read_only=True) as session:
        satisfaction = satisfaction_of(session, context.job.user_id, ears)
    if satisfaction is None:
        raise TrainingFailure(
            "What is known of your likes was learned by an older version of this server and cannot be used any more.",
            "React to a few more rewrites: what you have said is still there and is learned again. Or choose another "
            "recipe.",
        )
    return satisfaction
