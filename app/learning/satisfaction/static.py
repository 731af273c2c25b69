"""The static scorer: how pleased does a free-form message sound? (ARF-RLHF, arXiv 2507.03069: an emotion analyser.)

Three classes (displeased, neither, pleased) over sentence embeddings; satisfaction = P(pleased) + P(neither) / 2, in
[0, 1]. The head is a small two-layer network; the embeddings come from outside, so this file knows no encoder.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = ("displeased", "neither", "pleased")
GROUPS = ("displeased", "neutral", "ambiguous", "pleased")
EMOTIONS = {
    "displeased": tuple(
        "anger annoyance disappointment disapproval disgust embarrassment fear grief nervousness remorse "
        "sadness".split()
    ),
    "neutral": ("neutral",),
    "ambiguous": tuple("confusion curiosity realization surprise".split()),
    "pleased": tuple(
        "admiration amusement approval caring desire excitement gratitude joy love optimism pride relief".split()
    ),
}
"""GoEmotions' 28 labels by their authors' grouping (Demszky et al. 2020); the neutral label is a group of its own."""
LABELS = tuple(label for group in GROUPS for label in EMOTIONS[group])
HIDDEN = 128


class SatisfactionHead(nn.Module):
    """Embeddings [N, D] to class log-odds [N, 3]."""

    def __init__(self, state: Mapping[str, Tensor] | None = None, dimensions: int = 384) -> None:
        super().__init__()
        self.hidden = nn.Linear(dimensions, HIDDEN)
        self.out = nn.Linear(HIDDEN, len(CLASSES))
        self.register_buffer("temperature", torch.ones(()))
        if state is not None:
            self.load_state_dict(dict(state))
            self.eval()

    temperature: Tensor
    """Divides the log-odds; fitted on held-out texts so that the probabilities are calibrated."""

    def forward(self, embeddings_N_D: Tensor) -> Tensor:
        hidden = F.dropout(F.gelu(self.hidden(embeddings_N_D)), 0.3, self.training)
        log_odds: Tensor = self.out(hidden) / self.temperature
        return log_odds

    @torch.no_grad()
    def moods(self, embeddings_N_D: Tensor) -> Tensor:
        """P(displeased), P(neither), P(pleased) [N, 3]."""
        probabilities: Tensor = self(embeddings_N_D).softmax(-1)
        return probabilities


def moods(groups_N_4: Tensor) -> Tensor:
    """Groups to classes [N, 3]: neutral and ambiguous are neither."""
    displeased_N, neutral_N, ambiguous_N, pleased_N = groups_N_4.unbind(-1)
    return torch.stack([displeased_N, neutral_N + ambiguous_N, pleased_N], -1)


def satisfaction(moods_N_3: Tensor) -> Tensor:
    """P(pleased) + P(neither) / 2 [N]."""
    return moods_N_3[:, 2] + 0.5 * moods_N_3[:, 1]
