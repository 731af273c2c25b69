"""Fine-tuning is compared at equal samples, steps and passes."""

from dataclasses import asdict

import pytest

from app.evaluation.finetuning import ALGORITHMS, DPO, TRACE_BIAS, TRIALS, Task, offline, worth
from app.learning.configs import IterativeDpoConfig
from app.learning.satisfaction.simulated import SimulatedPerson


@pytest.mark.parametrize("name", [*ALGORITHMS, *TRIALS])
def test_every_algorithm_practises_alike(name: str) -> None:
    task = Task(3)
    config = task.by(name)
    assert config.steps * config.prompts_per_step * config.group_size == task.samples
    assert config.steps * config.epochs * config.minibatches == task.updates == 48
    assert config.resample == 0, "nobody samples again"
    assert getattr(config, "update_share", 1.0) == 1.0, "nobody leaves rows out"


def test_pairs_made_before_are_learned_as_often_in_as_many_updates() -> None:
    task = Task(3)
    config = task.by(DPO)
    assert isinstance(config, IterativeDpoConfig)
    given = offline(config)
    assert given.steps == task.updates
    pairs = config.steps * config.prompts_per_step
    assert given.steps * given.batch_size == pairs * config.epochs


@pytest.mark.parametrize("name", TRIALS)
def test_a_trial_changes_one_thing_of_trace_bias(name: str) -> None:
    one, other = asdict(Task(3).by(name)), asdict(Task(3).by(TRACE_BIAS))
    assert len({key for key in one if one[key] != other[key]}) == 1
    assert Task(3).recipe(name)["config"] == one


def test_what_loops_is_worth_nothing() -> None:
    person = SimulatedPerson({"length": 1.0})
    plain = "The bus is late again today."
    assert worth(person, plain, f"{plain} And it is slow, as you know.") > 0.5
    assert worth(person, plain, f"{plain} today today today today today") == 0.0
