"""Turns alternate and their order moves on; who fails leaves with a reason."""

import pytest

from benchmarks.common.contestant import ContestantFailed
from benchmarks.common.rounds import alternate


def test_every_round_begins_with_another() -> None:
    order: list[str] = []
    turns = {name: lambda name=name: order.append(name) for name in "abc"}
    alternate(turns, 3)
    assert "".join(order) == "abcbcacab"


def test_some_take_part_once() -> None:
    found = alternate({"fast": lambda: 1, "slow": lambda: 2}, 3, once={"slow"})
    assert found == {"fast": [1, 1, 1], "slow": [2]}


def test_who_fails_leaves_and_is_told() -> None:
    tries: list[int] = []

    def fails() -> int:
        tries.append(1)
        if len(tries) == 2:
            raise ContestantFailed("out of memory")
        return 1

    failures: dict[str, str] = {}
    assert alternate({"good": lambda: 7, "bad": fails}, 4, failures=failures) == {"good": [7, 7, 7, 7]}
    assert failures == {"bad": "out of memory"}
    assert len(tries) == 2
    with pytest.raises(ContestantFailed, match="out of memory"):
        alternate({"bad": lambda: (_ for _ in ()).throw(ContestantFailed("out of memory"))}, 1)
