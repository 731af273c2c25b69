"""What a learned scorer pays for, where nothing but one simulated person's pleasure counts."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from app.inference.encoders import meaning_encoder
from app.inference.faithful import loops
from app.learning.neutralise import neutralise
from app.learning.rewards import meaning
from app.learning.rewards.compose import GroupPlan, Scored
from app.learning.rewards.format import stripped, well_formed
from app.learning.satisfaction.arf import ArfScorer
from app.learning.satisfaction.features import PairFeatures
from app.learning.types import Rollouts


@dataclass(frozen=True)
class Score:
    """What a learned scorer pays, in the shape of a reward: no style, no voices, only how pleased they would be."""

    scorer: ArfScorer
    features: PairFeatures

    def plan(self, seed: int, step: int, groups: int) -> list[GroupPlan]:
        return [GroupPlan("", None, (True,))] * groups

    def score(self, sources: Sequence[str], rollouts: Rollouts, plan: Sequence[GroupPlan]) -> Scored:
        """Format times the score, with meaning as a floor: pleasing words that say something else, or the
        same over and over, earn nothing.
        """
        group_size = len(rollouts.texts) // len(plan)
        repeated = [source for source in sources for _ in range(group_size)]
        texts = [stripped(text) or "." for text in rollouts.texts]
        pleased_N = self.pleased(repeated, texts)
        format_N = well_formed(rollouts.texts, rollouts.is_finished, repeated)
        kept_N = meaning.similarity(meaning_encoder(), neutralise, repeated, texts)
        sound_N = torch.tensor([float(not loops(a, b)) for a, b in zip(repeated, texts, strict=True)])
        floor_N = (kept_N / meaning.DIFFERENT).clamp(0, 1) * sound_N
        rewards_P_G = (format_N * floor_N * pleased_N).view(len(plan), group_size)
        metrics = {
            "reward": rewards_P_G.mean().item(),
            "format": format_N.mean().item(),
            "satisfaction": pleased_N.mean().item(),
            "meaning": kept_N.mean().item(),
        }
        components = {"satisfaction": pleased_N, "meaning": kept_N, "allowed": format_N * floor_N}
        return Scored(rewards_P_G, metrics, components, rewards_P_G.unsqueeze(-1), torch.ones(len(plan), 1))

    def prefixes(self, sources: Sequence[str], texts: Sequence[str], scored: Scored) -> torch.Tensor:
        """How pleasing a beginning is, under the floor of the whole row."""
        repeated = [source for source in sources for _ in range(len(texts) // len(sources))]
        return scored.components["allowed"] * self.pleased(repeated, [stripped(text) or "." for text in texts])

    def pleased(self, sources: Sequence[str], texts: Sequence[str]) -> torch.Tensor:
        return self.scorer.satisfaction(self.features(sources, texts))
