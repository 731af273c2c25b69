from typing import get_type_hints

import pytest

from app.learning.configs import (
    WEIGHED,
    DpoConfig,
    DrGrpoConfig,
    IterativeDpoConfig,
    LoraConfig,
    PpoConfig,
    RewardConfig,
    RlooConfig,
    SftConfig,
    TraceBiasConfig,
)
from app.learning.recipes import FROM_FEEDBACK, LARGE, RECIPES, SECTIONS, SMALL, as_dict, resolve
from app.learning.validation import InvalidConfig, overlaid

SMALL_BASE, LARGE_BASE = 135_000_000, 3_000_000_000


def test_every_recipe_has_a_preset_for_small_and_large_bases():
    assert set(SMALL) == set(LARGE) == set(RECIPES)
    assert resolve("voice", {}, SMALL_BASE) == SMALL["voice"]
    assert resolve("voice", {}, LARGE_BASE) == LARGE["voice"]


def test_the_articles_sizes_are_those_of_large_bases():
    """Of its warm-up, and of the texts in and out: about 300 tokens."""
    for name in RECIPES:
        recipe = resolve(name, {}, LARGE_BASE)
        if recipe.sft is not None:
            assert (recipe.sft.steps, recipe.sft.batch_size, recipe.sft.learning_rate) == (1000, 1, 2e-5)
        if recipe.rl is not None:
            assert recipe.rl.max_tokens == 300


def test_the_articles_recipe_is_uncalibrated_untagged_and_starts_cold():
    article = resolve("article", {}, LARGE_BASE)
    assert article.sft is None
    assert article.rl.prompts_per_step * article.rl.group_size == 32
    assert (article.rl.learning_rate, article.rl.final_learning_rate_share) == (1e-6, 0.9)
    assert (article.lora.rank, article.lora.alpha) == (32, 16)
    reward = article.reward
    assert (reward.calibrated, reward.references, reward.dropout, reward.untagged_share) == (False, "samples", 0.2, 1.0)


@pytest.mark.parametrize(
    "config",
    [
        SftConfig,
        DpoConfig,
        DrGrpoConfig,
        RlooConfig,
        PpoConfig,
        TraceBiasConfig,
        IterativeDpoConfig,
        RewardConfig,
        LoraConfig,
    ],
)
def test_every_number_but_a_seed_is_bounded(config):
    hints = get_type_hints(config, include_extras=True)
    assert {name for name, hint in hints.items() if hint in (int, float)} <= {"seed"}


@pytest.mark.parametrize("presets", [SMALL, LARGE])
@pytest.mark.parametrize("name", RECIPES)
def test_presets_are_within_their_own_bounds(presets, name):
    for section, values in as_dict(presets[name]).items():
        if isinstance(values, dict):
            part = getattr(presets[name], section)
            assert overlaid(section, part, values) == part


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_refused_depends_on_no_size(name):
    """The web checks a configuration without knowing the base: what its fields must agree on is in both presets."""
    small, large = SMALL[name], LARGE[name]
    assert [getattr(small, name) is None for name in SECTIONS] == [getattr(large, name) is None for name in SECTIONS]
    if small.rl and large.rl:
        assert type(small.rl) is type(large.rl)
        assert small.rl.group_size == large.rl.group_size
        assert small.pays_for_satisfaction == large.pays_for_satisfaction
    if isinstance(small.rl, DrGrpoConfig):
        assert (small.rl.scale, small.rl.set_size) == (large.rl.scale, large.rl.set_size)


def test_what_needs_feedback_is_said_so():
    for name in RECIPES:
        recipe = resolve(name, {}, SMALL_BASE)
        assert (name in FROM_FEEDBACK) == (recipe.dpo is not None or recipe.pays_for_satisfaction)


def test_what_pleases_is_asked_for_only_where_samples_are_paid():
    told = {"reward": {"satisfaction": 1.0}}
    assert resolve("voice", told, SMALL_BASE).pays_for_satisfaction
    assert not resolve("sft", told, SMALL_BASE).pays_for_satisfaction


