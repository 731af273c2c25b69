"""Real people: short texts of one turned into another's, and essays written so that a classifier names their author.

(a) `authors_short`: every text of the source authors is rewritten for each target author; STYLL's measures. (b)
`authors_cmcc`: plain versions of an author's own held-out passages, and machine text on other topics, are rewritten in
the author's voice; how often does a classifier that knows all authors name the right one?
"""

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from app.assets.neutral import neutral_prompts
from app.evaluation.arms import ONE_VOICE, SFT, Training
from app.evaluation.figures import Means
from app.evaluation.measures.attribution import Attribution
from app.evaluation.measures.styll import author, transfer
from app.evaluation.plan import Plan
from app.evaluation.report import Report, Shown
from app.evaluation.runner import Arm, Result, Results
from app.evaluation.subjects import (
    Essayist,
    ShortAuthor,
    Subject,
    essayists,
    machine_texts,
    short_authors,
    spread,
)
from app.evaluation.tables import Cell, Table
from app.evaluation.voicing import FEW_SHOT, INPUT, Scribe
from app.evaluation.workshop import Workshop
from app.inference.encoders import centred, evaluation_encoder, meaning_encoder
from app.learning.bootstrap import Interval, interval
from app.learning.neutralise import neutralise
from app.learning.rewards.meaning import similarity

DATA = ("authors_short", "authors_cmcc", "machine_text")
REAL = "real text"
SHORT, LONG = "short texts of", "essays of"
LEARNED_PASSAGES, OWN_PASSAGES, MACHINE_PASSAGES = 80, 12, 6
QUICK_SOURCES, QUICK_TEXTS, QUICK_PEOPLE = 1, 4, 1
LEVEL = 0.95


def arms(shop: Workshop, plan: Plan) -> list[Arm]:
    found: list[Arm] = []
    for scribe in _short(shop, plan):
        found += [scribe.input(), scribe.prompted(FEW_SHOT)]
        found += [scribe.trained(training, seed) for seed in range(plan.seeds) for training in _trainings(plan)]
    for scribe, real in _long(shop, plan):
        found += [scribe.input(), scribe.given(REAL, real), scribe.prompted(FEW_SHOT)]
        found += [scribe.trained(training, seed) for seed in range(plan.seeds) for training in _trainings(plan)]
    return found


def report(shop: Workshop, plan: Plan, results: Results) -> Report:
    people = list(dict.fromkeys(result.arm.person for result in results.all))
    short = [name for name in people if name.startswith(SHORT)]
    essays = [name for name in people if name.startswith(LONG)]
    about = [
        f"Base: {shop.card.name} ({shop.card.parameters / 1e6:.0f} million parameters). Target authors of short "
        f"texts: {len(short)}, essayists: {len(essays)}, seeds asked for: {plan.seeds}; rows with one seed claim no "
        "difference. Intervals are a 95 % bootstrap over author pairs, or over authors, each the mean of their seeds.",
        *shop.roles()[:2],
        "The classifier is naive Bayes over character 2- to 5-grams of all authors' training passages; it shares "
        "nothing with the rewards. The row of real texts is its ceiling.",
        "Real people's texts for research use: none of them, and no adapter, is kept in this report.",
        *plan.about(),
        *(f"Could not be run: {failure}" for failure in results.failures),
    ]
    transfer, attribution = _transfer_table(results, short), _attribution_table(results, essays)
    plots = [_plot(name, table) for name, table in (("short-texts", transfer), ("essays", attribution)) if table.rows]
    tables = [transfer, attribution, _kept_table(results, essays)]
    return Report("Real people: whose text does it read like?", about, tables, plots, _texts(results))


def _trainings(plan: Plan) -> Sequence[Training]:
    return (SFT,) if plan.is_quick else ONE_VOICE


