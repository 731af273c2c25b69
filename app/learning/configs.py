"""The hyperparameters of every loop, as plain validated data: no torch here, so the web can check a request.

Defaults are those of the papers, for bases of a billion parameters and more; `recipes.py` holds the presets for small
bases. What is the same for all loops that learn from their own samples stands in RlConfig, so that they can be compared
at equal samples and steps; each algorithm adds what is its own.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from app.learning.validation import Between, InvalidConfig

Rate = Annotated[float, Between(1e-9, 1.0)]
Discount = Annotated[float, Between(0.5, 1.0)]
Share = Annotated[float, Between(0.0, 1.0)]
Weight = Annotated[float, Between(0.0, 100.0)]
Clip = Annotated[float, Between(0.01, 1.0)]
Seed = Annotated[int, Between(0, 2**31 - 1)]


@dataclass(frozen=True)
class LoraConfig:
    """The adapter that learns, which adds alpha / rank * B @ A: of one alpha, all ranks learn about equally fast."""

    rank: Annotated[int, Between(1, 64)] | None = 32
    """At most the server's own, IDIOLECT_ADAPTER_RANK; null: just that. By itself it is the article's 32 for bases of a
    billion parameters and more, and 8 below."""
    alpha: Annotated[float, Between(0.01, 1024)] | None = 16.0
    """Null: twice the rank."""
    branches: bool = True
    """Whether every voice of a person of several gets a small adapter of its own beside the one that all share."""


@dataclass(frozen=True)
class SftConfig:
    steps: Annotated[int, Between(1, 100_000)] = 1000
    batch_size: Annotated[int, Between(1, 512)] = 1
    learning_rate: Rate = 2e-5
    warmup_steps: Annotated[int, Between(0, 10_000)] = 8
    seed: Seed = 0


@dataclass(frozen=True)
class RlConfig:
    """A step samples `prompts_per_step` groups of `group_size`, judges them and improves the policy by them."""

    steps: Annotated[int, Between(1, 100_000)] = 200
    prompts_per_step: Annotated[int, Between(1, 256)] = 4
    group_size: Annotated[int, Between(2, 256)] = 8
    learning_rate: Rate = 1e-6
    warmup_steps: Annotated[int, Between(0, 10_000)] = 4
    final_learning_rate_share: Share = 0.9
    """Cosine decay to this share of the learning rate."""
    temperature: Annotated[float, Between(0.05, 2.0)] = 1.0
    max_tokens: Annotated[int, Between(4, 4096)] = 300
    epochs: Annotated[int, Between(1, 16)] = 1
    """Passes over what a step sampled."""
    minibatches: Annotated[int, Between(1, 64)] = 1
    """Optimizer steps in a pass. Ratios and clips matter only from the second one of a step on."""
    resample: Annotated[int, Between(0, 16)] = 0
    """How often, at most, a step samples again in place of groups whose rewards are all alike (DAPO)."""
    seed: Seed = 0


@dataclass(frozen=True)
class Clipped:
    clip: Clip = 0.2
    clip_high: Clip | None = None
    """How far a ratio may rise above 1; as far as it may fall unless told (DAPO: 0.28)."""


@dataclass(frozen=True)
class Leashed:
    kl: Annotated[float, Between(0.0, 10.0)] = 0.0
    """Weight of staying near the policy as the loop found it; above 0 it costs a forward pass more."""


@dataclass(frozen=True)
class Selective:
    update_share: Annotated[float, Between(0.05, 1.0)] = 1.0
    """Of every group only this share of rows, those with the largest advantage, is back-propagated; 1.0 is all."""


@dataclass(frozen=True)
class DrGrpoConfig(Selective, Leashed, Clipped, RlConfig):
    average: Literal["constant", "tokens", "rows"] = "constant"
    """What the loss is normalised by: constants (Dr.GRPO), all tokens (DAPO) or each row's own length (GRPO)."""
    scale: Literal["none", "group", "batch"] = "none"
    """Whose deviation advantages are divided by: nobody's (Dr.GRPO), the group's (GRPO, DAPO) or the batch's."""
    set_size: Annotated[int, Between(1, 256)] = 1
    """Above 1, samples are credited with what they add to sets of this many (PKPO); it falls to 1 over the steps."""

    def __post_init__(self) -> None:
        if self.set_size > self.group_size:
            raise InvalidConfig("set_size", f"a set cannot be larger than its group of {self.group_size}")
        if self.set_size > 1 and self.scale != "none":
            raise InvalidConfig("scale", "must be 'none' where sets are credited")


@dataclass(frozen=True)
class RlooConfig(Selective, Leashed, Clipped, RlConfig):
    kl: Annotated[float, Between(0.0, 10.0)] = 0.03


