"""The detector: from which length on can it tell a machine's text from a person's?"""

from app.assets.build.human import PAIRS_PER_SOURCE
from app.evaluation.artefacts.figures import Figure
from app.evaluation.detecting import BANDS, Pair, glanced, read, separation
from app.evaluation.plan import Plan
from app.evaluation.runner import Bench, Found
from app.evaluation.workshop import Workshop
from app.inference.detector import Calibration
from app.inference.places import CALIBRATION

MAY_REWARD = 0.85
VERDICTS = ("may reward", "metric only")
FEWEST_PAIRS = 10
"""Fewer decide nothing."""
QUICK_PAIRS = 12
"""Of each kind."""


def measure(shop: Workshop, plan: Plan, bench: Bench) -> Found:
    """AUROC per kind of text and length, on pairs that the shipped calibration was not fitted on."""
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
