import math
import random
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from app.learning.configs import RewardConfig
from app.learning.rewards.compose import GroupPlan, Reward, surviving
from app.learning.rewards.style import references
from app.learning.types import Mode, Rollouts
from app.learning.validation import InvalidConfig

PLAN = GroupPlan("berries", None, (True, True))
ALL = RewardConfig(style=1.0, human=0.0, meaning=1.0, entities=0.5, length=0.5)


def rollouts_of(texts, is_finished=None):
    return Rollouts(
        prompts=[],
        texts=texts,
        prompt_ids=[],
        completion_ids=[],
        is_finished=is_finished or [True] * len(texts),
        logprobs_B_T=torch.zeros(0),
        mask_B_T=torch.zeros(0),
    )


@pytest.fixture
def reward(word_encoder, two_modes):
    return Reward(
        ALL,
        references(word_encoder, two_modes, ["tea tea tea"]),
        encode_meaning=lambda texts: torch.ones(len(texts), 1),
        neutralise=lambda text: text,
        find_entities=lambda texts: [frozenset({"tea"})] * len(texts),
    )


@given(count=st.integers(1, 30), rate=st.floats(0, 0.95), seed=st.integers(0, 1000))
def test_a_mask_never_drops_everything(count, rate, seed):
    kept = surviving(count, rate, random.Random(seed))
    assert len(kept) == count
    assert any(kept)


@pytest.mark.parametrize(("count", "rate"), [(40, 0.2), (4, 0.2), (2, 0.5)])
def test_the_rate_is_right_up_to_the_masks_that_were_redrawn(count, rate):
    rng = random.Random(1)
    kept = sum(sum(surviving(count, rate, rng)) for _ in range(4000)) / (4000 * count)
    assert kept == pytest.approx((1 - rate) / (1 - rate**count), abs=0.02)


def test_no_dropout_drops_nothing():
    assert surviving(5, 0.0, random.Random(1)) == (True,) * 5


def test_a_single_reference_is_never_dropped():
    assert all(surviving(1, 0.95, random.Random(seed)) == (True,) for seed in range(50))


@given(seed=st.integers(0, 100), step=st.integers(0, 1000))
def test_a_step_draws_the_same_plan_again_and_another_step_another(reward_by_hypothesis, seed, step):
    plan = reward_by_hypothesis.plan(seed, step, 12)
    assert plan == reward_by_hypothesis.plan(seed, step, 12)
    assert plan != reward_by_hypothesis.plan(seed, step + 1, 12)


@pytest.fixture(scope="module")
def reward_by_hypothesis():
    def encoder(texts):
        return torch.nn.functional.one_hot(torch.tensor([ord(text[0]) % 8 for text in texts]), 8).float()

    modes = [Mode(tag, share, [tag] * 4) for tag, share in (("a", 0.5), ("b", 0.25), ("c", 0.25))]
    return Reward(
        RewardConfig(human=0.0, untagged_share=0.4),
        references(encoder, modes, ["z"]),
        encode_meaning=encoder,
        neutralise=str,
        find_entities=lambda texts: [frozenset()] * len(texts),
    )


def test_modes_are_drawn_by_share_and_most_groups_are_told(reward_by_hypothesis):
    plan = [group for step in range(100) for group in reward_by_hypothesis.plan(0, step, 20)]
    share = {mode: sum(group.mode == mode for group in plan) / 2000 for mode in "abc"}
    assert share == pytest.approx({"a": 0.5, "b": 0.25, "c": 0.25}, abs=0.04)
    told = [group for group in plan if group.tag is not None]
    assert len(told) / 2000 == pytest.approx(0.6, abs=0.04)
    assert all(group.tag == group.mode for group in told)
    assert {group.mode: group.kept_K for group in told} == {
        "a": (True, False, False),
        "b": (False, True, False),
        "c": (False, False, True),
    }
    masks = {group.kept_K for group in plan if group.tag is None}
    assert len(masks) == 7


def test_one_mask_for_all_siblings_of_a_group(reward):
    texts = ["Rewritten: berry berry", "Rewritten: cherry cherry"] * 2
    plan = [GroupPlan("berries", None, (True, False)), GroupPlan("berries", None, (False, True))]
    style = reward.score(["tea tea", "tea tea"], rollouts_of(texts), plan).components["style"]
    berries, cherries = reward.references.similarity(["berry berry", "cherry cherry"])
    assert style.tolist() == [berries[0].item(), cherries[0].item(), berries[1].item(), cherries[1].item()]
    assert style[0] == style[3] == 1
    assert max(style[1], style[2]) < 0


