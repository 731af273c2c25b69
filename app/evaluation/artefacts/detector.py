"""The detector: from which length on can it tell a machine's text from a person's?"""

from collections.abc import Callable, Sequence

from torch import Tensor

from app.assets.build.human import PAIRS_PER_SOURCE
from app.config import PACKAGED
from app.evaluation.artefacts.figures import Figure
from app.evaluation.detecting import BANDS, Pair, Written, glanced, read, separation
from app.evaluation.measures.classifying import auroc
from app.evaluation.plan import Plan
from app.evaluation.runner import Bench, Found
from app.evaluation.workshop import Workshop
from app.inference.detector import Calibration
from app.inference.encoders import human_scorer
from app.inference.places import CALIBRATION

MAY_REWARD = 0.85
VERDICTS = ("may reward", "metric only")
FEWEST_PAIRS = 10
"""Fewer decide nothing."""
QUICK_PAIRS = 12
"""Of each kind."""
WORD_BANDS = (20, 40, 80)
"""Words of a text that a detector of the operator's reads; passages that are rewarded have up to 40."""


def measure(shop: Workshop, plan: Plan, bench: Bench) -> Found:
    """AUROC per kind of text and length, on pairs that the shipped calibration was not fitted on.

    Of the detector that ships, and of the one that the settings name in its place.
    """
    texts = read(plan.data_folder("machine_text") / "machine_text")
    kinds = sorted({text.kind for text in texts})
    calibration = Calibration.load(CALIBRATION)
    figures = []
    for place, kind in enumerate(kinds):
        own = [text for text in texts if text.kind == kind][PAIRS_PER_SOURCE:]
        own = own[: QUICK_PAIRS if plan.is_quick else None]

        def watch(share: float, place: int = place, kind: str = kind) -> None:
            bench.watch(kind, (place + share) / len(kinds))

        figures += _bands(kind, glanced(shop.chat.model, shop.chat.tokens, own, watch), calibration)
        if shop.settings.detector_model != PACKAGED:
            figures += by_words(kind, own, human_scorer(), shop.settings.detector_model)
    return {"figures": [figure.found() for figure in figures]}


def _bands(kind: str, pairs: list[Pair], calibration: Calibration) -> list[Figure]:
    found = []
    for tokens in BANDS:
        scores = separation(pairs, calibration, tokens)
        if scores.pairs:
            name = f"{kind}, {tokens} tokens ({scores.pairs} pairs): AUROC"
            anchor = f"likelihood alone {scores.likelihood:.2f}, Fast-DetectGPT {scores.curvature:.2f}"
            least = MAY_REWARD if scores.pairs >= FEWEST_PAIRS else None
            found.append(Figure(name, [scores.shipped], least=least, anchor=anchor, verdicts=VERDICTS))
    return found


def by_words(kind: str, texts: Sequence[Written], score: Callable[[Sequence[str]], Tensor], name: str) -> list[Figure]:
    """Of any detector: how well it tells the beginnings of both sides apart, where both are long enough."""
    found = []
    for words in WORD_BANDS:
        sides = [[text.human.split()[:words], text.machine.split()[:words]] for text in texts]
        pairs = [[" ".join(side) for side in pair] for pair in sides if min(map(len, pair)) == words]
        if not pairs:
            continue
        human_N, machine_N = (score([pair[side] for pair in pairs]) for side in (0, 1))
        label = f"{kind}, {words} words ({len(pairs)} pairs), {name}: AUROC"
        least = MAY_REWARD if len(pairs) >= FEWEST_PAIRS else None
        found.append(Figure(label, [auroc(human_N.tolist(), machine_N.tolist())], least=least, verdicts=VERDICTS))
    return found
