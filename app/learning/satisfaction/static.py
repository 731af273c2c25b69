"""The static scorer: how pleased does a free-form message sound? (ARF-RLHF, arXiv 2507.03069: an emotion analyser.)

Two opinions over one encoder. `emotions` names the emotion of any text, as GoEmotions does. `reply` reads what people
say about a text that was written for them, where "I would never say thrilled" is a complaint and bad weather is none:
P(displeased), P(neither), P(pleased); satisfaction = P(pleased) + P(neither) / 2, in [0, 1]. Both also look at the
words and marks themselves, as the encoder at hand takes most emoji for one unknown sign. The rows come from outside, so
this file knows no encoder.
"""

import re
import zlib
from collections.abc import Mapping, Sequence
from itertools import pairwise

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

PARTS, WIDTH, HIDDEN = 6, 384, 256
BUCKETS = 2**15
_PIECE = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+|([^\w\s])\1*")


def words(text: str) -> list[int]:
    """The buckets of the words in lower case, of runs of one mark, and of all neighbouring pairs of these."""
    found = [match.group().lower().replace("’", "'") for match in _PIECE.finditer(text)]
    pairs = [f"{a} {b}" for a, b in pairwise(["<", *found, ">"])]
    return [zlib.crc32(item.encode()) % BUCKETS for item in found + pairs]


class Opinion(nn.Module):
    """Rows [N, 6, 384] (pooled layers of an encoder) and `words` of the same N texts to log-odds [N, K]."""

    temperature: Tensor
    """Divides the log-odds; fitted on held-out texts so that the probabilities are calibrated."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(PARTS * WIDTH, HIDDEN)
        self.out = nn.Linear(HIDDEN, classes)
        self.lexicon = nn.EmbeddingBag(BUCKETS, classes, mode="sum")
        nn.init.zeros_(self.lexicon.weight)
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, rows_N_P_E: Tensor, words_N: Sequence[Sequence[int]]) -> Tensor:
        rows_N_X = F.dropout(F.layer_norm(rows_N_P_E, (WIDTH,)).flatten(1), 0.2, self.training)
        hidden_N_H = F.dropout(F.gelu(self.hidden(rows_N_X)), 0.2, self.training)
        log_odds: Tensor = (self.out(hidden_N_H) + self._said(words_N)) / self.temperature
        return log_odds

    def _said(self, words_N: Sequence[Sequence[int]]) -> Tensor:
        starts = [0]
        for row in words_N[:-1]:
            starts.append(starts[-1] + len(row))
        flat = torch.tensor([word for row in words_N for word in row], dtype=torch.long)
        said: Tensor = self.lexicon(flat, torch.tensor(starts))
        return said


class SatisfactionHead(nn.Module):
    def __init__(self, state: Mapping[str, Tensor] | None = None) -> None:
        super().__init__()
        self.emotions = Opinion(len(LABELS) + len(GROUPS))
        self.reply = Opinion(len(CLASSES))
        if state is not None:
            self.load_state_dict({name: tensor.float() for name, tensor in state.items()})
            self.eval()

    @torch.no_grad()
    def groups(self, rows_N_P_E: Tensor, words_N: Sequence[Sequence[int]]) -> Tensor:
        """P of each of GROUPS [N, 4]: of any text, what it expresses."""
        return group_probabilities(self.emotions(rows_N_P_E, words_N))

    @torch.no_grad()
    def moods(self, rows_N_P_E: Tensor, words_N: Sequence[Sequence[int]]) -> Tensor:
        """P(displeased), P(neither), P(pleased) [N, 3]: of a reply, what it says of the text it answers."""
        probabilities: Tensor = self.reply(rows_N_P_E, words_N).softmax(-1)
        return probabilities


def group_probabilities(log_odds_N_32: Tensor) -> Tensor:
    """Half by the groups' own log-odds, half by their labels' [N, 4]: two ways to learn the same beat either."""
    labels_N_28, groups_N_4 = log_odds_N_32.split([len(LABELS), len(GROUPS)], -1)  # type: ignore[no-untyped-call]
    parts = labels_N_28.softmax(-1).split([len(EMOTIONS[group]) for group in GROUPS], -1)
    summed_N_4 = torch.stack([part.sum(-1) for part in parts], -1)
    probabilities: Tensor = 0.5 * (groups_N_4.softmax(-1) + summed_N_4)
    return probabilities


def moods(groups_N_4: Tensor) -> Tensor:
    """Groups to classes [N, 3]: neutral and ambiguous are neither."""
    displeased_N, neutral_N, ambiguous_N, pleased_N = groups_N_4.unbind(-1)
    return torch.stack([displeased_N, neutral_N + ambiguous_N, pleased_N], -1)


def satisfaction(moods_N_3: Tensor) -> Tensor:
    """P(pleased) + P(neither) / 2 [N]."""
    return moods_N_3[:, 2] + 0.5 * moods_N_3[:, 1]
