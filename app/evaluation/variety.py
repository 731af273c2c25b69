"""A start for fine-tuning that has something to choose from.

The bare base rewrites a plain text as it is, eight times out of eight: then all rewards of a group are alike, and no
algorithm can learn anything from them. So it first imitates texts in random styles, which are nobody's: the same for
all algorithms, before any of them is told what somebody likes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app.inference.policy import LoraPolicy
from app.inference.types import prompt_for
from app.learning import sft
from app.learning.checkpoint import UnusableCheckpoint
from app.learning.configs import SftConfig
from app.learning.loop import LoopState
from app.learning.satisfaction.simulated import variants
from app.learning.seeding import derive
from app.learning.types import Pair

START: Final = "start.safetensors"


def vary(policy: LoraPolicy, passages: Sequence[str], steps: int, *, seed: int, folder: Path) -> None:
    """Have the policy rewrite as anybody might, or go on with what the folder has of that."""
    config = SftConfig(steps=steps, batch_size=8, learning_rate=1e-3, seed=seed)
    written = variants(passages, 2 * config.steps * config.batch_size, derive(seed, "start"))
    # Without those that no edit changed: they would teach to leave a text as it is, which the base knows already.
    pairs = [Pair(prompt_for(passage, None), text) for passage, text in written if text != passage]
    told, path = f"many styles {config}", folder / START
    try:
        state = LoopState.load(path, policy, told)
    except (FileNotFoundError, UnusableCheckpoint):
        state = LoopState.new(policy, told)
    for _ in sft.train(policy, pairs, config, state=state):
        state.save(path, stage="start")
