"""A contestant in a process of its own: what it prints does not disturb it, how it dies is told."""

import sys
from pathlib import Path

import pytest

from benchmarks.common.contestant import Contestant, ContestantFailed, started

CODE = """
import sys
from benchmarks.common.worker import serve

def open_contestant(setup):
    if setup["how"] == "cannot open":
        raise ValueError("no such model")
    if setup["how"] == "dies":
        sys.exit("Illegal instruction")
    print("a library that greets")

    def answer(question):
        print("and chatters")
        return {"twice": 2 * question["number"]}

    return answer, {"version": "1"}

serve(open_contestant)
"""


def contestant(folder: Path, how: str) -> Contestant:
    setup = {"threads": 1, "how": how}
    found = Contestant(how, "unused", sys.executable, setup, folder / f"{how}.log")
    (folder / "worker.py").write_text(CODE)
    found.command = [sys.executable, str(folder / "worker.py")]
    return found


def test_questions_are_answered_whatever_the_libraries_print(tmp_path: Path) -> None:
    talker = contestant(tmp_path, "well").start()
    try:
        assert talker.facts == {"version": "1"}
        assert talker.ask({"number": 4}) == {"twice": 8}
        with pytest.raises(ContestantFailed, match="KeyError"):
            talker.ask({})
        assert talker.ask({"number": 5}) == {"twice": 10}
    finally:
        talker.stop()
    assert "chatters" in talker.log.read_text()
    with pytest.raises(ContestantFailed, match="not running"):
        talker.ask({"number": 1})


def test_who_cannot_start_is_named_with_the_reason(tmp_path: Path) -> None:
    alive, failures = started([contestant(tmp_path, "cannot open"), contestant(tmp_path, "dies")])
    assert not alive
    assert failures["cannot open"] == "ValueError: no such model"
    assert "status 1" in failures["dies"]
    assert "Illegal instruction" in failures["dies"]
