"""Idiolect's own Dr.GRPO loop on its own policy, one step at a time."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from app.inference.model import LlamaModel
from app.inference.policy import LoraPolicy
from app.inference.tokens import Tokens
from app.inference.types import prompt_for
from app.learning import reinforce
from app.learning.configs import DrGrpoConfig
from app.learning.rewards.compose import GroupPlan, Scored
from app.learning.types import Rollouts
from benchmarks.common.reward import vowels
from benchmarks.common.worker import Answer, Message, serve
from benchmarks.peers.ours import endless


class Watched(LoraPolicy):
    """Remembers what it wrote last."""

    wrote: Rollouts

    def sample(self, *args: Any, **options: Any) -> Rollouts:
        self.wrote = super().sample(*args, **options)
        return self.wrote


class Vowels:
    """The shared reward as the loop wants it: one voice, no tag, nothing dropped."""

    def plan(self, seed: int, step: int, groups: int) -> list[GroupPlan]:
        return [GroupPlan("only", None, (True,))] * groups

    def score(self, sources: Sequence[str], rollouts: Rollouts, plan: Sequence[GroupPlan]) -> Scored:
        rewards_P_G = torch.tensor(vowels(rollouts.texts)).view(len(plan), -1)
        return Scored(
            rewards_P_G,
            {"reward": rewards_P_G.mean().item()},
            components={},
            rewards_P_G_M=rewards_P_G.unsqueeze(-1),
            shares_P_M=torch.ones(len(plan), 1),
        )

    def prefixes(self, sources: Sequence[str], texts: Sequence[str], scored: Scored) -> torch.Tensor:
        return torch.tensor(vowels(texts))


def open_contestant(setup: Message) -> tuple[Answer, Message]:
    torch.set_num_threads(setup["threads"])
    base = Path(setup["base"])
    # As a training loads it: packed only while it samples.
    model = endless(LlamaModel.load(base, device=setup["device"], is_packed=False))
    policy = Watched(model, Tokens.load(base), rank=setup["rank"], alpha=setup["alpha"])
    config = DrGrpoConfig(
        steps=setup["steps"],
        prompts_per_step=setup["prompts"],
        group_size=setup["group"],
        learning_rate=setup["learning_rate"],
        warmup_steps=0,
        final_learning_rate_share=1.0,
        max_tokens=setup["tokens"],
    )
    steps = reinforce.train(policy, setup["passages"], Vowels(), config, prompt_for=prompt_for)

    def reading() -> float:
        """Seconds to read once what was written, beside the step: the least that its update could take is twice that.
        The base is frozen, so the way back is as much arithmetic as the way there."""
        started = time.perf_counter()
        with torch.no_grad():
            policy.logprobs(policy.wrote, range(setup["prompts"] * setup["group"]))
        return time.perf_counter() - started

    def answer(_question: Message) -> Message:
        started = time.perf_counter()
        step = next(steps)
        seconds = time.perf_counter() - started
        return {
            "seconds": seconds,
            "reading": reading(),
            "sampling": step.metrics["seconds_rollout"],
            "completion_tokens": int(step.metrics["tokens"]),
            "reward": step.metrics["reward"],
        }

    return answer, {"dtype": str(model.dtype).removeprefix("torch."), "version": torch.__version__}


if __name__ == "__main__":
    serve(open_contestant)