@dataclass(frozen=True)
class PpoConfig(Leashed, Clipped, RlConfig):
    epochs: Annotated[int, Between(1, 16)] = 4
    discount: Discount = 1.0
    decay: Share = 0.95
    """GAE's lambda: 1 trusts what was paid, 0 what the critic foresees."""
    value_clip: Clip = 0.2
    value_steps: Annotated[int, Between(1, 1000)] = 16
    """Of the critic in each step of the loop: it is small, and an advantage is only as good as what it foresees."""
    value_learning_rate: Rate = 1e-2
    """Of the critic, which reads states of length 1: it does not depend on the base."""


@dataclass(frozen=True)
class TraceBiasConfig(Selective, Leashed, RlConfig):
    shortest: Annotated[float, Between(0.1, 1.0)] = 0.4
    """Traces are cut at a random length of at least this share of their tokens; 1.0 cuts nothing."""
    discount: Discount = 0.98
    reading: Literal["scores", "gains", "running"] = "scores"
    """What a trace is biased by; see trace_bias.py."""
    prefixes: Annotated[int, Between(1, 32)] = 4
    """How many prefixes of a trace are scored, for the readings `gains` and `running`."""
    ratio: Literal["arithmetic", "geometric"] = "arithmetic"
    """How the ratios of a trace's tokens are averaged."""


@dataclass(frozen=True)
class Preferring:
    beta: Annotated[float, Between(0.001, 10.0)] = 0.1
    """How soon a pair counts as learned: its gradient fades as the margin grows beyond 1 / beta nats."""
    imitation: Annotated[float, Between(0.0, 10.0)] = 0.0
    """Weight of also imitating what is preferred, which preferring alone may make less likely."""


@dataclass(frozen=True)
class IterativeDpoConfig(Preferring, RlConfig):
    epochs: Annotated[int, Between(1, 16)] = 2
    round_steps: Annotated[int, Between(1, 100_000)] = 8
    """After so many steps the policy becomes its own reference, and a new round begins."""


@dataclass(frozen=True)
class DpoConfig(Preferring):
    """For pairs that somebody else made."""

    steps: Annotated[int, Between(1, 100_000)] = 200
    batch_size: Annotated[int, Between(1, 512)] = 16
    learning_rate: Rate = 1e-6
    warmup_steps: Annotated[int, Between(0, 10_000)] = 8
    seed: Seed = 0


WEIGHED = (
    "style",
    "human",
    "meaning",
    "entities",
    "sentences",
    "fluency",
    "length",
    "additions",
    "endings",
    "satisfaction",
)
"""The components of a reward that have weights in its configuration."""


@dataclass(frozen=True)
class RewardConfig:
    style: Weight = 1.0
    human: Weight = 1.0
    meaning: Weight = 0.0
    entities: Weight = 1.0
    sentences: Weight = 0.0
    """Weight of the share of sentences that were said at all: whoever is paid for style is soon paid for leaving out
    what is hard to say in it."""
    fluency: Weight = 0.0
    """Weight against texts that the base foresees worse, beside their plain ones, than what the person writes."""
    length: Weight = 1.0
    additions: Weight = 0.0
    """Weight against words that neither the passage nor the person has, where there are more than in the passage."""
    endings: Weight = 0.0
    """Weight against endings that the person does not share but rewrites of different prompts do."""
    satisfaction: Weight = 0.0
    """Weight of what the person's own reactions to rewrites have taught about what pleases them."""
    calibrated: bool = True
    references: Literal["modes", "samples"] = "modes"
    dropout: Annotated[float, Between(0.0, 0.95)] = 0.2
    """Probability that a reference is dropped from the max, one mask for all rows of a group, never all."""
    contrast: Weight = 0.0
    """What a told mode is paid less for sounding like another mode of the person, so that their voices stay apart."""
    crowding: Weight = 0.0
    """What rewrites that were told no mode are paid less, per nat, for the mode that more of the batch are nearest to
    than of the person's own texts are."""
    untagged_share: Share = 0.2
    """Share of groups that are not told a mode; their reward is the max over the surviving references."""
    length_slack: Annotated[float, Between(0.0, 10.0)] = 0.3
    meaning_target: Annotated[float, Between(0.1, 1.0)] = 0.85

    def __post_init__(self) -> None:
        if not any(getattr(self, name) for name in WEIGHED):
            raise InvalidConfig("style", f"all weights are 0; one of {', '.join(WEIGHED)} must be more")

    @property
    def weights(self) -> dict[str, float]:
        """Of each component, adding up to 1."""
        weights: dict[str, float] = {name: getattr(self, name) for name in WEIGHED}
        return {name: weight / sum(weights.values()) for name, weight in weights.items()}
