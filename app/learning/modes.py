"""Which voices does a person have? Their own labels win; without labels, clusters of style, if they are distinct.

Most people have one voice as far as 40 samples can tell, so one is the answer unless clusters are clearly apart. The
clustering is k-means on the style encoder's unit rows, at most four clusters, judged by their silhouette. A good
silhouette alone is not enough: any habit that comes and goes (a question, an emoji at the end) cuts one voice neatly
in two. Clusters are voices only if each, on the other's calibrated scale, is nearer to plain text than to that voice.

_N sample, _D embedding, _K mode.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from app.learning.rewards.style import FEWEST_TEXTS, Calibration, centroid, left_out_similarity
from app.learning.seeding import derive
from app.learning.tags import tag_of
from app.learning.types import Encoder, Mode

MOST_MODES = 4
FEWEST_CLUSTERED = 6
"""Texts of a mode that nobody has named: a cluster, or what is left over beside the named ones."""
DISTINCT = 0.2
"""Silhouette above which clusters may be voices."""
STRANGE = 0.5
"""Calibrated similarity (0 plain, 1 the voice itself) below which a cluster does not speak with another's voice."""
OTHER = "other"

_RESTARTS = 8
_ROUNDS = 50


@dataclass(frozen=True)
class Clusters:
    assignment_N: Tensor
    silhouette: float


def named_voices(contexts: Sequence[str | None]) -> list[str]:
    """The tags of those contexts that have texts enough to be voices, largest first, at most four."""
    sizes = Counter(tag_of(context or "") for context in contexts)
    return [tag for tag, size in sizes.most_common() if tag and size >= FEWEST_TEXTS][:MOST_MODES]


def find_modes(
    texts: Sequence[str],
    contexts: Sequence[str | None],
    encoder: Encoder,
    *,
    neutral_texts: Sequence[str],
    seed: int = 0,
) -> list[Mode]:
    """The person's 1..4 modes, largest first; every text is in exactly one.

    A context with 4 texts or more is a mode (the four largest, if there are more). What is left joins the nearest one,
    or forms the mode `other` if it is at least 6 texts. With no such context the texts are clustered into `voice 1`,
    `voice 2`, ... Raises ValueError without texts, or without neutral texts to tell voices from.
    """
    if not texts or not neutral_texts:
        raise ValueError("there is no text to find a voice in, or no neutral text to tell it from")
    rows_N_D = encoder(list(texts))
    tags = _by_context(contexts, rows_N_D) or _by_cluster(rows_N_D, encoder(list(neutral_texts)), seed)
    sizes = {tag: tags.count(tag) for tag in dict.fromkeys(tags)}
    return [
        Mode(tag, size / len(texts), [text for text, owner in zip(texts, tags, strict=True) if owner == tag])
        for tag, size in sorted(sizes.items(), key=lambda item: -item[1])
    ]


def _by_context(contexts: Sequence[str | None], rows_N_D: Tensor) -> list[str]:
    """Each sample's tag; empty if no context has enough samples."""
    tags = [tag_of(context or "") for context in contexts]
    named = named_voices(contexts)
    left = [i for i, tag in enumerate(tags) if tag not in named]
    if not named or not left:
        return tags if named else []
    if len(left) >= FEWEST_CLUSTERED and len(named) < MOST_MODES and OTHER not in named:
        joined = [OTHER] * len(left)
    else:
        centroids_K_D = torch.stack([centroid(rows_N_D[[t == tag for t in tags]]) for tag in named])
        joined = [named[k] for k in (rows_N_D[left] @ centroids_K_D.T).argmax(-1).tolist()]
    for i, tag in zip(left, joined, strict=True):
        tags[i] = tag
    return tags


