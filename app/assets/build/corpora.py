"""The texts the shipped artefacts are built from: two openly licensed sets, read from `--data`, cleaned, never shipped.

GoEmotions (Demszky et al. 2020, CC BY 4.0) and the rated snippets of Hutto & Gilbert 2014 (MIT). Their placeholders for
people become names of many kinds, so that a rewriter learns to carry names over. Abusive texts are left out.
"""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.assets.build.messages import any_name
from app.learning.neutralise import EMOJI

_ABUSE = re.compile(
    r"\b(?:f+u+c+k\w*|shit\w*|bitch\w*|cunt\w*|dick\w*|pussy|asshole\w*|nigg\w*|fag\w*|whore\w*|slut\w*|rape\w*|retard\w*|"
    r"porn\w*|sex\w*|cock\w*|penis|vagina|nazi\w*|kill\w*|suicid\w*|cum|tits|motherf\w*|bastard\w*|hitler|terroris\w*)\b",
    re.IGNORECASE,
)
_RATED = ("nytEditorialSnippets", "amazonReviewSnippets", "movieReviewSnippets", "tweets")


@dataclass(frozen=True)
class Labelled:
    text: str
    labels: tuple[str, ...]


def rows(path: Path) -> Iterator[dict[str, object]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def goemotions(data: Path, split: str) -> list[Labelled]:
    return [
        Labelled(str(row["text"]), tuple(row["labels"]))  # type: ignore[arg-type]
        for row in rows(data / "goemotions" / f"{split}.jsonl")
    ]


def rated(data: Path) -> dict[str, list[tuple[str, float]]]:
    """Snippets with the mean of 20 human ratings, -4..4, per source."""
    return {
        name: [
            (tidy(str(r["text"])), float(str(r["rating"]))) for r in rows(data / "rated_sentiment" / f"{name}.jsonl")
        ]
        for name in _RATED
    }


def human_texts(data: Path, seed: int = 0, least: int = 4, most: int = 40) -> list[str]:
    """Everyday English as people wrote it, shuffled; `least` to `most` words."""
    rng = random.Random(seed)
    raw = [row.text for row in goemotions(data, "train")]
    raw += [text for name, texts in rated(data).items() for text, _ in texts]
    texts = {with_names(tidy(text), rng) for text in raw}
    kept = sorted(t for t in texts if least <= len(t.split()) <= most and _is_usable(t))
    rng.shuffle(kept)
    return kept


def tidy(text: str) -> str:
    text = text.replace("’", "'").replace("“", '"').replace("”", '"').replace("''", '"').replace("&amp;", "&")
    text = re.sub(r"\\n|&gt;|&lt;|\*+|\s+", " ", text)
    return re.sub(r"\s+([.,!?])", r"\1", text).strip()


def with_names(text: str, rng: random.Random) -> str:
    return re.sub(r"\[NAME\]", lambda _: any_name(rng), text)


def is_clean(text: str) -> bool:
    return not _ABUSE.search(text)


def _is_usable(text: str) -> bool:
    letters = EMOJI.sub("", text)
    return (
        "[" not in text
        and "http" not in text
        and "|" not in text
        and "@" not in text
        and "/" not in text
        and is_clean(text)
        and letters.isascii()
        and sum(c.isalpha() or c.isspace() for c in letters) > 0.85 * max(1, len(letters))
    )