def _short(shop: Workshop, plan: Plan) -> list[Scribe]:
    sources, targets = short_authors(plan.data_folder(*DATA))
    sources = sources[: QUICK_SOURCES if plan.is_quick else None]
    inputs = [text for source in sources for text in source.texts[: QUICK_TEXTS if plan.is_quick else None]]
    return [
        Scribe(
            shop,
            Subject(f"{SHORT} {target.name}", tuple((text, None) for text in target.texts), tuple(inputs)),
            plan.folder / "adapters",
            plan.is_quick,
            is_judged=False,
            also=_transferred(sources, inputs, target),
        )
        for target in targets[: QUICK_PEOPLE if plan.is_quick else plan.people]
    ]


def _transferred(
    sources: Sequence[ShortAuthor], inputs: Sequence[str], target: ShortAuthor
) -> Callable[[Sequence[str]], dict[str, Any]]:
    """STYLL's measures of every (source, target) pair."""

    def measure(outputs: Sequence[str]) -> dict[str, Any]:
        encode = centred(evaluation_encoder(), neutral_prompts())
        target_D, pairs, start = author(encode(list(target.texts))), [], 0
        each = len(inputs) // len(sources)
        for _ in sources:
            texts, written = inputs[start : start + each], [text or "." for text in outputs[start : start + each]]
            others = [target.texts[place % len(target.texts)] for place in range(len(texts))]
            kept, alike = (
                similarity(meaning_encoder(), neutralise, texts, side).mean().item() for side in (written, others)
            )
            found = transfer(author(encode(written)), author(encode(list(texts))), target_D, kept=kept, alike=alike)
            pairs.append({"away": found.away, "towards": found.towards, "sim": found.sim, "joint": found.joint})
            start += each
        return {"pairs": pairs}

    return measure


def _long(shop: Workshop, plan: Plan) -> list[tuple[Scribe, list[str]]]:
    """Each essayist's scribe, and what they really wrote where the scribe rewrites its plain version."""
    data, words = plan.data_folder(*DATA), shop.card.passage_words
    everyone = essayists(data, words)
    classifier = Attribution.learned({one.name: one.written for one in everyone})
    machine = machine_texts(data, words, 1 if plan.is_quick else MACHINE_PASSAGES)
    found = []
    for one in everyone[: QUICK_PEOPLE if plan.is_quick else plan.people]:
        own = spread(one.held_out, QUICK_TEXTS if plan.is_quick else OWN_PASSAGES)
        samples = tuple((text, None) for text in spread(one.written, LEARNED_PASSAGES))
        subject = Subject(f"{LONG} {one.name}", samples, (*map(neutralise, own), *machine))
        scribe = Scribe(
            shop,
            subject,
            plan.folder / "adapters",
            plan.is_quick,
            is_judged=False,
            also=_attributed(classifier, one, len(own)),
        )
        found.append((scribe, [*own, *machine]))
    return found


def _attributed(classifier: Attribution, one: Essayist, own: int) -> Callable[[Sequence[str]], dict[str, Any]]:
    def measure(outputs: Sequence[str]) -> dict[str, Any]:
        def share(texts: Sequence[str]) -> float:
            return sum(classifier.author_of(text) == one.name for text in texts) / max(1, len(texts))

        whole = [" ".join(outputs[:own]), " ".join(outputs[own:])]
        return {
            "own": own,
            "named": {
                "own topics, passages": share(outputs[:own]),
                "machine topics, passages": share(outputs[own:]),
                "own topics, together": share(whole[:1]),
                "machine topics, together": share(whole[1:]),
            },
        }

    return measure


