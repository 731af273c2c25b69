"""Named ways to train a voice, as plain validated data: no torch here, so the web can check a request's configuration.

`voice` is the default: a short supervised warm start on (neutral -> sample), then Dr.GRPO on the calibrated style
reward with a mode told to most groups and reward dropout over modes for the rest.
`article` is Roman S, "The Right Approach to Personalize LLM Style": uncalibrated max over single references, dropout
over references, no warm start; similar is what the encoder that rewards all recipes takes for it. `sft` stops after
the warm start.
All others are the same training by another algorithm, with as many samples and steps, so that they can be compared:
`dr_grpo` as published (`voice` leaves out the less telling half of the rows), `dapo`, `rloo`, `ppo`, `iterative_dpo`.
Two need more than samples: `trace_bias` is also paid by what the person's reactions have taught about what pleases
them, and `dpo` learns from their corrections.

The article's hyperparameters are the defaults for bases of a billion parameters and more; the `small`
presets are for the packaged 135M base, which needs larger steps and far fewer of them: after its warm start the
calibrated reward is near its top, and what 8 steps taught 4 had. Style is paid three times as much as anything else
there: paid like the rest, it moved less than one seed does from another. Those of `voice`, `article` and `sft` were
vetted on it, with the rank 8 and alpha 16 of a server as it comes; the others take `voice`'s sizes. `article` asks for
the article's rank 32 on any base, and gets what the server has room for, with the article's alpha of 16.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from app.learning.configs import (
    DpoConfig,
    DrGrpoConfig,
    IterativeDpoConfig,
    LoraConfig,
    PpoConfig,
    RewardConfig,
    RlConfig,
    RlooConfig,
    SftConfig,
    TraceBiasConfig,
)
from app.learning.validation import InvalidConfig, overlaid

SATISFACTION_WEIGHT = 3.0
"""Of what pleases the person, where a training is paid for it: as much as style on a small base."""
SMALL_BASE_PARAMETERS = 1_000_000_000
"""Bases below this size take the `small` preset."""
SMALL_RANK, LARGE_RANK = 8, 32
"""Of an adapter, unless the server's operator says otherwise: bytes are what serving pays, and what was tried on the
packaged base; the article's."""


@dataclass(frozen=True)
class Recipe:
    name: str
    sft: SftConfig | None
    rl: RlConfig | None
    """Its type says by which algorithm; see reinforce.py."""
    reward: RewardConfig = field(default_factory=RewardConfig)
    dpo: DpoConfig | None = None
    """On the person's corrections, in place of `rl`."""
    lora: LoraConfig = field(default_factory=LoraConfig)

    @property
    def pays_for_satisfaction(self) -> bool:
        """Whether it must be known what pleases the person."""
        return self.rl is not None and self.reward.satisfaction > 0

    @property
    def pays_for_humanity(self) -> bool:
        """Whether a detector of machine-written text is needed."""
        return self.rl is not None and self.reward.human > 0


_DAPO: dict[str, Any] = {"clip_high": 0.28, "scale": "group", "average": "tokens", "resample": 2}
_LARGE_REWARD = RewardConfig(human=0.0, meaning=1.0, sentences=1.0, additions=0.5, contrast=1.0)
_ARTICLE_REWARD = RewardConfig(human=0.0, calibrated=False, references="samples", untagged_share=1.0)

LARGE: dict[str, Recipe] = {
    "voice": Recipe("voice", SftConfig(), DrGrpoConfig(), _LARGE_REWARD),
    "article": Recipe("article", None, DrGrpoConfig(), _ARTICLE_REWARD),
    "sft": Recipe("sft", SftConfig(), None),
    "dr_grpo": Recipe("dr_grpo", SftConfig(), DrGrpoConfig(), _LARGE_REWARD),
    "dapo": Recipe("dapo", SftConfig(), DrGrpoConfig(**_DAPO), _LARGE_REWARD),
    "rloo": Recipe("rloo", SftConfig(), RlooConfig(), _LARGE_REWARD),
    "ppo": Recipe("ppo", SftConfig(), PpoConfig(), _LARGE_REWARD),
    "iterative_dpo": Recipe("iterative_dpo", SftConfig(), IterativeDpoConfig(), _LARGE_REWARD),
    "trace_bias": Recipe(
        "trace_bias", SftConfig(), TraceBiasConfig(), replace(_LARGE_REWARD, satisfaction=SATISFACTION_WEIGHT)
    ),
    "dpo": Recipe("dpo", SftConfig(), None, dpo=DpoConfig()),
}

