"""Does it listen? Simulated people with a hidden utility react in free words, and change their mind half-way.

First the scorer: how well is the hidden utility read from replies, followed over time, and found again after the
change; which part of ARF matters (an arm each without it). Then fine-tuning: what is the hidden utility of what a
policy writes after it was trained on the learned score, by every algorithm there is, with the same samples and steps?
From the bare base, and from one that has imitated many styles and so has something to choose from.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, replace

from app.assets.neutral import neutral_prompts
from app.evaluation.figures import Curves
from app.evaluation.finetuning import ALGORITHMS, BARE, TRACE_BIAS, TRIALS, VARIED_STEPS, Task, finetune
from app.evaluation.measures.classifying import pearson
from app.evaluation.plan import Plan
from app.evaluation.report import Report, Shown
from app.evaluation.runner import Arm, Bench, Found, Results
from app.evaluation.tables import Cell, Table
from app.evaluation.workshop import Workshop
from app.inference.encoders import meaning_encoder, mood_reader
from app.inference.stylometry import features
from app.learning.bootstrap import Interval, interval
from app.learning.satisfaction.ablation import REPLIES, run_arm
from app.learning.satisfaction.ablation import arms as ablations
from app.learning.satisfaction.arf import ArfConfig
from app.learning.satisfaction.features import PairFeatures, pair_features
from app.learning.satisfaction.reading import read
from app.learning.satisfaction.simulated import SimulatedPerson, variants
from app.learning.seeding import generator

FIRST_PERSON = 7_000
"""Far from the people on whom the scorer's defaults were chosen."""
PEOPLE_PER_SEED, QUICK_REPLIES, QUICK_PROMPTS, QUICK_STEPS = 4, 48, 24, 2
READ_REPLIES = 400
SCORER, LISTENING, WRITING, VARIED = "static scorer", "listening: ", "writing: ", "writing from many styles: "
TITLES = {WRITING: "Writing", VARIED: "Writing from many styles"}
IMITATED = (
    "Before any of these, the base imitated texts in random styles, the same for all. The bare base rewrites a plain "
    "text as it is, time after time: where samples are alike, so are their rewards, and there is nothing to learn."
)
FOUND_AGAIN = 0.5
_WRITTEN = ("utility", "score", "meaning", "format", "samples", "updates")
LEVEL = 0.95
CLEAR = 0.08
"""A utility nearer to .5 than this is no opinion that a reply could be read wrongly about."""


def arms(shop: Workshop, plan: Plan) -> list[Arm]:
    described = pair_features(meaning_encoder(), features)
    people = range(FIRST_PERSON, FIRST_PERSON + (1 if plan.is_quick else plan.seeds * PEOPLE_PER_SEED))
    found = [Arm(SCORER, lambda bench, person=person: _reading(plan, person), seed=person) for person in people]  # type: ignore[misc]
    for name, config in ablations().items():
        found += [_listening(name, config, described, plan, person) for person in people]
    for name in (BARE, *ALGORITHMS):
        for seed in range(plan.seeds):
            found.append(_writing(WRITING, shop, plan, name, FIRST_PERSON + seed, described))
    for name in (BARE, TRACE_BIAS) if plan.is_quick else (BARE, *ALGORITHMS):
        for seed in range(plan.seeds):
            found.append(_writing(VARIED, shop, plan, name, FIRST_PERSON + seed, described))
    if not plan.is_quick:
        found += [_writing(VARIED, shop, plan, name, FIRST_PERSON, described) for name in TRIALS]
    return found