@pytest.mark.parametrize("presets", [SMALL, LARGE])
def test_iterative_dpo_has_several_rounds(presets):
    rl = presets["iterative_dpo"].rl
    assert rl.steps > 2 * rl.round_steps


def test_dapo_is_dapo():
    rl = resolve("dapo", {}, LARGE_BASE).rl
    assert (rl.clip, rl.clip_high, rl.scale, rl.average, rl.kl) == (0.2, 0.28, "group", "tokens", 0.0)
    assert rl.resample > 0


def test_overrides_are_laid_over_the_preset():
    recipe = resolve("voice", {"rl": {"steps": 3}, "reward": {"endings": 0.5, "calibrated": False}}, SMALL_BASE)
    assert (recipe.rl.steps, recipe.rl.group_size) == (3, 8)
    assert (recipe.reward.endings, recipe.reward.calibrated) == (0.5, False)


@pytest.mark.parametrize(
    ("name", "overrides", "field"),
    [
        ("poetry", {}, "recipe"),
        ("voice", {"ppo": {}}, "config.ppo"),
        ("article", {"sft": {"steps": 1}}, "config.sft"),
        ("dpo", {"rl": {"steps": 1}}, "config.rl"),
        ("voice", {"dpo": {"steps": 1}}, "config.dpo"),
        ("dpo", {"dpo": {"beta": 0}}, "config.dpo.beta"),
        ("iterative_dpo", {"rl": {"clip": 0.2}}, "config.rl.clip"),
        ("rloo", {"rl": {"average": "tokens"}}, "config.rl.average"),
        ("ppo", {"rl": {"update_share": 0.5}}, "config.rl.update_share"),
        ("ppo", {"rl": {"decay": 1.1}}, "config.rl.decay"),
        ("ppo", {"rl": {"value_steps": 0.5}}, "config.rl.value_steps"),
        ("trace_bias", {"rl": {"clip": 0.2}}, "config.rl.clip"),
        ("trace_bias", {"rl": {"shortest": 0}}, "config.rl.shortest"),
        ("trace_bias", {"rl": {"reading": "aloud"}}, "config.rl.reading"),
        ("trace_bias", {"rl": {"ratio": None}}, "config.rl.ratio"),
        ("voice", {"reward": {"human": -1}}, "config.reward.human"),
        ("voice", {"reward": dict.fromkeys(WEIGHED, 0)}, "config.reward.style"),
        ("voice", {"rl": 3}, "config.rl"),
        ("voice", {"lora": {"rank": 65}}, "config.lora.rank"),
        ("voice", {"lora": {"rank": 0}}, "config.lora.rank"),
        ("voice", {"lora": {"alpha": "big"}}, "config.lora.alpha"),
        ("voice", {"rl": {"speed": 1}}, "config.rl.speed"),
        ("voice", {"rl": {"steps": 1.5}}, "config.rl.steps"),
        ("voice", {"rl": {"steps": True}}, "config.rl.steps"),
        ("voice", {"rl": {"steps": 0}}, "config.rl.steps"),
        ("voice", {"rl": {"learning_rate": float("nan")}}, "config.rl.learning_rate"),
        ("voice", {"reward": {"calibrated": 1}}, "config.reward.calibrated"),
        ("voice", {"reward": {"references": "all"}}, "config.reward.references"),
        ("voice", {"reward": {"dropout": 1.0}}, "config.reward.dropout"),
        ("voice", {"rl": {"average": "words"}}, "config.rl.average"),
        ("voice", {"rl": {"clip_high": 2}}, "config.rl.clip_high"),
        ("voice", {"rl": {"set_size": 9}}, "config.rl.set_size"),
        ("voice", {"rl": {"set_size": 4, "scale": "group"}}, "config.rl.scale"),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(name, overrides, field):
    with pytest.raises(InvalidConfig) as error:
        resolve(name, overrides, SMALL_BASE)
    assert error.value.field == field
