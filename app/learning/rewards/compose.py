"""Mix the rewards, R = format * weighted mean of the rest, and do reward dropout.

Every group draws one of the person's modes. Most groups are told its tag and paid for that mode alone. From the others
the tag is withheld, and their style is the max over the references that survive *one dropout mask of the group*
(Roman S, "The Right Approach to Personalize LLM Style"): all siblings are measured against the same references, never
none, so their rewards stay comparable, and no single style is the best answer every time.

_P group, _G sample of it, _N all rows (P * G, groups contiguous), _K reference, _M mode.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from app.learning.configs import RewardConfig
from app.learning.rewards import additions, endings, entities, human, length, meaning, style
from app.learning.rewards.fluency import Fluency
from app.learning.rewards.format import stripped, well_formed
from app.learning.seeding import generator
from app.learning.types import Encoder, EntityFinder, Metrics, Rollouts, Told

Satisfaction = Callable[[Sequence[str], Sequence[str]], Tensor]
"""Passages and rewrites to how pleased one person would be [N], in [0, 1]."""


@dataclass(frozen=True)
class GroupPlan:
    """What one group is asked and measured by."""

    mode: str
    tag: str | None
    """The mode as the policy is told it; None where it is withheld."""
    kept_K: tuple[bool, ...]
    """The references that count: those of the mode if it is told, else those that dropout left."""


@dataclass(frozen=True)
class Scored:
    rewards_P_G: Tensor
    metrics: Metrics
    components: dict[str, Tensor]
    """Each component by name [N], before weights, and `format`."""
    rewards_P_G_M: Tensor
    """What each row would have been paid if its style were measured by one mode alone."""
    shares_P_M: Tensor
    """How much each mode counts in each group: only that which was told, or each by its share that dropout left."""


@dataclass(frozen=True)
class Reward:
    """All that a rewrite is judged by: weights, and the person's and the world's measures as plain callables."""

    config: RewardConfig
    references: style.References
    encode_meaning: Encoder
    neutralise: meaning.Neutralise
    find_entities: EntityFinder
    share_told: Told | None = None
    """Needed only where `config.sentences` is above 0."""
    fluency: Fluency | None = None
    """Needed only where `config.fluency` is above 0."""
    p_human: human.Detector | None = None
    """Needed only where `config.human` is above 0."""
    pleased: Satisfaction | None = None
    """Needed only where `config.satisfaction` is above 0."""
    own_endings: Mapping[str | None, Mapping[endings.Ending, float]] = field(default_factory=dict)
    """By mode; those of all texts for None, where no mode is told."""
    own_words: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.config.human > 0 and self.p_human is None:
            raise ValueError("a weight on human-likeness needs a detector")
        if self.config.sentences > 0 and self.share_told is None:
            raise ValueError("a weight on sentences needs a measure of what was told")
        if self.config.fluency > 0 and self.fluency is None:
            raise ValueError("a weight on fluency needs a language model")
        if self.config.satisfaction > 0 and self.pleased is None:
            raise ValueError("a weight on satisfaction needs somebody who was heard")

    def plan(self, seed: int, step: int, groups: int) -> list[GroupPlan]:
        """Draw the groups of a step; the same seed and step draw the same plan."""
        return [self._plan(generator(seed, "group", step, group)) for group in range(groups)]

    def score(self, sources: Sequence[str], rollouts: Rollouts, plan: Sequence[GroupPlan]) -> Scored:
        """Judge P * G rollouts of `sources` (the P plain passages, not the prompts). A row is paid 0 if malformed."""
        group_size = len(rollouts.texts) // len(plan)
        repeated = [source for source in sources for _ in range(group_size)]
        texts = [stripped(text) for text in rollouts.texts]
        format_N = well_formed(rollouts.texts, rollouts.is_finished, repeated)
        similarity_N_K = self.references.similarity(texts)
        kept_N_K = torch.tensor([group.kept_K for group in plan]).repeat_interleave(group_size, dim=0)
        ratio_N = length.ratios(repeated, texts)

        components = {
            "style": similarity_N_K.masked_fill(~kept_N_K, -torch.inf).amax(-1)
            - self._rivalry(similarity_N_K, plan)
            - self._crowding(similarity_N_K, plan),
            "meaning": meaning.kept_meaning(
                meaning.similarity(self.encode_meaning, self.neutralise, repeated, texts), self.config.meaning_target
            ),
            "entities": entities.kept_entities(entities.recall(self.find_entities, repeated, texts)),
            "length": length.relative_length(ratio_N, self.config.length_slack),
            "additions": additions.nothing_added(repeated, texts, self.own_words),
            "endings": endings.distinct_endings(texts, [group.tag for group in plan], self.own_endings),
        }
        if self.share_told is not None:
            shares = [self.share_told(source, text) for source, text in zip(repeated, texts, strict=True)]
            components["sentences"] = torch.tensor(shares).nan_to_num(1.0)
        if self.fluency is not None:
            told = [group.tag for group in plan for _ in range(group_size)]
            components["fluency"] = self.fluency(repeated, texts, told)
        if self.p_human is not None:
            components["human"] = human.humanlike(self.p_human(texts))
        if self.pleased is not None:
            components["satisfaction"] = self.pleased(repeated, [text or "." for text in texts])

        mean_N = self._mean(components)
        other_style_N_M = self.references.by_mode(similarity_N_K) - components["style"].unsqueeze(-1)
        mean_N_M = mean_N.unsqueeze(-1) + self.config.weights["style"] * other_style_N_M
        # Never below what a malformed row is paid: else breaking the format would be the cure for a bad style.
        rewards_P_G = (format_N * mean_N.clamp(min=0)).view(len(plan), group_size)
        rewards_P_G_M = (format_N.unsqueeze(-1) * mean_N_M.clamp(min=0)).view(len(plan), group_size, -1)

        metrics = {"reward": rewards_P_G.mean().item(), "format": format_N.mean().item()}
        metrics |= {name: _mean_where(format_N, value_N) for name, value_N in components.items()}
        metrics["length_ratio"] = _mean_where(format_N, ratio_N)
        metrics |= self._style_metrics(similarity_N_K) | _plan_metrics(plan)
        components["format"] = format_N
        return Scored(rewards_P_G, metrics, components, rewards_P_G_M, self._shares(plan))

    def prefixes(self, sources: Sequence[str], texts: Sequence[str], scored: Scored) -> Tensor:
        """Of a beginning only how it pleases can be judged; all else is that of the whole row."""
        components = dict(scored.components)
        if self.pleased is not None:
            repeated = [source for source in sources for _ in range(len(texts) // len(sources))]
            components["satisfaction"] = self.pleased(repeated, [stripped(text) or "." for text in texts])
        return components["format"] * self._mean(components).clamp(min=0)

    def _mean(self, components: Mapping[str, Tensor]) -> Tensor:
        weighted = [weight * components[name] for name, weight in self.config.weights.items() if weight > 0]
        return sum(weighted, torch.zeros(()))

    def _plan(self, rng: random.Random) -> GroupPlan:
        shares = self.references.shares
        mode = rng.choices(list(shares), weights=list(shares.values()))[0]
        if rng.random() < self.config.untagged_share:
            return GroupPlan(mode, None, surviving(len(self.references.tags), self.config.dropout, rng))
        return GroupPlan(mode, mode, tuple(owner == mode for owner in self.references.tags))

    def _rivalry(self, similarity_N_K: Tensor, plan: Sequence[GroupPlan]) -> Tensor:
        """The price [N] of sounding like a mode that was not meant; 0 where no mode was told."""
        by_mode_N_M = self.references.by_mode(similarity_N_K)
        is_rival_P_M = torch.tensor(
            [[group.tag not in (None, tag) for tag in self.references.shares] for group in plan]
        )
        is_rival_N_M = is_rival_P_M.repeat_interleave(len(similarity_N_K) // len(plan), dim=0)
        return self.config.contrast * (by_mode_N_M * is_rival_N_M).amax(-1).clamp(min=0)

    def _crowding(self, similarity_N_K: Tensor, plan: Sequence[GroupPlan]) -> Tensor:
        """The price [N] of the mode that too many are nearest to: the log of its share of the batch's rows that were
        told none, over its share of the person's texts. Below 0 where too few are.
        """
        price_N = torch.zeros(len(similarity_N_K))
        is_told_P = torch.tensor([group.tag is not None for group in plan])
        is_free_N = ~is_told_P.repeat_interleave(len(price_N) // len(plan))
        if self.config.crowding == 0 or not is_free_N.any():
            return price_N
        own_M = torch.tensor(list(self.references.shares.values()))
        nearest_F = self.references.by_mode(similarity_N_K[is_free_N]).argmax(-1)
        # As if everybody's own distribution had been seen once more, or a share of 0 would be endless.
        seen_M = (nearest_F.bincount(minlength=len(own_M)) + own_M) / (len(nearest_F) + 1)
        price_N[is_free_N] = self.config.crowding * (seen_M / own_M).log()[nearest_F]
        return price_N

    def _shares(self, plan: Sequence[GroupPlan]) -> Tensor:
        kept_P_K = torch.tensor([group.kept_K for group in plan])
        kept_P_M = torch.stack(
            [(kept_P_K & self.references.of_mode(tag)).any(-1) for tag in self.references.shares], dim=-1
        )
        shares_P_M = kept_P_M * torch.tensor(list(self.references.shares.values()))
        return shares_P_M / shares_P_M.sum(-1, keepdim=True)

    def _style_metrics(self, similarity_N_K: Tensor) -> Metrics:
        """Mean and deviation across the batch of the similarity to each mode: whether one style is taking over."""
        metrics: Metrics = {}
        for tag, similarity_N in zip(self.references.shares, self.references.by_mode(similarity_N_K).T, strict=True):
            metrics[f"style.{tag}.mean"] = similarity_N.mean().item()
            metrics[f"style.{tag}.std"] = similarity_N.std(correction=0).item()
        return metrics


def surviving(references: int, rate: float, rng: random.Random) -> tuple[bool, ...]:
    """One dropout mask [K]: each reference is kept with 1 - rate, and a mask that keeps none is drawn again.

    With a single reference there is nothing to drop. `rate` is below 1.
    """
    if references == 1:
        return (True,)
    while True:
        kept_K = tuple(rng.random() >= rate for _ in range(references))
        if any(kept_K):
            return kept_K


def _plan_metrics(plan: Sequence[GroupPlan]) -> Metrics:
    untagged = [group for group in plan if group.tag is None]
    return {
        "told": 1 - len(untagged) / len(plan),
        "dropped": float(sum(not kept for group in untagged for kept in group.kept_K)),
        "droppable": float(len(plan[0].kept_K) > 1),
    }


def _mean_where(is_counted_N: Tensor, value_N: Tensor) -> float:
    """Mean over the well-formed rows: what the others score means nothing. 0 if there are none."""
    return ((value_N * is_counted_N).sum() / is_counted_N.sum().clamp(min=1)).item()
