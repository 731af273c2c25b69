from app.learning.satisfaction.beliefs import STEADY, Belief, Change, changes, settled

LONGER, SHORTER = "longer texts", "shorter texts"


def history(*likes: str) -> list[list[Belief]]:
    return [[Belief("length", words, 0.1, 0.05, 0.15)] for words in likes]


def test_an_opinion_counts_once_several_versions_in_a_row_hold_it() -> None:
    assert STEADY == 3
    assert settled(history(LONGER, LONGER)) == []
    assert settled(history(LONGER, SHORTER, LONGER)) == []
    assert [belief.likes for belief in settled(history("", LONGER, LONGER, LONGER))] == [LONGER]
    assert settled(history("", "", "")) == []


def test_a_change_is_a_settled_opinion_other_than_the_last_settled_one() -> None:
    versions = history("", *[LONGER] * 4, "", SHORTER, *[LONGER] * 3, *[SHORTER] * 3)
    assert list(changes(versions)) == [Change(3, "length", "", LONGER), Change(12, "length", LONGER, SHORTER)]


def test_without_history_nothing_changed() -> None:
    assert list(changes([])) == list(changes([[]])) == settled([]) == settled([[]]) == []


def test_a_belief_survives_as_a_report() -> None:
    [[belief]] = history(LONGER)
    assert Belief.read(belief.report()) == belief