def test_the_reward_is_format_times_the_weighted_mean(reward):
    plan = [GroupPlan("berries", "berries", (True, False))]
    texts = ["Rewritten: berry berry tea", "Rewritten: tea tea tea", "berry berry tea", "Rewritten: berry berry tea"]
    scored = reward.score(["tea tea tea"], rollouts_of(texts, [True, True, True, False]), plan)
    parts = scored.components
    expected = (parts["style"] + parts["meaning"] + 0.5 * parts["entities"] + 0.5 * parts["length"]) / 3
    torch.testing.assert_close(scored.rewards_P_G, (expected * torch.tensor([1.0, 1.0, 0.0, 0.0])).view(1, 4))
    assert scored.rewards_P_G[0, 0] > scored.rewards_P_G[0, 1] > 0
    assert scored.metrics["format"] == 0.5
    assert scored.metrics["style"] == pytest.approx(parts["style"][:2].mean().item())


def test_no_style_is_so_bad_that_breaking_the_format_would_pay(reward):
    only_style = replace(reward, config=replace(ALL, meaning=0.0, entities=0.0, length=0.0))
    plan = [GroupPlan("berries", "berries", (True, False))]
    scored = only_style.score(["tea"], rollouts_of(["Rewritten: cherry cherry", "broken"]), plan)
    assert scored.components["style"][0] < 0
    assert scored.rewards_P_G.tolist() == [[0.0, 0.0]]


def test_metrics_show_each_modes_mean_and_spread_over_the_batch(reward):
    plan = [GroupPlan("berries", None, (True, False))]
    texts = ["Rewritten: berry berry", "Rewritten: cherry cherry"]
    metrics = reward.score(["tea tea"], rollouts_of(texts), plan).metrics
    similarity = reward.references.similarity(["berry berry", "cherry cherry"])
    assert metrics["style.berries.mean"] == pytest.approx(similarity[:, 0].mean().item())
    assert metrics["style.cherries.std"] == pytest.approx(similarity[:, 1].std(correction=0).item())
    assert (metrics["told"], metrics["dropped"], metrics["droppable"]) == (0, 1, 1)


def test_with_one_mode_there_is_nothing_to_drop_and_the_metrics_say_so(reward, word_encoder, two_modes):
    one = replace(reward, references=references(word_encoder, two_modes[:1], ["tea"]))
    metrics = one.score(["tea"], rollouts_of(["Rewritten: berry"]), one.plan(0, 0, 1)).metrics
    assert (metrics["dropped"], metrics["droppable"]) == (0, 0)


def test_a_weight_on_endings_and_one_on_human_likeness_count(reward):
    plan = [GroupPlan("berries", "berries", (True, False))] * 2
    config = replace(ALL, style=0.0, meaning=0.0, entities=0.0, length=0.0, endings=1.0)
    texts = rollouts_of(["Rewritten: so berry lol", "Rewritten: my berry lol"])
    monotone = replace(reward, config=config).score(["tea", "tea"], texts, plan)
    assert monotone.rewards_P_G.flatten().tolist() == pytest.approx([0.15, 0.15])
    habit = replace(reward, config=config, own_endings={"berries": {("berry", "lol"): 0.9}})
    assert habit.score(["tea", "tea"], texts, plan).rewards_P_G.flatten().tolist() == [1, 1]
    human = replace(
        reward, config=replace(config, human=1.0, endings=0.0), p_human=lambda texts: torch.tensor([0.2, 0.9])
    )
    assert human.score(["tea", "tea"], texts, plan).rewards_P_G.flatten().tolist() == pytest.approx([0.2, 1.0])


def test_a_weight_on_additions_counts(reward):
    config = replace(ALL, style=0.0, meaning=0.0, entities=0.0, length=0.0, additions=1.0)
    texts = rollouts_of(["Rewritten: the tea, darling", "Rewritten: the tea, I trust"])
    careful = replace(reward, config=config, own_words=frozenset({"darling", "i"}))
    assert careful.score(["the tea"], texts, [PLAN]).rewards_P_G.tolist() == [[1.0, 0.5]]