def _transfer_table(results: Results, people: Sequence[str]) -> Table:
    rows: list[list[Cell]] = []
    for name in _names(results, people):
        row: list[Cell] = [name]
        for key in ("away", "towards", "sim", "joint"):
            runs = [[[pair[key] for pair in r.found["pairs"]] for r in results.of(name, person)] for person in people]
            row.append(_mean([statistics.mean(of_pair) for seeds in runs for of_pair in zip(*seeds, strict=True)]))
        rows.append(row)
    notes = [
        "Away: as far from the source author as the target is. Towards: nearer to the target than the source was. Sim: "
        "meaning kept beyond what two unrelated texts share. Joint: their geometric mean.",
        "Author vectors by character n-grams and meaning by sentence cosines stand for LUAR and the mutual implication "
        "score. Published systems on these texts reach Joint .36–.41 and Towards .10–.15 with those: context, no bar.",
    ]
    return Table(
        "Short texts, one author's turned into another's", ["arm", "Away", "Towards", "Sim", "Joint"], rows, notes
    )


def _attribution_table(results: Results, people: Sequence[str]) -> Table:
    names = _names(results, people)
    columns: list[str] = []
    rows: list[list[Cell]] = []
    for name in [name for name in (INPUT, REAL, *names) if name in names]:
        if any(row[0] == name for row in rows):
            continue
        found = [[r.found["named"] for r in runs] for person in people if (runs := results.of(name, person))]
        columns = list(found[0][0])
        of_author = {c: [statistics.mean(one[c] for one in seeds) for seeds in found] for c in columns}
        rows.append([name, *(_mean(of_author[column]) for column in columns)])
    notes = [
        "Chance is one of all the authors. Plain versions keep their author's words, so many are named from the input "
        "already: what a method adds shows in the difference to the input, and on machine topics."
    ]
    return Table("Essays: named as the right author", ["arm", *columns], rows, notes)


def _plot(name: str, table: Table) -> Means:
    """A panel for every column."""
    panels = {
        column: {str(row[0]): cell for row in table.rows if isinstance(cell := row[place], Interval)}
        for place, column in enumerate(table.columns)
        if place
    }
    return Means(name, table.title, panels)


def _kept_table(results: Results, people: Sequence[str]) -> Table:
    measures = ("style", "meaning", "entities", "length_ratio", "copy", "surface")
    rows: list[list[Cell]] = []
    for name in _names(results, people):
        runs = [results.of(name, person) for person in people]
        row: list[Cell] = [name]
        for measure in measures:
            values = [[v for r in seeds for v in r.found["values"][measure] if v == v] for seeds in runs]
            row.append(_mean([statistics.mean(own) for own in values if own]))
        row.append(_mean([statistics.mean(_perplexity_over_input(results, r) for r in s) for s in runs if s]))
        rows.append(row)
    columns = ["arm", *(name.replace("_", " ") for name in measures), "perplexity / input"]
    return Table("Essays: style and content", columns, rows)


def _perplexity_over_input(results: Results, result: Result) -> float:
    """Under the base as it came, text by text; the input is the same for all seeds."""
    for plain in results.of(INPUT, result.arm.person)[:1]:
        pairs = zip(plain.found["values"]["log_likelihood"], result.found["values"]["log_likelihood"], strict=True)
        lost = [before - after for before, after in pairs if math.isfinite(before - after)]  # a word alone has none
        return math.exp(statistics.mean(lost)) if lost else math.nan
    return math.nan


def _names(results: Results, people: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name for person in people for name in results.names(person)))


def _mean(values: Sequence[float]) -> Interval:
    return interval(list(values), level=LEVEL)


def _texts(results: Results) -> list[Shown]:
    """Only rewritten machine text may be shown: the authors' own texts are not ours to copy."""
    shown = []
    for person in [name for name in dict.fromkeys(r.arm.person for r in results.all) if name.startswith(LONG)]:
        arms = {name: results.of(name, person)[0].found for name in results.names(person)}
        if INPUT not in arms:
            continue
        sources = arms[INPUT]["sources"]
        for place in range(arms[INPUT]["own"], len(sources)):
            outputs = {name: found["outputs"][place] for name, found in arms.items() if name not in (INPUT, REAL)}
            shown.append(Shown(person, sources[place], outputs))
    return shown
