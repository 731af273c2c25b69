"""What a checkpoint belongs to."""

from dataclasses import replace

import pytest

from app.inference.card import BaseCard
from app.jobs.curation import Material, Written
from app.jobs.lessons import Voice
from app.jobs.training import _task
from app.learning.recipes import resolve
from app.learning.types import Mode

CARD = BaseCard("tiny", "0" * 64, 1, 40, 512, "")
VOICE = Voice([Mode("work", 0.5, []), Mode("friends", 0.5, [])], [], [])
MATERIAL = Material([Written("See you at the station.", "work")], [], [], [], [], ["1"], [])
RECIPE = resolve("voice", {}, 1)


@pytest.mark.parametrize(
    "other",
    [
        (replace(CARD, digest="1" * 64), VOICE, MATERIAL, RECIPE),
        (CARD, replace(VOICE, modes=VOICE.modes[::-1]), MATERIAL, RECIPE),
        (CARD, VOICE, replace(MATERIAL, train=[Written("See you at the station!", "work")]), RECIPE),
        (CARD, VOICE, replace(MATERIAL, train=[Written("See you at the station.", "friends")]), RECIPE),
        (CARD, VOICE, replace(MATERIAL, disliked=["See you."]), RECIPE),
        (CARD, VOICE, MATERIAL, resolve("voice", {"sft": {"steps": 3}}, 1)),
    ],
    ids=["base", "order of the voices", "text", "context", "feedback", "recipe"],
)
def test_a_checkpoint_of_anything_else_is_another_trainings(other: tuple[BaseCard, Voice, Material, object]) -> None:
    assert _task(*other) != _task(CARD, VOICE, MATERIAL, RECIPE)  # type: ignore[arg-type]


def test_the_names_of_the_rows_do_not_matter() -> None:
    assert _task(CARD, VOICE, replace(MATERIAL, sample_ids=["2"]), RECIPE) == _task(CARD, VOICE, MATERIAL, RECIPE)
