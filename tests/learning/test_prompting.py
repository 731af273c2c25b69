"""The prompts of the baselines: they show every voice, ask for the agreed form and hold the passage once."""

import pytest

from app.learning.prompting import Prompting, contrastive, few_shot, role_play
from app.learning.types import Mode

VOICES = [
    Mode("work", 0.5, [f"Report {n} late." for n in range(12)]),
    Mode("friends", 0.5, [f"Oh love, number {n} is lovely!" for n in range(12)]),
]


def plain(text: str) -> str:
    return text.lower()


@pytest.mark.parametrize("prompting", [few_shot, role_play, contrastive(plain)], ids=["few", "role", "contrast"])
def test_a_prompt_shows_every_voice_and_asks_for_the_form(prompting: Prompting) -> None:
    messages = prompting(VOICES, "The van is here.")
    assert [role for role, _ in messages] == ["system", "user"]
    system, user = (text for _, text in messages)
    assert "Rewritten:" in system
    assert "Report" in system
    assert "love" in system
    assert user.count("The van is here.") == 1
    assert "The van is here." not in system


def test_few_shot_numbers_its_examples_and_shares_them_out() -> None:
    system = few_shot(VOICES, "x")[0][1]
    assert system.count("Report") == system.count("lovely") == 4
    assert "8. " in system
    assert "9. " not in system


def test_contrastive_shows_what_was_changed() -> None:
    assert "Plain: report 0 late.\nMine: Report 0 late." in contrastive(plain)(VOICES, "x")[0][1]