def report(shop: Workshop, plan: Plan, results: Results) -> Report:
    about = [
        "Simulated people: each likes or dislikes three of six habits (length, warmth, formality, exclaiming, emoji, "
        "abbreviating), replies in words written for this purpose (15 % off topic, half of the rest about one habit, "
        "often indirectly), and after half of the replies likes what they disliked. Their utility counts habits with "
        "counters of its own, never with what the scorer sees. They are far simpler than people.",
        f"Base: {shop.card.name} ({shop.card.parameters / 1e6:.0f} million parameters). Seeds asked for: {plan.seeds}; "
        f"{PEOPLE_PER_SEED} people a seed for listening, one for writing. Intervals are a 95 % bootstrap over people.",
        "Rewards: the learned scorer on counted habits and sentence embeddings, and format. Judges: the hidden "
        "utility, which no training sees.",
        *plan.about(),
        *(f"Could not be run: {failure}" for failure in results.failures),
    ]
    tables = [_scorer_table(results), _listening_table(results, plan)]
    tables += [table(results, start) for start in (WRITING, VARIED) for table in (_writing_table, _rivals_table)]
    return Report("ARF: does it listen?", about, tables, [_curves(results)], _texts(results))


def _reading(plan: Plan, seed: int) -> Found:
    """How well replies are read, one by one."""
    person, random = SimulatedPerson.drawn(seed), generator(seed, "read")
    said, felt = [], []
    count = QUICK_REPLIES if plan.is_quick else READ_REPLIES
    for prompt, output in variants(_prompts(plan), count, seed):
        reading = read(person.reply(prompt, output, random), mood_reader())
        said.append(reading.value)
        felt.append(person.utility(prompt, output))
    return {"said": said, "felt": felt}