def test_a_weight_on_sentences_counts(reward):
    config = replace(ALL, style=0.0, meaning=0.0, entities=0.0, length=0.0, sentences=1.0)
    complete = replace(reward, config=config, share_told=lambda source, text: len(text) / len(source))
    scored = complete.score(["tea tea."], rollouts_of(["Rewritten: tea tea.", "Rewritten: tea."]), [PLAN])
    assert scored.rewards_P_G.tolist() == [[1.0, 0.5]]
    assert scored.metrics["sentences"] == 0.75


def test_weights_that_cannot_be_honoured_are_refused(reward):
    with pytest.raises(ValueError, match="what was told"):
        replace(reward, config=replace(ALL, sentences=1.0))
    with pytest.raises(ValueError, match="detector"):
        replace(reward, config=replace(ALL, human=1.0))
    with pytest.raises(ValueError, match="somebody who was heard"):
        replace(reward, config=replace(ALL, satisfaction=1.0))
    with pytest.raises(InvalidConfig, match="all weights"):
        RewardConfig(style=0, human=0, meaning=0, entities=0, length=0)


def test_weights_are_shares_of_all():
    told = {name: weight for name, weight in ALL.weights.items() if weight}
    assert told == pytest.approx({"style": 1 / 3, "meaning": 1 / 3, "entities": 1 / 6, "length": 1 / 6})


def test_each_mode_alone_would_have_paid_by_its_own_style(reward):
    texts = [f"Rewritten: {text}" for text in ("berry berry", "cherry cherry", "berry", "nothing")]
    told = GroupPlan("berries", "berries", (True, False))
    untold = GroupPlan("berries", None, (True, True))
    scored = reward.score(["tea", "tea"], rollouts_of(texts, [True, True, True, False]), [told, untold])
    berries, cherries = scored.rewards_P_G_M.unbind(-1)
    torch.testing.assert_close(berries[0], scored.rewards_P_G[0])
    torch.testing.assert_close(torch.maximum(berries, cherries)[1], scored.rewards_P_G[1])
    assert cherries[0, 1] > berries[0, 1] + 0.2
    assert scored.rewards_P_G_M[1, 1].tolist() == [0, 0]


def test_modes_count_by_their_shares_as_far_as_they_were_told_or_kept(word_encoder, two_modes, reward):
    uneven = [replace(two_modes[0], share=0.75), replace(two_modes[1], share=0.25)]
    reward = replace(reward, references=references(word_encoder, uneven, ["tea tea tea"]))
    plan = [
        GroupPlan("cherries", "cherries", (False, True)),
        GroupPlan("berries", None, (True, True)),
        GroupPlan("berries", None, (False, True)),
    ]
    scored = reward.score(["tea"] * 3, rollouts_of(["Rewritten: tea"] * 3), plan)
    assert scored.shares_P_M.tolist() == [[0, 1], [0.75, 0.25], [0, 1]]


def test_a_told_mode_is_paid_less_for_sounding_like_another(reward):
    both = rollouts_of(["Rewritten: berry cherry", "Rewritten: berry berry"])
    told = [GroupPlan("berries", "berries", (True, False))]
    plain = reward.score(["tea"], both, told).components["style"]
    apart = replace(reward, config=replace(ALL, contrast=0.5)).score(["tea"], both, told).components["style"]
    rival = reward.references.similarity(["berry cherry", "berry berry"])[:, 1].clamp(min=0)
    assert rival[0] > 0.2
    torch.testing.assert_close(apart, plain - 0.5 * rival)
    assert apart[1] == plain[1], "who is unlike the other mode pays nothing"


def test_where_no_mode_is_told_all_may_sound_like_any(reward):
    texts = rollouts_of(["Rewritten: berry cherry", "Rewritten: berry berry"])
    free = [GroupPlan("berries", None, (True, True))]
    apart = replace(reward, config=replace(ALL, contrast=1.0))
    torch.testing.assert_close(
        apart.score(["tea"], texts, free).rewards_P_G, reward.score(["tea"], texts, free).rewards_P_G
    )


