"""Learn from one's own samples, by whichever algorithm the configuration belongs to."""

from collections.abc import Iterator, Sequence

from app.learning import dr_grpo, iterative_dpo, rloo
from app.learning.configs import DrGrpoConfig, IterativeDpoConfig, RlConfig, RlooConfig
from app.learning.experience import PromptFor, Rewards
from app.learning.loop import GiveWay, LoopState
from app.learning.types import Policy, Step


def train(
    policy: Policy,
    passages: Sequence[str],
    rewards: Rewards,
    config: RlConfig,
    *,
    prompt_for: PromptFor,
    state: LoopState | None = None,
    give_way: GiveWay = lambda: None,
) -> Iterator[Step]:
    """As on_policy.train says. Raises ValueError for a configuration of no algorithm."""
    state = state or LoopState.new(policy)
    match config:
        case DrGrpoConfig():
            return dr_grpo.train(
                policy, passages, rewards, config, prompt_for=prompt_for, state=state, give_way=give_way
            )
        case RlooConfig():
            return rloo.train(policy, passages, rewards, config, prompt_for=prompt_for, state=state, give_way=give_way)
        case IterativeDpoConfig():
            return iterative_dpo.train(
                policy, passages, rewards, config, prompt_for=prompt_for, state=state, give_way=give_way
            )
    raise ValueError(f"{type(config).__name__} belongs to no algorithm")
