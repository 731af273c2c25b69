"""Trainings that are compared, as configurations that the server accepts."""

import pytest

from app.evaluation.arms import FORMER, ITERATIVE, MAIN, MORE_OF_FORMER, ONE_VOICE, QUICK, SFT, WAYS, Training, further
from app.evaluation.voicing import learns_tags
from app.learning.recipes import FROM_FEEDBACK, RECIPES, as_dict, resolve

NO_DROPOUT = ", no dropout"
SMALL, LARGE = 135_000_000, 3_000_000_000


@pytest.mark.parametrize(
    "training",
    [*MAIN, *WAYS, FORMER, *MORE_OF_FORMER, ITERATIVE, *further()],
    ids=lambda training: training.name,
)
@pytest.mark.parametrize("parameters", [SMALL, LARGE])
@pytest.mark.parametrize("is_quick", [False, True])
def test_every_arm_is_a_configuration_the_server_takes(training: Training, parameters: int, is_quick: bool) -> None:
    config = training.config(3, parameters, is_quick=is_quick)
    recipe = as_dict(resolve(training.recipe, config, parameters))
    seeds = [part["seed"] for part in recipe.values() if isinstance(part, dict) and "seed" in part]
    assert seeds
    assert set(seeds) == {3}
    if is_quick:
        assert all(
            part["steps"] <= QUICK["steps"] for part in recipe.values() if isinstance(part, dict) and "steps" in part
        )


def without_end(name: str) -> str:
    """Of an arm without dropout, the name of that with it."""
    name = name.removesuffix(NO_DROPOUT)
    return name if name == "voice" else f"{name}, dropout"


def test_the_arms_with_and_without_dropout_differ_in_nothing_else() -> None:
    by_name = {training.name: training for training in (*MAIN, *WAYS)}
    pairs = [(by_name[name], by_name[without_end(name)]) for name in by_name if name.endswith(NO_DROPOUT)]
    assert len(pairs) == 6
    for without, with_it in pairs:
        one, other = (as_dict(resolve(t.recipe, t.config(0, SMALL, is_quick=False), SMALL)) for t in (without, with_it))
        assert (one["reward"].pop("dropout"), other["reward"].pop("dropout")) == (0.0, 0.2)
        assert one == other


def test_a_way_differs_from_what_it_is_compared_with_in_one_thing() -> None:
    """Besides dropout: from calibrated Dr.GRPO, from the default, or from the default as it was."""
    for training in (*WAYS, *MORE_OF_FORMER):
        rival = FORMER if training in MORE_OF_FORMER else MAIN[5] if training.recipe == "voice" else MAIN[4]
        one, other = (as_dict(resolve(t.recipe, t.config(0, SMALL, is_quick=False), SMALL)) for t in (training, rival))
        changed = {
            (section, key)
            for section, values in one.items()
            if isinstance(values, dict)
            for key, value in values.items()
            if value != other[section][key]
        }
        assert len(changed - {("reward", "dropout")}) == (0 if training.name == "voice, no dropout" else 1), (
            training.name
        )


def test_every_recipe_that_needs_no_feedback_has_an_arm() -> None:
    assert {training.recipe for training in (*MAIN, ITERATIVE, *further())} == set(RECIPES) - set(FROM_FEEDBACK)
    assert all(training in MAIN for training in ONE_VOICE)


def test_only_who_learned_tags_is_told_one() -> None:
    told = {training.name: learns_tags(training, SMALL) for training in MAIN}
    assert told[SFT.name]
    assert told["voice"]
    assert not told["article, dropout"]
    assert not told["calibrated Dr.GRPO, dropout"]
