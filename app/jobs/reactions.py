"""What a training is told of the person's reactions: how pleased they would be with a rewrite."""

from dataclasses import replace

from app.db import transaction
from app.feedback.listening import packaged_ears, satisfaction_of
from app.jobs.context import JobContext, TrainingFailure
from app.learning.recipes import Recipe
from app.learning.rewards.compose import Satisfaction
from app.models import STARTED_BY_FEEDBACK


def satisfaction_for(context: JobContext, recipe: Recipe) -> tuple[Recipe, Satisfaction | None]:
    """The recipe as it can be run, and None if it does not pay for satisfaction.

    Where what was learned cannot be used, a training that started by itself does without, as nobody is there to choose
    another; what somebody asked for raises TrainingFailure.
    """
    if not recipe.pays_for_satisfaction:
        return recipe, None
    ears = packaged_ears()
    with transaction(context.job.tenant_id, read_only=True) as session:
        satisfaction = satisfaction_of(session, context.job.user_id, ears)
    if satisfaction is None and context.job.origin == STARTED_BY_FEEDBACK:
        context.note("What was learned of the person's likes cannot be used any more; this training does without.")
        return replace(recipe, reward=replace(recipe.reward, satisfaction=0.0)), None
    if satisfaction is None:
        raise TrainingFailure(
            "What is known of your likes was learned by an older version of this server and cannot be used any more.",
            "React to a few more rewrites: what you have said is still there and is learned again. Or choose another "
            "recipe.",
        )
    return recipe, satisfaction
