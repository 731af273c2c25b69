"""What a training is told of the person's reactions."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from app.db import transaction
from app.feedback.listening import Ears
from app.jobs import reactions
from app.jobs.context import JobContext, TrainingFailure
from app.jobs.reactions import satisfaction_for
from app.learning.recipes import Recipe, resolve
from app.learning.satisfaction.arf import ArfScorer
from app.learning.satisfaction.state import packed
from app.models import Scorer, User


def lengths(prompts: Sequence[str], outputs: Sequence[str]) -> Tensor:
    return torch.tensor([[len(prompt) / 10, len(output) / 10] for prompt, output in zip(prompts, outputs, strict=True)])


@pytest.fixture(autouse=True)
def ears(monkeypatch: pytest.MonkeyPatch) -> Ears:
    ears = Ears(lengths, "lengths")
    monkeypatch.setattr(reactions, "packaged_ears", lambda: ears)
    return ears


@pytest.fixture
def heard(ada: User) -> Any:
    def hear(features: str) -> None:
        state = packed(ArfScorer(2))
        heard = {"version": 1, "replies": 8, "features": features, "state": state, "metrics": {}, "beliefs": []}
        with transaction(ada.tenant_id) as session:
            session.add(Scorer(tenant_id=ada.tenant_id, user_id=ada.id, **heard))

    return hear


def asked(user: User, weight: float, origin: str = "api") -> tuple[Recipe, Any]:
    job = SimpleNamespace(tenant_id=user.tenant_id, user_id=user.id, origin=origin)
    context = SimpleNamespace(job=job, note=lambda text: None)
    recipe = resolve("voice", {"reward": {"satisfaction": weight}}, base_parameters=0)
    return satisfaction_for(cast(JobContext, context), recipe)


def test_a_recipe_that_does_not_pay_for_it_needs_none(ada: User) -> None:
    assert asked(ada, 0.0) == (resolve("voice", {}, base_parameters=0), None)


def test_what_was_learned_judges_any_rewrite(ada: User, heard: Any) -> None:
    heard("lengths")
    recipe, satisfaction = asked(ada, 1.0)
    assert recipe.pays_for_satisfaction
    pleased = satisfaction(["tea", "tea"], ["tea?", "no tea, thank you"])
    assert pleased.shape == (2,)
    assert 0 <= pleased.min() <= pleased.max() <= 1


def test_what_was_learned_on_other_features_is_refused_with_what_to_do(ada: User, heard: Any) -> None:
    heard("widths")
    with pytest.raises(TrainingFailure) as failure:
        asked(ada, 1.0)
    assert "older version" in str(failure.value)
    assert "choose another recipe" in failure.value.remedy


def test_a_training_that_started_by_itself_does_without(ada: User, heard: Any) -> None:
    heard("widths")
    assert asked(ada, 1.0, origin="feedback") == (resolve("voice", {}, base_parameters=0), None)
