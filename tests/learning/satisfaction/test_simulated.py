from random import Random

import pytest

from app.learning.satisfaction.ablation import Arm, Point, arms, correlation, run_arm
from app.learning.satisfaction.arf import ArfConfig
from app.learning.satisfaction.features import PairFeatures
from app.learning.satisfaction.simulated import HABITS, SimulatedPerson, variants
from app.learning.satisfaction.simulated_replies import COMPLAINT, LIKED, LUKEWARM, OFF_TOPIC, PRAISE, REMARKS

PLAIN = "I will be late because the train is slow."
PROMPTS = [f"{PLAIN} Tell {name} that I am sorry." for name in ("Ada", "Bob", "Eve", "Joe", "Kim", "Lee", "Max", "Pam")]


@pytest.mark.parametrize(
    ("habit", "text"),
    [
        ("length", f"{PLAIN} And the bus is slow as well, as you know."),
        ("warmth", f"{PLAIN} Lots of love"),
        ("formality", "I shall be late, therefore inform them."),
        ("exclaiming", f"{PLAIN[:-1]}!!"),
        ("emoji", f"{PLAIN} 😊"),
        ("abbreviating", "I will b late cuz the train is slow, ok? tell u 2"),
    ],
)
def test_habits_are_counted_and_plain_text_has_none(habit: str, text: str) -> None:
    assert HABITS[habit](PLAIN, PLAIN) == 0
    assert 0.3 < HABITS[habit](PLAIN, text) <= 1


def test_rows_of_pictures_are_no_length() -> None:
    assert HABITS["length"](PLAIN, f"{PLAIN} ~ 🌿 🌿 🌿 🎂 !!") == 0


def test_people_differ_change_their_mind_and_plain_text_leaves_them_cold() -> None:
    people = [SimulatedPerson.drawn(seed) for seed in range(8)]
    assert len({tuple(person.likes) for person in people}) > 3
    loud = SimulatedPerson({"exclaiming": 1.0, "length": 0.5})
    assert loud.utility(PLAIN, PLAIN) == 0.5
    liked = loud.utility(PLAIN, "Late!!")
    assert loud.with_mind_changed().utility(PLAIN, "Late!!") == pytest.approx(1 - liked)


def test_replies_follow_the_mood_and_some_are_about_something_else() -> None:
    person, random = SimulatedPerson({"exclaiming": -1.0}), Random(0)
    said = [person.reply(PLAIN, "So late!! Sorry!!", random) for _ in range(300)]
    assert {*said} <= {*COMPLAINT, *OFF_TOPIC, *REMARKS["exclaiming"]["less"]}
    assert 20 < sum(reply in OFF_TOPIC for reply in said) < 80
    calm = person.with_mind_changed()
    assert calm.reply(PLAIN, "So late!!", random) in {*PRAISE, *OFF_TOPIC, *LIKED["exclaiming"]["more"]}
    unmoved = [person.reply(PLAIN, PLAIN, random) for _ in range(50)]
    assert sum(reply in LUKEWARM for reply in unmoved) > 20


def test_every_habit_has_remarks_and_praise_in_both_directions() -> None:
    for table in (REMARKS, LIKED):
        assert table.keys() == HABITS.keys()
        assert all(len(table[habit][wish]) >= 2 for habit in HABITS for wish in ("more", "less"))


def test_variants_are_many_and_repeatable() -> None:
    pairs = variants(PROMPTS, 40, 3)
    assert pairs == variants(PROMPTS, 40, 3)
    assert [prompt for prompt, _ in pairs[: len(PROMPTS)]] == PROMPTS
    assert len({output for _, output in pairs}) > 30


def test_an_arm_learns_and_notices_the_change_of_mind(features: PairFeatures) -> None:
    """The replies are read perfectly here: what is tested is the learning."""
    import torch

    def moods(texts: list[str]) -> torch.Tensor:
        pleased = {*PRAISE, *(text for wish in LIKED.values() for said in wish.values() for text in said)}
        rows = {True: [0.0, 0.0, 1.0], False: [1.0, 0.0, 0.0]}
        return torch.tensor([[0.0, 1.0, 0.0] if t in (*LUKEWARM, *OFF_TOPIC) else rows[t in pleased] for t in texts])

    arm = run_arm(ArfConfig(), PROMPTS, features, moods, seed=4, replies=96)
    assert [point.replies for point in arm.points] == list(range(8, 97, 8))
    before, after, end = (arm.points[place].correlation for place in (5, 6, -1))
    assert before > 0.3
    assert after < before - 0.3, "what was right is wrong now"
    assert end > after + 0.2
    assert arm.static_correlation > 0.5


def test_every_arm_but_the_first_lacks_something() -> None:
    named = arms()
    assert next(iter(named)) == "everything"
    assert len({repr(config) for config in named.values()}) == len(named) == 6


def test_an_arm_in_figures() -> None:
    arm = Arm([Point(8, 0.2), Point(16, 0.4), Point(24, -0.1), Point(32, 0.3)], 0.5)
    assert arm.mean_between(8, 24) == pytest.approx(0.15)
    assert arm.replies_to(0.3, after=16) == 16
    assert arm.replies_to(0.9, after=0) is None


def test_correlation_of_a_constant_is_none() -> None:
    assert correlation([0.5, 0.5], [0.1, 0.9]) == 0
    assert correlation([1, 2, 3], [2, 4, 6]) == pytest.approx(1)


def test_too_few_prompts_are_refused(features: PairFeatures) -> None:
    with pytest.raises(ValueError, match="at least 6"):
        run_arm(ArfConfig(), PROMPTS[:5], features, lambda texts: features(texts, texts), seed=0)
