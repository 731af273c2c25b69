"""Named ways to train a voice, as plain validated data: no torch here, so the web can check a request's configuration.

`voice` is the default: a short supervised warm start on (neutral -> sample), then Dr.GRPO on the calibrated style
reward with a mode told to most groups and reward dropout over modes for the rest.
`article` is Roman S, "The Right Approach to Personalize LLM Style": uncalibrated max over single references, dropout
over references, no warm start. `sft` stops after the warm start.

The article's hyperparameters are the defaults for bases of a billion parameters and more; `small` presets were vetted
on the packaged 135M base, which needs larger steps and far fewer of them.
"""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

SMALL_BASE_PARAMETERS = 1_000_000_000
"""Bases below this size take the `small` preset."""


class InvalidConfig(ValueError):
    """A training configuration that cannot be run; `field` is the dotted name of what is wrong."""

    def __init__(self, field_name: str, message: str) -> None:
        super().__init__(message)
        self.field = field_name


@dataclass(frozen=True)
class SftConfig:
    steps: int = 1000
    batch_size: int = 1
    learning_rate: float = 2e-5
    warmup_steps: int = 8
    seed: int = 0


@dataclass(frozen=True)
class RlConfig:
    steps: int = 200
    prompts_per_step: int = 4
    group_size: int = 8
    learning_rate: float = 1e-6
    warmup_steps: int = 4
    final_learning_rate_share: float = 0.9
    """Cosine decay to this share of the learning rate."""
    temperature: float = 1.0
    max_tokens: int = 300
    clip: float = 0.2
    update_share: float = 1.0
    """Only this share of the rows, those with the largest advantage, is back-propagated; 1.0 is the paper."""
    seed: int = 0


@dataclass(frozen=True)
class RewardConfig:
    style: float = 1.0
    human: float = 1.0
    meaning: float = 0.0
    entities: float = 1.0
    length: float = 1.0
    endings: float = 0.0
    """Weight against endings that the person does not share but rewrites of different prompts do."""
    calibrated: bool = True
    references: Literal["modes", "samples"] = "modes"
    dropout: float = 0.2
    """Probability that a reference is dropped from the max, one mask for all rows of a group, never all."""
    untagged_share: float = 0.2
    """Share of groups that are not told a mode; their reward is the max over the surviving references."""
    length_slack: float = 0.3
    meaning_target: float = 0.85


@dataclass(frozen=True)
class Recipe:
    name: str
    sft: SftConfig | None
    rl: RlConfig | None
    reward: RewardConfig = field(default_factory=RewardConfig)


LARGE: dict[str, Recipe] = {
    "voice": Recipe("voice", SftConfig(), RlConfig(), RewardConfig(human=0.0, meaning=1.0)),
    "article": Recipe(
        "article",
        None,
        RlConfig(prompts_per_step=4, group_size=8),
        RewardConfig(human=0.0, calibrated=False, references="samples", untagged_share=1.0),
    ),
    "sft": Recipe("sft", SftConfig(), None),
}

SMALL: dict[str, Recipe] = {
    "voice": Recipe(
        "voice",
        SftConfig(steps=36, batch_size=8, learning_rate=1e-3),
        RlConfig(steps=8, learning_rate=3e-4, temperature=0.8, max_tokens=64, update_share=0.5),
        RewardConfig(style=1.0, human=0.0, meaning=1.0, entities=1.0, length=0.5, endings=0.25),
    ),
    "article": Recipe(
        "article",
        None,
        RlConfig(steps=36, learning_rate=5e-4, max_tokens=64),
        RewardConfig(human=0.0, calibrated=False, references="samples", untagged_share=1.0),
    ),
    "sft": Recipe("sft", SftConfig(steps=36, batch_size=8, learning_rate=1e-3), None),
}

RECIPES = tuple(LARGE)

_BOUNDS: dict[str, tuple[float, float]] = {
    "sft.steps": (1, 100_000),
    "sft.batch_size": (1, 512),
    "sft.learning_rate": (1e-9, 1.0),
    "sft.warmup_steps": (0, 10_000),
    "rl.steps": (1, 100_000),
    "rl.prompts_per_step": (1, 256),
    "rl.group_size": (2, 256),
    "rl.learning_rate": (1e-9, 1.0),
    "rl.warmup_steps": (0, 10_000),
    "rl.final_learning_rate_share": (0.0, 1.0),
    "rl.temperature": (0.05, 2.0),
    "rl.max_tokens": (4, 4096),
    "rl.clip": (0.01, 1.0),
    "rl.update_share": (0.05, 1.0),
    "reward.style": (0.0, 100.0),
    "reward.human": (0.0, 100.0),
    "reward.meaning": (0.0, 100.0),
    "reward.entities": (0.0, 100.0),
    "reward.length": (0.0, 100.0),
    "reward.endings": (0.0, 100.0),
    "reward.dropout": (0.0, 0.95),
    "reward.untagged_share": (0.0, 1.0),
    "reward.length_slack": (0.0, 10.0),
    "reward.meaning_target": (0.1, 1.0),
}


def resolve(name: str, overrides: dict[str, Any], base_parameters: int) -> Recipe:
    """The recipe `name` for a base of this size, with `{"sft": {...}, "rl": {...}, "reward": {...}}` laid over it.

    Raises InvalidConfig naming the field for an unknown recipe, section or key, a wrong type or a value out of range.
    """
    presets = SMALL if base_parameters < SMALL_BASE_PARAMETERS else LARGE
    if name not in presets:
        raise InvalidConfig("recipe", f"there is no recipe {name!r}; there are {', '.join(presets)}")
    recipe = presets[name]
    for section, values in overrides.items():
        if section not in ("sft", "rl", "reward"):
            raise InvalidConfig(f"config.{section}", "unknown section; there are sft, rl and reward")
        part = getattr(recipe, section)
        if part is None:
            raise InvalidConfig(f"config.{section}", f"recipe {name!r} has no {section} stage")
        if not isinstance(values, dict):
            raise InvalidConfig(f"config.{section}", "must be an object")
        recipe = replace(recipe, **{section: _overlaid(section, part, values)})
    return recipe


def _overlaid(section: str, part: Any, values: dict[str, Any]) -> Any:
    known = {f.name: getattr(part, f.name) for f in fields(part)}
    for key, value in values.items():
        name = f"config.{section}.{key}"
        if key not in known:
            raise InvalidConfig(name, f"unknown; there are {', '.join(known)}")
        default = known[key]
        if key == "references":
            if value not in ("modes", "samples"):
                raise InvalidConfig(name, "must be 'modes' or 'samples'")
        elif isinstance(default, bool):
            if not isinstance(value, bool):
                raise InvalidConfig(name, "must be true or false")
        elif isinstance(value, bool) or not isinstance(value, int if isinstance(default, int) else (int, float)):
            raise InvalidConfig(name, f"must be {'a whole number' if isinstance(default, int) else 'a number'}")
        elif f"{section}.{key}" in _BOUNDS:
            low, high = _BOUNDS[f"{section}.{key}"]
            if not low <= value <= high:
                raise InvalidConfig(name, f"must be between {low:g} and {high:g}")
    return replace(part, **values)


def as_dict(recipe: Recipe) -> dict[str, Any]:
    return asdict(recipe)