def _by_cluster(rows_N_D: Tensor, neutral_M_D: Tensor, seed: int) -> list[str]:
    assignment_N = torch.zeros(len(rows_N_D), dtype=torch.long)
    best = DISTINCT
    for k in range(2, min(MOST_MODES, len(rows_N_D) // FEWEST_CLUSTERED) + 1):
        found = cluster(rows_N_D, k, seed)
        is_large_enough = found.assignment_N.bincount(minlength=k).min() >= FEWEST_CLUSTERED
        if found.silhouette > best and is_large_enough and _are_strangers(rows_N_D, found.assignment_N, neutral_M_D):
            assignment_N, best = found.assignment_N, found.silhouette
    labels = assignment_N.tolist()
    ranked = sorted(dict.fromkeys(labels), key=lambda label: -labels.count(label))
    return [f"voice {ranked.index(label) + 1}" for label in labels]


def _are_strangers(rows_N_D: Tensor, assignment_N: Tensor, neutral_M_D: Tensor) -> bool:
    """Whether every cluster's texts are, on average, less than half way from plain text to each other cluster's."""
    clusters = [rows_N_D[assignment_N == k] for k in range(int(assignment_N.max()) + 1)]
    centroids_K_D = torch.stack([centroid(rows) for rows in clusters])
    calibrate = Calibration(
        neutral_K=(neutral_M_D @ centroids_K_D.T).mean(0),
        self_K=torch.stack([left_out_similarity(rows).mean() for rows in clusters]),
    )
    cross_K_K = torch.stack([calibrate(rows @ centroids_K_D.T).mean(0) for rows in clusters])
    return bool((cross_K_K.fill_diagonal_(0) < STRANGE).all())


def cluster(rows_N_D: Tensor, k: int, seed: int) -> Clusters:
    """K-means: the tightest of several seeded starts (k-means++), with its silhouette."""
    random = torch.Generator().manual_seed(derive(seed, "cluster", k))
    tightest, best_N = float("inf"), torch.zeros(len(rows_N_D), dtype=torch.long)
    for _ in range(_RESTARTS):
        centres_K_D = _spread(rows_N_D, k, random)
        for _ in range(_ROUNDS):
            assignment_N = _distances(rows_N_D, centres_K_D).argmin(-1)
            moved_K_D = torch.stack(
                [rows_N_D[assignment_N == j].mean(0) if (assignment_N == j).any() else centres_K_D[j] for j in range(k)]
            )
            if torch.equal(moved_K_D, centres_K_D):
                break
            centres_K_D = moved_K_D
        inertia = (rows_N_D - centres_K_D[assignment_N]).square().sum().item()
        if inertia < tightest:
            tightest, best_N = inertia, assignment_N
    return Clusters(best_N, silhouette(rows_N_D, best_N))


def silhouette(rows_N_D: Tensor, assignment_N: Tensor) -> float:
    """Mean over texts of (b - a) / max(a, b): a the mean distance to its own cluster, b to the nearest other one.

    In [-1, 1]; a text alone in its cluster counts 0, and so does everything if there is one cluster only.
    """
    labels = torch.tensor(sorted(set(assignment_N.tolist())))
    if len(labels) < 2:
        return 0.0
    distance_N_N = _distances(rows_N_D, rows_N_D)
    member_N_K = (assignment_N.unsqueeze(-1) == labels).float()
    size_K = member_N_K.sum(0)
    total_N_K = distance_N_N @ member_N_K
    own_size_N = (member_N_K * size_K).sum(-1)
    a_N = (total_N_K * member_N_K).sum(-1) / (own_size_N - 1).clamp(min=1)
    b_N = (total_N_K / size_K).masked_fill(member_N_K.bool(), torch.inf).amin(-1)
    score_N = (b_N - a_N) / torch.maximum(a_N, b_N).clamp(min=1e-12)
    return float(score_N.masked_fill(own_size_N < 2, 0.0).mean())


def _spread(rows_N_D: Tensor, k: int, random: torch.Generator) -> Tensor:
    """k-means++: the first centre by chance, each next one with probability by its squared distance to those chosen."""
    chosen = [int(torch.randint(len(rows_N_D), (1,), generator=random))]
    while len(chosen) < k:
        squared_N = _distances(rows_N_D, rows_N_D[chosen]).amin(-1).square()
        weights_N = squared_N if squared_N.sum() > 0 else torch.ones_like(squared_N)
        chosen.append(int(torch.multinomial(weights_N, 1, generator=random)))
    return rows_N_D[chosen].clone()


def _distances(left_N_D: Tensor, right_M_D: Tensor) -> Tensor:
    """Euclidean [N, M], without the matrix-product shortcut that puts equal rows a little apart."""
    return torch.cdist(left_N_D, right_M_D, compute_mode="donot_use_mm_for_euclid_dist")
