"""The warm-up rewriter: does the bare base rewrite, in the agreed form, and keep what was said?"""

from app.assets.neutral import neutral_prompts
from app.demo.people import unseen
from app.evaluation.artefacts.figures import Figure
from app.evaluation.plan import Plan
from app.evaluation.runner import Bench, Found
from app.evaluation.subjects import spread
from app.evaluation.workshop import Workshop
from app.evaluation.writing import rewrite
from app.inference.encoders import entity_finder, meaning_encoder
from app.learning.copying import is_copy, is_surface
from app.learning.neutralise import neutralise
from app.learning.rewards import entities, length, meaning

TEMPERATURE = 0.7
FORMAT_BAR, MEANING_BAR, ENTITIES_BAR, COPIES_BAR = 0.99, 0.85, 0.90, 0.20
TEXTS, QUICK_TEXTS = 128, 32
SEED = 5


def measure(shop: Workshop, plan: Plan, bench: Bench) -> Found:
    """On texts in no corpus that it was trained on: the demo's unseen ones and the plain prompts."""
    texts = [*unseen(quick=False), *neutral_prompts()]
    texts = spread(texts, QUICK_TEXTS if plan.is_quick else TEXTS)
    written = rewrite(
        shop.policy(),
        texts,
        [None] * len(texts),
        passage_words=shop.card.passage_words,
        seed=SEED,
        temperature=TEMPERATURE,
        each=lambda share: bench.watch("write", 0.9 * share),
    )
    outputs = written.texts
    pairs = list(zip(texts, outputs, strict=True))
    kept = [share for share in entities.recall(entity_finder(), texts, outputs).tolist() if share == share]
    figures = [
        Figure(f"format ({len(texts)} texts at temperature {TEMPERATURE})", written.well_formed, least=FORMAT_BAR),
        Figure(
            "meaning kept",
            meaning.similarity(meaning_encoder(), neutralise, texts, outputs).tolist(),
            least=MEANING_BAR,
        ),
        Figure(f"entities kept ({len(kept)} texts name some)", kept, least=ENTITIES_BAR),
        Figure("copies", [float(is_copy(*pair)) for pair in pairs], most=COPIES_BAR),
        Figure("surface only", [float(is_surface(*pair)) for pair in pairs]),
        Figure("words per word", length.ratios(texts, outputs).tolist()),
    ]
    return {"figures": [figure.found() for figure in figures], "texts": pairs}
