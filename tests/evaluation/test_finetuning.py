"""Fine-tuning is compared at equal samples, steps and passes."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from app.config import Settings
from app.evaluation.finetuning import ALGORITHMS, DPO, PAIRS, TRACE_BIAS, TRIALS, Task, offline, practise, worth
from app.evaluation.pleasing import Score
from app.evaluation.runner import Bench, Results
from app.evaluation.variety import vary
from app.evaluation.workshop import Workshop
from app.inference.policy import LoraPolicy
from app.learning.configs import IterativeDpoConfig
from app.learning.loop import LoopState
from app.learning.rewards.compose import GroupPlan, Scored
from app.learning.satisfaction.arf import ArfScorer
from app.learning.satisfaction.simulated import SimulatedPerson
from app.learning.types import Rollouts


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


class Killed(BaseException):
    """As little as a signal leaves time for."""


class LikesE(Score):
    """Pays for every e, so that a base of random weights has something to learn."""

    def score(self, sources: Sequence[str], rollouts: Rollouts, plan: Sequence[GroupPlan]) -> Scored:
        paid_N = _letters(rollouts.texts)
        rewards_P_G = paid_N.view(len(plan), -1)
        return Scored(
            rewards_P_G,
            {"reward": paid_N.mean().item()},
            {"allowed": torch.ones(len(paid_N))},
            rewards_P_G.unsqueeze(-1),
            torch.ones(len(plan), 1),
        )

    def pleased(self, sources: Sequence[str], texts: Sequence[str]) -> Tensor:
        return _letters(texts)


def _letters(texts: Sequence[str]) -> Tensor:
    return torch.tensor([text.count("e") / (1 + len(text)) + len(text) / 100 for text in texts])


def test_who_begins_from_many_styles_does_so_alike(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it begins now, goes on or has it already; and those who begin from the bare base are told as before."""
    shop, passages = Workshop(settings), ["The bus is late.", "Tea?"]

    def begun(folder: str) -> tuple[list[Tensor], int]:
        """The weights, and after how many steps."""
        before = len(saved)
        (tmp_path / folder).mkdir(exist_ok=True)
        vary(policy := shop.policy(), passages, 3, seed=3, folder=tmp_path / folder)
        return _weights(policy), len(saved) - before

    saved = _killed_at(2, monkeypatch)
    with pytest.raises(Killed):
        begun("killed")
    whole, steps = begun("whole")
    assert steps == 3
    assert not _same(whole, _weights(shop.policy()))
    for rest in (2, 0):
        again, steps = begun("killed")
        assert steps == rest
        assert _same(whole, again)
    told = [replace(Task(3), varied_steps=steps).recipe(TRACE_BIAS) for steps in (0, 4)]
    assert told[1] == told[0] | {"varied_steps": 4}


def _killed_at(save: int, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Checkpoints that were written; just before this one, the process dies."""
    saved: list[Path] = []
    write, deaths = LoopState.save, iter([True])

    def dying(state: LoopState, path: Path, *, stage: str) -> None:
        if len(saved) == save - 1 and next(deaths, False):
            raise Killed
        saved.append(path)
        write(state, path, stage=stage)

    monkeypatch.setattr(LoopState, "save", dying)
    return saved


def _weights(policy: LoraPolicy) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in policy.parameters() if parameter.requires_grad]


def _same(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(some, others, strict=True))


@pytest.mark.parametrize("name", ["PPO", "TraceBias, running means", DPO])
def test_a_killed_practice_goes_on_from_its_checkpoint(
    name: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an algorithm keeps beside its weights, a critic, a running mean, pairs that were collected, too."""
    quick = Task.quick(3)
    task = replace(quick, config=replace(quick.config, steps=4))
    score = LikesE(ArfScorer(4), lambda sources, texts: torch.zeros(len(texts), 4))
    shop = Workshop(settings)

    def run(folder: str, watch: Callable[[str, float], None]) -> tuple[list[dict[str, Any]], list[Tensor]]:
        (tmp_path / folder).mkdir(exist_ok=True)
        policy = shop.policy()
        curve = practise(
            policy, ["The bus is late.", "Tea?"], score, task, name, Bench(tmp_path / folder, watch, Results(()))
        )
        return curve, [parameter.detach().clone() for parameter in policy.parameters() if parameter.requires_grad]

    steps: list[str] = []
    curve, weights = run("whole", lambda stage, share: None)
    with monkeypatch.context() as dying:
        _killed_at(3, dying)
        with pytest.raises(Killed):
            run("killed", lambda stage, share: None)
    if name == DPO:
        pairs = (tmp_path / "killed" / PAIRS).read_bytes()
    again, resumed = run("killed", lambda stage, share: steps.append(stage))
    assert steps == ["step 3", "step 4"]
    assert [point["step"] for point in curve] == [1, 2, 3, 4]
    assert again == curve
    assert not _same(weights, _weights(shop.policy()))
    assert _same(weights, resumed)
    if name == DPO:
        assert (tmp_path / "killed" / PAIRS).read_bytes() == pairs != b"[]"
