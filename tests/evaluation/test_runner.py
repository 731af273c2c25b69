"""Arms run once, failures are findings, and a killed run goes on where it stopped."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from app.evaluation.files import SCRATCH
from app.evaluation.problems import CannotEvaluate
from app.evaluation.runner import Arm, ArmFailed, Bench, Found, run
from app.inference.sampling import NotFinite
from app.learning.loop import Diverged

ROOT = Path(__file__).parents[2]
KILLED = """
import os, signal, sys
from pathlib import Path
from rich.console import Console
from app.evaluation.runner import Arm, run

folder = Path(sys.argv[1])

def first(bench):
    (folder / "first.log").open("a").write("ran\\n")
    return {"value": 1}

def second(bench):
    (bench.folder / "checkpoint").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)

run([Arm("first", first), Arm("second", second)], folder, {"suite": "x"}, Console(file=sys.stderr))
"""


def quiet() -> Console:
    return Console(file=io.StringIO())


def counting(calls: list[str], name: str, value: Found) -> Arm:
    def work(bench: Bench) -> Found:
        calls.append(name)
        return value

    return Arm(name, work)


def test_a_killed_run_repeats_no_arm_and_finds_the_checkpoint_of_the_one_it_died_in(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, env=os.environ, check=False)
    assert killed.returncode == -signal.SIGKILL
    seen: list[str] = []

    def second(bench: Bench) -> Found:
        seen.append((bench.folder / "checkpoint").read_text())
        seen.append(str(bench.earlier.of("first")[0].found["value"]))
        return {"value": 2}

    def never(bench: Bench) -> Found:
        raise AssertionError("this one had been done")

    results = run([Arm("first", never), Arm("second", second)], tmp_path, {"suite": "x"}, quiet())
    assert [result.found["value"] for result in results.all] == [1, 2]
    assert seen == ["half", "1"]
    assert (tmp_path / "first.log").read_text() == "ran\n"
    assert not (tmp_path / SCRATCH / "second--seed-0").exists()


def test_what_is_known_is_not_run_again(tmp_path: Path) -> None:
    calls: list[str] = []
    for _ in range(2):
        results = run([counting(calls, "a", {"value": [1.5, "x"]})], tmp_path, {}, quiet())
        assert results.of("a")[0].found == {"value": [1.5, "x"]}
    assert calls == ["a"]


def test_a_failed_arm_is_told_and_tried_again(tmp_path: Path) -> None:
    def fails(bench: Bench) -> Found:
        raise ArmFailed("it diverged")

    calls: list[str] = []
    broken = run([Arm("a", fails, "sam", 2), counting(calls, "b", {})], tmp_path, {}, quiet())
    assert broken.failures == ["sam--a--seed-2: it diverged"]
    assert broken.of("a", "sam") == []
    assert calls == ["b"]
    mended = run([Arm("a", lambda bench: {"value": 1}, "sam", 2)], tmp_path, {}, quiet())
    assert mended.failures == []


@pytest.mark.parametrize("error", [Diverged("the loss became nan at step 3"), NotFinite("the output is not finite")])
def test_an_arm_that_becomes_unstable_does_not_end_the_others(error: Exception, tmp_path: Path) -> None:
    def diverges(bench: Bench) -> Found:
        raise error

    calls: list[str] = []
    results = run([Arm("a", diverges), counting(calls, "b", {})], tmp_path, {}, quiet())
    assert results.failures == [f"a--seed-0: it became unstable: {error}"]
    assert calls == ["b"]


def test_an_arm_of_another_recipe_is_run_again(tmp_path: Path) -> None:
    calls: list[str] = []

    def arms(steps: int) -> list[Arm]:
        def work(bench: Bench) -> Found:
            calls.append(f"{steps} steps")
            return {"steps": steps}

        return [Arm("trained", work, recipe={"rl": {"steps": steps}}), counting(calls, "input", {})]

    for steps in (4, 4, 8, 8):
        results = run(arms(steps), tmp_path, {}, quiet())
        assert results.of("trained")[0].found == {"steps": steps}
    assert calls == ["4 steps", "input", "8 steps"]


def test_results_of_another_question_are_not_mixed(tmp_path: Path) -> None:
    run([], tmp_path, {"suite": "arf", "base": "one"}, quiet())
    with pytest.raises(CannotEvaluate, match=r"asked for differently \(base\)") as refused:
        run([], tmp_path, {"suite": "arf", "base": "two"}, quiet())
    assert "--out" in refused.value.remedy


def test_seeds_are_told_apart_and_names_may_hold_anything(tmp_path: Path) -> None:
    def numbered(seed: int) -> Callable[[Bench], Found]:
        return lambda bench: {"seed": seed}

    arms = [Arm("voice, as served/now", numbered(seed), "two voices", seed) for seed in (0, 1)]
    results = run(arms, tmp_path, {}, quiet())
    assert [r.found["seed"] for r in results.of("voice, as served/now", "two voices")] == [0, 1]
    names = sorted(path.name for path in (tmp_path / "arms").iterdir())
    assert names == [f"two-voices--voice-as-served-now--seed-{seed}.json" for seed in (0, 1)]
    assert json.loads((tmp_path / "arms" / names[0]).read_text())["found"] == {"seed": 0}


def test_two_arms_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one name: a--seed-0"):
        run([counting([], "a", {}), counting([], "a", {})], tmp_path, {}, quiet())


def test_only_what_is_meant_is_run_and_what_others_are_compared_with(tmp_path: Path) -> None:
    calls: list[str] = []
    rival = replace(counting(calls, "few-shot prompt", {"value": 0}), is_rival=True)
    names = ("set credit, dropout", "voice", "voice, no dropout")
    arms = [rival, *(counting(calls, name, {"value": 1}) for name in names)]
    results = run(arms, tmp_path, {}, quiet(), ["Set credit, dropout", "no-dropout"])
    assert calls == ["few-shot prompt", "set credit, dropout", "voice, no dropout"]
    assert results.missing == ["voice--seed-0"]
    results = run(arms, tmp_path, {}, quiet(), ["voice"])
    assert calls[3:] == ["voice"]
    assert [result.arm.name for result in results.all] == [arm.name for arm in arms]
    assert not results.missing


def test_a_name_that_no_arm_has_is_answered_with_those_there_are(tmp_path: Path) -> None:
    calls: list[str] = []
    with pytest.raises(CannotEvaluate, match="has voyce in its name") as caught:
        run([counting(calls, "voice", {})], tmp_path, {}, quiet(), ["voice", "voyce"])
    assert "voice--seed-0" in caught.value.remedy
    assert not calls
    assert not any(tmp_path.iterdir())
