"""Does reward dropout keep every voice? Prompts, imitation, the article's recipe and ours, with and without dropout.

The table of Roman S, "The Right Approach to Personalize LLM Style" (his Figures 3 and 4), with more columns and rows.
"""

from dataclasses import replace

from app.evaluation.arms import FORMER, ITERATIVE, MAIN, MORE_OF_FORMER, NEAREST, WAYS, Training, further
from app.evaluation.measuring import own_shares
from app.evaluation.plan import Plan
from app.evaluation.report import Report
from app.evaluation.runner import Arm, Results
from app.evaluation.subjects import Subject, three_styles, two_voices
from app.evaluation.voice_tables import VoiceTables, distribution_plot
from app.evaluation.voicing import BEST_PAID, FEW_SHOT, LARGER_MODEL, PROMPTED, SERVED, Scribe
from app.evaluation.workshop import Workshop

QUICK_INPUTS = 4


def subjects(plan: Plan) -> list[Subject]:
    """Two people of several voices; a quick run takes the second only."""
    people = [three_styles(), two_voices()]
    if plan.is_quick:
        people = [replace(p, inputs=p.inputs[:QUICK_INPUTS], larger_model=()) for p in people[1:]]
    return people[: plan.people]


def trainings(plan: Plan) -> tuple[Training, ...]:
    return tuple(t for t in MAIN if not plan.is_quick or t.recipe in ("sft", "voice"))


def arms(shop: Workshop, plan: Plan) -> list[Arm]:
    """Prompts first: wins are counted against one of them."""
    people = [Scribe(shop, subject, plan.adapters, plan.is_quick) for subject in subjects(plan)]
    found: list[Arm] = []
    for scribe in people:
        found += [scribe.prompted(name) for name in ([FEW_SHOT] if plan.is_quick else PROMPTED)]
        found.append(scribe.input())
        if scribe.subject.larger_model:
            found.append(scribe.larger_model())
    for seed in range(plan.seeds):
        for scribe in people:
            found += [scribe.trained(training, seed) for training in trainings(plan)]
            found.append(scribe.served(MAIN[-1], seed))
    if not plan.is_quick:
        repeated = (FORMER, ITERATIVE)
        found += [scribe.trained(way, seed) for way in repeated for seed in range(plan.seeds) for scribe in people]
        found += [people[0].trained(NEAREST, seed) for seed in range(plan.seeds)]
        # With one seed each; the ways to keep voices where there are most of them.
        found += [scribe.best_paid(MAIN[-1], 0) for scribe in people]
        found += [people[0].trained(training, 0) for training in (*WAYS, *MORE_OF_FORMER) if training is not NEAREST]
        found += [people[-1].trained(training, 0) for training in further()]
    return found


def report(shop: Workshop, plan: Plan, results: Results) -> Report:
    begun = [subject for subject in subjects(plan) if results.names(subject.name)]
    people = [VoiceTables(subject, results, own_shares(subject), shop.judge.name) for subject in begun]
    about = [
        f"Base: {shop.card.name} ({shop.card.parameters / 1e6:.0f} million parameters). Trainings are asked for with "
        f"{plan.seeds} seeds; a column says how many ran, and rows with one claim no difference. Figures are "
        "means with 95 % intervals of a bootstrap over seeds and inputs.",
        *shop.roles(),
        f"'{SERVED.removeprefix(', ')}' takes the candidate that the engine would answer with; "
        f"'{BEST_PAID.removeprefix(', ')}' the one that the reward's encoder finds most like the voice, among those "
        "that say everything: what practice can choose from. Every other row writes each text once at temperature .4.",
        f"'{LARGER_MODEL}' is no contestant: a far larger language model wrote these texts once, told their voices, "
        "with the person's samples before it, and nothing was changed after they were scored. It shows what the "
        "measures give to a good rewrite, so what can be reached.",
        "Told a voice (each as often as the person uses it, the same for all): rows whose training teaches tags. The "
        "others are told nothing.",
        "The article's reward has a term for reading like a person. Here it has none, in any row: on such short texts "
        "the packaged detector is not good enough to pay by (its bar is in the report on the artefacts).",
        *plan.about(),
        *(f"Could not be run: {failure}" for failure in results.failures),
    ]
    ladder = [training.name for training in trainings(plan)]
    return Report(
        "Reward dropout: does every voice survive?",
        about,
        [table for tables in people for table in tables.all()],
        [*(tables.deviation_curves(ladder) for tables in people), distribution_plot(people)],
        [shown for tables in people for shown in tables.texts()],
        {"asked": plan.asked(shop.card.digest, judge=shop.judge.about), "seeds": plan.seeds},
    )
