"""Which trainings are compared: recipes with what is changed in them, sized for a full or a quick run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.learning.recipes import FROM_FEEDBACK, RECIPES, as_dict, resolve

QUICK = {"steps": 2, "prompts_per_step": 2, "group_size": 2, "max_tokens": 48, "batch_size": 4, "set_size": 2}
"""A run that shows that everything works, and nothing else."""

COMPARED = ("sft", "article", "voice")
"""Recipes that the main table has rows of its own for."""


@dataclass(frozen=True)
class Training:
    name: str
    recipe: str
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def config(self, seed: int, base_parameters: int, *, is_quick: bool) -> dict[str, dict[str, Any]]:
        """What to ask the server for: the changes, the seed in every section that has one, fewer steps if quick."""
        sections = as_dict(resolve(self.recipe, {}, base_parameters))
        asked: dict[str, dict[str, Any]] = {name: dict(values) for name, values in self.changes.items()}
        for name, values in sections.items():
            if not isinstance(values, dict):
                continue
            own = asked.setdefault(name, {})
            if "seed" in values:
                own["seed"] = seed
            if is_quick:
                own |= {key: min(value, values[key]) for key, value in QUICK.items() if key in values}
        return {name: values for name, values in asked.items() if values}


SFT = Training("SFT", "sft")
CALIBRATED = {"calibrated": True, "references": "modes"}
MAIN = (
    SFT,
    Training("article, no dropout", "article", {"reward": {"dropout": 0.0}}),
    Training("article, dropout", "article"),
    Training("calibrated Dr.GRPO, no dropout", "article", {"reward": CALIBRATED | {"dropout": 0.0}}),
    Training("calibrated Dr.GRPO, dropout", "article", {"reward": CALIBRATED}),
    Training("voice", "voice"),
)
"""The ladder from imitation and the article's recipe to the default."""

_LIKE_THE_REST: dict[str, Any] = {"style": 1.0}
FORMER = Training("voice, style paid like the rest", "voice", {"reward": _LIKE_THE_REST, "rl": {"learning_rate": 3e-4}})
"""The default as it was before style was paid more than anything else."""
MORE_OF_FORMER = tuple(
    Training(f"{FORMER.name}, {name}", "voice", {"reward": _LIKE_THE_REST, "rl": {"learning_rate": 3e-4} | changes})
    for name, changes in (("four times the practice", {"steps": 20}), ("three times the rate", {"learning_rate": 9e-4}))
)
"""What more practice did to it."""

_SETS: dict[str, dict[str, Any]] = {"rl": {"set_size": 4}}
_WHOLE: dict[str, Any] = {"references": "modes"}
WAYS = (
    Training("article over voices, no dropout", "article", {"reward": _WHOLE | {"dropout": 0.0}}),
    Training("article over voices, dropout", "article", {"reward": _WHOLE}),
    Training("share penalty, no dropout", "article", {"reward": CALIBRATED | {"dropout": 0.0, "crowding": 0.5}}),
    Training("share penalty, dropout", "article", {"reward": CALIBRATED | {"crowding": 0.5}}),
    Training("set credit, no dropout", "article", {"reward": CALIBRATED | {"dropout": 0.0}} | _SETS),
    Training("set credit, dropout", "article", {"reward": CALIBRATED} | _SETS),
    Training("voice, no dropout", "voice", {"reward": {"dropout": 0.0}}),
    Training("voice, no branches", "voice", {"lora": {"branches": False}}),
    Training("voice, nothing told in reinforcement", "voice", {"reward": {"untagged_share": 1.0}}),
    Training("voice, not calibrated", "voice", {"reward": {"calibrated": False}}),
)
"""Ways to keep every voice: the article's reward where a reference is a whole voice, as each of its references was a
style, so that dropout drops voices (of a dozen texts each, dropping a fifth hardly ever leaves a voice without any);
calibrated Dr.GRPO with one thing more; and the default with one thing less.
"""

NEAREST = next(way for way in WAYS if way.name == "set credit, dropout")
"""Which of these ways kept most voices when each had a seed, so it is repeated as often as the ladder."""
ITERATIVE = Training("iterative_dpo", "iterative_dpo")
"""Which of the further algorithms came nearest to the default then."""

ONE_VOICE = (SFT, MAIN[4], MAIN[5])
"""For people of one voice, of whom dropout has nothing to drop."""


def further() -> tuple[Training, ...]:
    """Every recipe without a row yet that needs nothing but samples: who is compared has never said what they think."""
    named = (*COMPARED, ITERATIVE.recipe, *FROM_FEEDBACK)
    return tuple(Training(name, name) for name in RECIPES if name not in named)
