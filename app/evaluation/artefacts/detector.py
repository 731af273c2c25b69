"""The detector: from which length on can the base model tell a machine's text from a person's?"""

from app.evaluation.artefacts.figures import Figure
from app.evaluation.detecting import BANDS, Trail, read, separation, trails
from app.evaluation.plan import Plan
from app.evaluation.runner import Bench, Found
from app.evaluation.workshop import Workshop

MAY_REWARD = 0.85
VERDICTS = ("may reward", "metric only")
QUICK_PAIRS = 12
"""Of each kind."""


def measure(shop: Workshop, plan: Plan, bench: Bench) -> Found:
    """AUROC per kind of text and length; a bar nobody has to reach: below it the detector is a metric and no reward."""
    texts = read(plan.data_folder("machine_text") / "machine_text")
    kinds = sorted({text.kind for text in texts})
    figures = []
    for place, kind in enumerate(kinds):
        own = [text for text in texts if text.kind == kind]
        if plan.is_quick:
            own = own[:QUICK_PAIRS]

        def watch(share: float, place: int = place, kind: str = kind) -> None:
            bench.watch(kind, (place + share) / len(kinds))

        both = trails(shop.model, shop.tokens, [t.human for t in own] + [t.machine for t in own], watch)
        figures += _bands(kind, both[: len(own)], both[len(own) :])
    return {"figures": [figure.found() for figure in figures]}


def _bands(kind: str, human: list[Trail], machine: list[Trail]) -> list[Figure]:
    found = []
    for tokens in BANDS:
        likelihood, curvature, pairs = separation(human, machine, tokens)
        if pairs:
            anchor = f"Fast-DetectGPT on the same: {curvature:.2f}"
            name = f"{kind}, first {tokens} tokens ({pairs} pairs): AUROC of the likelihood"
            found.append(Figure(name, [likelihood], least=MAY_REWARD, anchor=anchor, verdicts=VERDICTS))
    return found
