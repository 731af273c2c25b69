"""Fine-tuning is compared at equal samples, steps and passes."""

import pytest

from app.evaluation.finetuning import ALGORITHMS, DPO, Task, offline
from app.learning.configs import IterativeDpoConfig


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_practises_alike(name: str) -> None:
    task = Task(3)
    config = task.by(ALGORITHMS[name])
    assert config.steps * config.prompts_per_step * config.group_size == task.samples
    assert config.steps * config.epochs * config.minibatches == task.updates == 48
    assert config.resample == 0, "nobody samples again"
    assert getattr(config, "update_share", 1.0) == 1.0, "nobody leaves rows out"


def test_pairs_made_before_are_learned_as_often_in_as_many_updates() -> None:
    task = Task(3)
    config = task.by(ALGORITHMS[DPO])
    assert isinstance(config, IterativeDpoConfig)
    given = offline(config)
    assert given.steps == task.updates
    pairs = config.steps * config.prompts_per_step
    assert given.steps * given.batch_size == pairs * config.epochs