def _listening(name: str, config: ArfConfig, described: PairFeatures, plan: Plan, seed: int) -> Arm:
    def work(bench: Bench) -> Found:
        replies = QUICK_REPLIES if plan.is_quick else REPLIES
        arm = run_arm(config, _prompts(plan), described, mood_reader(), seed=seed, replies=replies)
        half = replies // 2
        return {
            "points": [[point.replies, point.correlation] for point in arm.points],
            "static": arm.static_correlation,
            "before": arm.mean_between(half - half // 3, half),
            "just after": arm.mean_between(half, half + half // 3),
            "in the end": arm.mean_between(replies - half // 3, replies),
            "found again": arm.replies_to(FOUND_AGAIN, half),
        }

    return Arm(LISTENING + name, work, seed=seed, recipe=asdict(config))


def _writing(start: str, shop: Workshop, plan: Plan, name: str, seed: int, described: PairFeatures) -> Arm:
    task = Task.quick(seed) if plan.is_quick else Task(seed)
    if start == VARIED:
        task = replace(task, varied_steps=QUICK_STEPS if plan.is_quick else VARIED_STEPS)
    return Arm(
        start + name,
        lambda bench: finetune(shop, name, task, described, bench),
        seed=seed,
        recipe=task.recipe(name),
    )


def _prompts(plan: Plan) -> Sequence[str]:
    return neutral_prompts()[:QUICK_PROMPTS] if plan.is_quick else neutral_prompts()


def _scorer_table(results: Results) -> Table:
    found = [result.found for result in results.of(SCORER)]
    correlations = [pearson(one["said"], one["felt"]) for one in found]
    right = [
        sum((said > 0.5) == (felt > 0.5) for said, felt in clear) / len(clear)
        for one in found
        if (clear := [(s, f) for s, f in zip(one["said"], one["felt"], strict=True) if abs(f - 0.5) > CLEAR])
    ]
    rows: list[list[Cell]] = [[SCORER, _mean(right), _mean(correlations)]] if found else []
    notes = ["Of single replies, off-topic ones among them, against the hidden utility of the text they were about."]
    return Table("Reading replies", ["", "right side of .5", "correlation"], rows, notes)


def _listening_table(results: Results, plan: Plan) -> Table:
    rows: list[list[Cell]] = []
    for name in [name for name in results.names() if name.startswith(LISTENING)]:
        found = [result.found for result in results.of(name)]
        row: list[Cell] = [name.removeprefix(LISTENING)]
        row += [_mean([one[key] for one in found]) for key in ("before", "just after", "in the end")]
        again = sorted(one["found again"] for one in found if one["found again"] is not None)
        row += [again[len(again) // 2] if again else None, f"{len(again)} of {len(found)}"]
        rows.append(row)
    columns = [
        "scorer",
        "before the change",
        "just after",
        "in the end",
        f"replies until {FOUND_AGAIN:g} again",
        "found",
    ]
    notes = [
        "Correlation of the ARF scorer with the hidden utility of that moment on texts it never learns from; means "
        "over the last sixth of the replies before the change, the first after it, and the very last. The median of "
        "replies is over those who are found again."
    ]
    return Table("Listening: which part of ARF matters?", columns, rows, notes)


def _writing_table(results: Results, start: str) -> Table:
    rows: list[list[Cell]] = []
    for name in [name for name in results.names() if name.startswith(start)]:
        found = [result.found for result in results.of(name)]
        row: list[Cell] = [name.removeprefix(start), len(found)]
        row += [_mean([one.get(key, math.nan) for one in found]) for key in _WRITTEN]
        rows.append(row)
    columns = ["trained by", "people", "hidden utility", "learned score", "meaning", "format", "samples"]
    columns.append("updates at most")
    notes = [IMITATED] * (start == VARIED)
    notes += [
        "Of rewrites of held-out prompts, a policy and a scorer per person; .5 is what plain text is worth to them, "
        "and a text that loops is worth nothing. Rows of pictures are no length.",
        "RLAIF-style: the same algorithm on the score of a scorer that heard other people only.",
        "DPO: on the best and the worst of each group that is written before any training, with as many samples and "
        "updates. Updates are steps of the optimizer, as planned; a step whose rewards are all alike has none.",
    ]
    return Table(f"{TITLES[start]}: hidden utility after fine-tuning", columns, rows, notes)


def _rivals_table(results: Results, start: str) -> Table:
    """TraceBias against each of the others, person by person."""
    own = {result.arm.seed: result.found["utility"] for result in results.of(start + TRACE_BIAS)}
    rows: list[list[Cell]] = []
    for name in [name for name in results.names() if name.startswith(start)]:
        theirs = {result.arm.seed: result.found["utility"] for result in results.of(name) if result.arm.seed in own}
        if name.removeprefix(start) in (TRACE_BIAS, *TRIALS) or not theirs:
            continue
        more = [own[seed] - utility for seed, utility in theirs.items()]
        share = [100 * (own[seed] / utility - 1) for seed, utility in theirs.items() if utility > 0]
        rows.append([name.removeprefix(start), len(theirs), _mean(more), _mean(share)])
    columns = ["TraceBias over", "people", "hidden utility", "in percent"]
    notes = [
        "Differences of the same person's utilities. ARF-RLHF (arXiv:2507.03069) reports 3.3 % over PPO and 7.6 % over "
        "DPO, on other tasks and much larger bases. An interval that holds 0 shows no difference."
    ]
    return Table(f"{TITLES[start]}: TraceBias against the others", columns, rows, notes)


def _curves(results: Results) -> Curves:
    lines = {}
    for name in [name for name in results.names() if name.startswith(LISTENING)]:
        runs = [result.found["points"] for result in results.of(name)]
        lines[name.removeprefix(LISTENING)] = [
            (float(points[0][0]), sum(value for _, value in points) / len(points)) for points in zip(*runs, strict=True)
        ]
    title = "Correlation with the hidden utility; the person changes their mind half-way"
    return Curves("listening", title, "replies", "correlation", {"ARF scorer": lines})


def _texts(results: Results) -> list[Shown]:
    found = {
        name.removeprefix(WRITING).removeprefix("writing "): results.of(name)[0].found
        for name in results.names()
        if name.startswith((WRITING, VARIED))
    }
    if not found:
        return []
    first = next(iter(found.values()))
    likes = f"somebody who likes {first['likes']}"
    return [
        Shown(likes, source, {name: one["outputs"][place] for name, one in found.items()})
        for place, source in enumerate(first["sources"])
    ]


def _mean(values: Sequence[float]) -> Interval:
    return interval(list(values), level=LEVEL)
