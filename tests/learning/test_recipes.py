from dataclasses import fields

import pytest

from app.learning.recipes import (
    _BOUNDS,
    LARGE,
    RECIPES,
    SMALL,
    InvalidConfig,
    RewardConfig,
    RlConfig,
    SftConfig,
    resolve,
)

SMALL_BASE, LARGE_BASE = 135_000_000, 3_000_000_000


def test_every_recipe_has_a_preset_for_small_and_large_bases():
    assert set(SMALL) == set(LARGE) == set(RECIPES)
    assert resolve("voice", {}, SMALL_BASE) == SMALL["voice"]
    assert resolve("voice", {}, LARGE_BASE) == LARGE["voice"]


def test_the_articles_recipe_is_uncalibrated_untagged_and_starts_cold():
    article = resolve("article", {}, LARGE_BASE)
    assert article.sft is None
    assert article.rl.prompts_per_step * article.rl.group_size == 32
    assert (article.rl.learning_rate, article.rl.final_learning_rate_share) == (1e-6, 0.9)
    reward = article.reward
    assert (reward.calibrated, reward.references, reward.dropout, reward.untagged_share) == (False, "samples", 0.2, 1.0)


@pytest.mark.parametrize(("section", "config"), [("sft", SftConfig), ("rl", RlConfig), ("reward", RewardConfig)])
def test_every_number_but_a_seed_is_bounded(section, config):
    numbers = {f"{section}.{f.name}" for f in fields(config) if f.type in (int, float) and f.name != "seed"}
    assert numbers == {name for name in _BOUNDS if name.startswith(f"{section}.")}


@pytest.mark.parametrize("presets", [SMALL, LARGE])
@pytest.mark.parametrize("name", RECIPES)
def test_presets_are_within_the_bounds(presets, name):
    for key, (low, high) in _BOUNDS.items():
        section, field = key.split(".")
        part = getattr(presets[name], section)
        assert part is None or low <= getattr(part, field) <= high


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
        ("voice", {"rl": 3}, "config.rl"),
        ("voice", {"rl": {"speed": 1}}, "config.rl.speed"),
        ("voice", {"rl": {"steps": 1.5}}, "config.rl.steps"),
        ("voice", {"rl": {"steps": True}}, "config.rl.steps"),
        ("voice", {"rl": {"steps": 0}}, "config.rl.steps"),
        ("voice", {"rl": {"learning_rate": float("nan")}}, "config.rl.learning_rate"),
        ("voice", {"reward": {"calibrated": 1}}, "config.reward.calibrated"),
        ("voice", {"reward": {"references": "all"}}, "config.reward.references"),
        ("voice", {"reward": {"dropout": 1.0}}, "config.reward.dropout"),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(name, overrides, field):
    with pytest.raises(InvalidConfig) as error:
        resolve(name, overrides, SMALL_BASE)
    assert error.value.field == field