def test_the_mode_that_crowds_the_batch_is_paid_less_and_the_rare_one_more(reward):
    """By the log of its share of the untold rows over the person's own, each smoothed by one row."""
    texts = rollouts_of([f"Rewritten: {text}" for text in ("berry berry", "berry", "berry tea", "cherry cherry") * 2])
    plan = [GroupPlan("berries", None, (True, True)), GroupPlan("berries", "berries", (True, False))]
    plain = reward.score(["tea", "tea"], texts, plan).components["style"]
    crowded = replace(reward, config=replace(ALL, crowding=0.5)).score(["tea", "tea"], texts, plan).components["style"]
    berries, cherries = (math.log((count + 0.5) / 5 / 0.5) for count in (3, 1))
    price = torch.tensor([berries, berries, berries, cherries]) * 0.5
    torch.testing.assert_close(crowded[:4], plain[:4] - price)
    torch.testing.assert_close(crowded[4:], plain[4:])
    assert price[0] > 0 > price[3]


def test_where_every_row_was_told_a_mode_none_can_crowd(reward):
    told = [GroupPlan("berries", "berries", (True, False))]
    texts = rollouts_of(["Rewritten: berry berry", "Rewritten: berry"])
    crowded = replace(reward, config=replace(ALL, crowding=5.0))
    torch.testing.assert_close(
        crowded.score(["tea"], texts, told).rewards_P_G, reward.score(["tea"], texts, told).rewards_P_G
    )


def pleased_by_length(sources, texts):
    return torch.tensor([len(text) / 20 for text in texts])


def test_what_the_person_was_heard_to_like_counts_by_its_weight(reward):
    config = RewardConfig(style=0, human=0, entities=0, length=1.0, satisfaction=3.0)
    reward = replace(reward, config=config, pleased=pleased_by_length)
    scored = reward.score(["tea"], rollouts_of(["Rewritten: tea", "Rewritten: berry", "tea"], None), [PLAN])
    pleased = scored.components["satisfaction"]
    assert pleased.tolist() == pytest.approx([3 / 20, 5 / 20, 3 / 20])
    expected = (scored.components["length"] + 3 * pleased) / 4
    assert scored.rewards_P_G[0].tolist() == pytest.approx([*expected[:2].tolist(), 0])
    with pytest.raises(ValueError, match="heard"):
        replace(reward, pleased=None)


def test_of_a_beginning_only_how_it_pleases_is_judged_anew(reward):
    texts = ["Rewritten: berry tea", "Rewritten: cherry", "tea"]
    reward = replace(reward, config=replace(ALL, satisfaction=2.0), pleased=pleased_by_length)
    scored = reward.score(["tea"], rollouts_of(texts), [PLAN])
    assert torch.equal(reward.prefixes(["tea"], texts, scored), scored.rewards_P_G[0])
    cut = reward.prefixes(["tea"], ["Rewritten: be", "Rewritten: cherry", "t"], scored)
    share = 2.0 / (1 + 1 + 0.5 + 0.5 + 2.0)
    assert (scored.rewards_P_G[0] - cut).tolist() == pytest.approx([share * 7 / 20, 0, 0], abs=1e-6)
    deaf = replace(reward, config=ALL, pleased=None)
    heard_nothing = deaf.score(["tea"], rollouts_of(texts), [PLAN])
    assert torch.equal(deaf.prefixes(["tea"], ["x"] * 3, heard_nothing), heard_nothing.rewards_P_G[0])


def test_fluency_is_paid_for_by_the_voice_that_was_told(reward):
    heard = []

    def fluency(sources, texts, tags):
        heard.append((list(sources), list(tags)))
        return torch.tensor([0.0 if text == "tea" else 1.0 for text in texts])

    fluent = replace(reward, config=replace(ALL, fluency=1.0), fluency=fluency)
    plan = [GroupPlan("berries", "berries", (True, False)), GroupPlan("berries", None, (True, True))]
    scored = fluent.score(["a tea", "b tea"], rollouts_of(["Rewritten: tea", "Rewritten: tea tea"] * 2), plan)
    assert scored.components["fluency"].tolist() == [0, 1, 0, 1]
    assert heard == [(["a tea", "a tea", "b tea", "b tea"], ["berries", "berries", None, None])]


def test_a_weight_on_fluency_needs_a_language_model(reward):
    with pytest.raises(ValueError, match="fluency needs a language model"):
        replace(reward, config=replace(ALL, fluency=1.0))
