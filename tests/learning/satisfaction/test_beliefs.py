from app.learning.satisfaction.beliefs import Belief, Change, changes


def belief(likes: str, effect: float = 0.1) -> Belief:
    return Belief("length", likes, effect, effect - 0.05, effect + 0.05)


def test_a_change_is_an_opinion_other_than_the_last_clear_one() -> None:
    history = [
        [belief("")],
        [belief("longer texts")],
        [belief("longer texts", 0.3)],
        [belief("")],
        [belief("longer texts")],
        [belief("shorter texts", -0.1)],
    ]
    assert list(changes(history)) == [
        Change(1, "length", "", "longer texts"),
        Change(5, "length", "longer texts", "shorter texts"),
    ]


def test_without_history_nothing_changed() -> None:
    assert list(changes([])) == list(changes([[]])) == []


def test_a_belief_survives_as_a_report() -> None:
    assert Belief.read(belief("longer texts").report()) == belief("longer texts")
