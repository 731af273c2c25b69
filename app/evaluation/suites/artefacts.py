"""Do the shipped artefacts deserve trust? Every bar that they were built for, measured anew, passed or failed."""

from collections.abc import Callable

from app.evaluation.artefacts import detector, satisfaction, style, warmup
from app.evaluation.artefacts.figures import Figure, plot, table
from app.evaluation.plan import Plan
from app.evaluation.report import Report, Shown
from app.evaluation.runner import Arm, Bench, Found, Results
from app.evaluation.workshop import Workshop

Measure = Callable[[Workshop, Plan, Bench], Found]

DATA = ("stel", "goemotions", "rated_sentiment", "machine_text")
MEASURES: dict[str, Measure] = {
    "style encoder": style.measure,
    "satisfaction scorer": satisfaction.measure,
    "warm-up rewriter": warmup.measure,
    "detector": detector.measure,
}
NOTES = {
    "style encoder": (
        "STEL: is style ordered when content is held equal? STEL-or-Content: does style win over content? Chance is .5 "
        "for the first; an encoder of content scores near 0 on the second.",
        "A mark: plain prompts with nothing but the mark added, on the scale that pays (0 plain, 1 the voice).",
    ),
    "satisfaction scorer": (
        "The temperature was fitted on the same development texts, so the calibration error is a flattering one.",
    ),
    "warm-up rewriter": ("Texts it never saw: written for this project, in no corpus it was trained on.",),
    "detector": (
        "The bar says where the detector may be a reward. Where it fails it is shown as a metric, and its weight is 0.",
        "It is the policy's own base, so it never judges alone.",
    ),
}


def arms(shop: Workshop, plan: Plan) -> list[Arm]:
    plan.data_folder(*DATA)

    def arm(name: str, measure: Measure) -> Arm:
        return Arm(name, lambda bench: measure(shop, plan, bench))

    return [arm(name, measure) for name, measure in MEASURES.items()]


def report(shop: Workshop, plan: Plan, results: Results) -> Report:
    tables, plots, texts, passed, barred = [], [], list[Shown](), 0, 0
    for name in results.names():
        [result] = results.of(name)
        figures = [Figure.of(found) for found in result.found["figures"]]
        tables.append(table(name.capitalize(), figures, NOTES[name]))
        plots.append(plot(name, figures))
        owed = [figure for figure in figures if figure.is_owed]
        barred += len(owed)
        passed += sum(figure.passed is True for figure in owed)
        texts += [Shown(name, source, {"written": text}) for source, text in result.found.get("texts", [])]
    about = [
        f"{passed} of {barred} bars are reached. Development figures: whoever built the artefacts could look at these "
        "parts of the sets, so expect less on fresh ones. Intervals are a 95 % bootstrap over texts or tasks.",
        f"Base: {shop.card.name} ({shop.card.parameters / 1e6:.0f} million parameters).",
        *plan.about(),
    ]
    return Report("The shipped artefacts against their bars", about, tables, plots, texts)
