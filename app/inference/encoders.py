"""The sentence-level models around the language model: style, meaning, entities, satisfaction.

Each function returns a plain callable as `app.learning.types` describes it, loaded once per process: the artefact that
ships, or what the settings put in its place (`IDIOLECT_STYLE_MODEL`, `_DETECTOR_MODEL`, `_SATISFACTION_MODEL`). The
voice encoder rewards; the evaluation encoder (character n-grams, another construction altogether) judges and is never a
reward.
"""

import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from app.config import PACKAGED, get_settings
from app.inference.places import ENTITIES, MEANING, SATISFACTION, STYLE, verified_folder
from app.inference.style import Packaged, halves
from app.learning.neutralise import EMOJI
from app.learning.satisfaction import reading, static
from app.learning.types import Encoder, EntityFinder

Scores = Callable[[Sequence[str]], Tensor]

NGRAM_DIMENSIONS = 8192
KEPT_ENTITIES = frozenset(
    ("PERSON", "GPE", "LOC", "ORG", "FAC", "DATE", "TIME", "MONEY", "CARDINAL", "PERCENT", "EVENT", "NORP")
)


def style_encoder() -> Encoder:
    """What a text sounds like, whatever it says; unit rows."""
    settings = get_settings()
    return _views(settings.style_model, settings.device)[0]


def voice_encoder() -> Encoder:
    """What rewards: the style encoder and the plain habits, half and half; unit rows.

    A trained encoder tells writers apart, for which one trait may do, and a policy that is paid by it learns that one:
    a dash made any line a warm friend's. The habits alone ask for as many as the person has.
    """
    settings = get_settings()
    return _views(settings.style_model, settings.device)[1]


@lru_cache
def _views(source: str, device: str) -> tuple[Encoder, Encoder]:
    """Style, and voice."""
    packaged = Packaged(STYLE)
    if source == PACKAGED:
        return packaged.style, packaged.voice
    from app.inference.replacements import sentence_encoder

    style = sentence_encoder(source, "IDIOLECT_STYLE_MODEL", device)
    return style, lambda texts: halves(style(texts), packaged.manners(texts))


@lru_cache
def evaluation_encoder() -> Encoder:
    """Hashed character n-grams (1 to 4) of the text, square-root weighted; unit rows.

    All emoji are one sign and all digits one digit. Words are not masked, so what a text is about counts as well.
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
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(verified_folder(MEANING) / "model"), device="cpu")

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

    verified_folder(ENTITIES)
    pipeline = spacy.load(ENTITIES, disable=["parser", "lemmatizer", "attribute_ruler"])

    def find(texts: Sequence[str]) -> list[frozenset[str]]:
        return [
            frozenset(filter(None, (_entity(span.text) for span in doc.ents if span.label_ in KEPT_ENTITIES)))
            for doc in pipeline.pipe(texts, batch_size=64)
        ]

    return find


def _entity(text: str) -> str:
    text = re.sub(r"^(?:the|a|an|this|next|last|every|about|around) ", "", text.strip().lower())
    return re.sub(r"'s$", "", text).strip(" .,;:!?\"'")


def group_reader() -> Scores:
    """Texts to P of each of the four groups of emotions [N, 4]: `app.learning.satisfaction.static.GROUPS`."""
    settings = get_settings()
    return _moods(settings.satisfaction_model, settings.device)[0]


def mood_reader() -> Scores:
    """Free-form feedback to P(displeased), P(neither), P(pleased) [N, 3]."""
    settings = get_settings()
    return _moods(settings.satisfaction_model, settings.device)[1]


@lru_cache
def _moods(source: str, device: str) -> tuple[Scores, Scores]:
    """Texts to groups, and replies to moods. A classifier of emotions has no opinion of its own on replies."""
    if source == PACKAGED:
        from app.inference.moods import PackagedMoods

        shipped = PackagedMoods(SATISFACTION)
        return shipped.groups, shipped.moods
    from app.inference.replacements import emotion_classifier

    groups = emotion_classifier(source, "IDIOLECT_SATISFACTION_MODEL", device)
    return groups, lambda texts: static.moods(groups(texts))


def satisfaction_scorer() -> Scores:
    """Free-form feedback to satisfaction [N] in [0, 1], as the server reads a reply; .5 = neither, or not read.

    Emoji alone by a table, English by the moods of all replies at once, orders to the machine and anything else not at
    all.
    """
    moods = mood_reader()

    def score(texts: Sequence[str]) -> Tensor:
        parts = sorted({part for text in texts for part in reading.pieces(text)})
        known = dict(zip(parts, moods(parts), strict=True))
        replies = [reading.read(text, lambda own: torch.stack([known[part] for part in own])) for text in texts]
        return torch.tensor([reply.value for reply in replies])

    return score


def human_scorer() -> Scores:
    """Texts to P(human) [N] in [0, 1]. The packaged one says little of texts below 64 tokens: see its card."""
    settings = get_settings()
    return _human_scorer(settings.detector_model, settings.device)


@lru_cache
def _human_scorer(source: str, device: str) -> Scores:
    if source == PACKAGED:
        from app.inference.detector import packaged_detector

        return packaged_detector(get_settings())
    from app.inference.replacements import desklib_detector

    return desklib_detector(source, "IDIOLECT_DETECTOR_MODEL", device)


def centred(encoder: Encoder, neutral_texts: Sequence[str]) -> Encoder:
    """`encoder` seen from plain text: rows become directions of departure from the mean of `neutral_texts`.

    Without this all texts share a large common part, and a careful voice is hardly told from no voice at all.
    """
    origin_D = encoder(list(neutral_texts)).mean(0)

    def encode(texts: Sequence[str]) -> Tensor:
        return F.normalize(encoder(texts) - origin_D, dim=-1)

    return encode