_SMALL_SFT = SftConfig(steps=36, batch_size=8, learning_rate=1e-3)
_SMALL_RL: dict[str, Any] = {"steps": 5, "warmup_steps": 1, "learning_rate": 4e-4, "temperature": 0.8, "max_tokens": 64}
_SMALL_REWARD = RewardConfig(
    style=3.0,
    human=0.0,
    meaning=1.0,
    entities=1.0,
    sentences=1.0,
    length=0.5,
    additions=0.5,
    endings=0.25,
    contrast=1.0,
)

_SMALL: dict[str, Recipe] = {
    "voice": Recipe("voice", _SMALL_SFT, DrGrpoConfig(**_SMALL_RL, update_share=0.5), _SMALL_REWARD),
    "article": Recipe("article", None, DrGrpoConfig(steps=36, learning_rate=5e-4, max_tokens=64), _ARTICLE_REWARD),
    "sft": Recipe("sft", _SMALL_SFT, None),
    "dr_grpo": Recipe("dr_grpo", _SMALL_SFT, DrGrpoConfig(**_SMALL_RL), _SMALL_REWARD),
    "dapo": Recipe("dapo", _SMALL_SFT, DrGrpoConfig(**_SMALL_RL, **_DAPO), _SMALL_REWARD),
    "rloo": Recipe("rloo", _SMALL_SFT, RlooConfig(**_SMALL_RL), _SMALL_REWARD),
    "ppo": Recipe("ppo", _SMALL_SFT, PpoConfig(**_SMALL_RL, epochs=2), _SMALL_REWARD),
    "iterative_dpo": Recipe(
        "iterative_dpo", _SMALL_SFT, IterativeDpoConfig(**_SMALL_RL, round_steps=2, imitation=0.1), _SMALL_REWARD
    ),
    "trace_bias": Recipe(
        "trace_bias", _SMALL_SFT, TraceBiasConfig(**_SMALL_RL), replace(_SMALL_REWARD, satisfaction=SATISFACTION_WEIGHT)
    ),
    "dpo": Recipe(
        "dpo",
        _SMALL_SFT,
        None,
        dpo=DpoConfig(steps=16, batch_size=8, learning_rate=1e-4, warmup_steps=2, imitation=0.2),
    ),
}

_AS_THE_SERVER_HAS = LoraConfig(rank=None, alpha=None)
SMALL: dict[str, Recipe] = {
    name: recipe if name == "article" else replace(recipe, lora=_AS_THE_SERVER_HAS) for name, recipe in _SMALL.items()
}

RECIPES = tuple(LARGE)
FROM_FEEDBACK = ("trace_bias", "dpo")
"""Those of them that samples alone are not enough for."""
SECTIONS = ("sft", "dpo", "rl", "reward", "lora")


def resolve(name: str, overrides: dict[str, Any], base_parameters: int) -> Recipe:
    """The recipe `name` for a base of this size, with `{"sft": {...}, "rl": {...}, ...}` laid over it.

    Raises InvalidConfig naming the field for an unknown recipe, section or key, a wrong type or a value out of range.
    """
    presets = SMALL if base_parameters < SMALL_BASE_PARAMETERS else LARGE
    if name not in presets:
        raise InvalidConfig("recipe", f"there is no recipe {name!r}; there are {', '.join(presets)}")
    recipe = presets[name]
    for section, values in overrides.items():
        if section not in SECTIONS:
            raise InvalidConfig(f"config.{section}", f"unknown section; there are {', '.join(SECTIONS)}")
        part = getattr(recipe, section)
        if part is None:
            raise InvalidConfig(f"config.{section}", f"recipe {name!r} has no {section} stage")
        if not isinstance(values, dict):
            raise InvalidConfig(f"config.{section}", "must be an object")
        recipe = replace(recipe, **{section: overlaid(f"config.{section}", part, values)})
    return recipe


def most_rank(configured: int, base_parameters: int) -> int:
    """The largest rank that an adapter of a base of this size may have; `configured` by the operator, or 0."""
    return configured or (SMALL_RANK if base_parameters < SMALL_BASE_PARAMETERS else LARGE_RANK)


def as_dict(recipe: Recipe) -> dict[str, Any]:
    return asdict(recipe)
