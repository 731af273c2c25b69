"""Real people: short texts of one turned into another's, and passages written so that a classifier names their author.

(a) `authors_short`: every text of the source authors is rewritten for each target author; STYLL's measures. (b)
`authors_cmcc`: plain versions of an author's own held-out passages, and machine text on other topics, are rewritten in
the author's voice; how often does a classifier that knows all authors name the right one? (b) is also asked of people
of a server, among each other and the invented people of the demo.
"""

from collections.abc import Callable, Sequence
from typing import Any

from app.assets.evaluation import marketing
from app.assets.neutral import neutral_prompts
from app.evaluation.arms import ONE_VOICE, SFT, Training
from app.evaluation.author_tables import attribution_table, kept_table, plot, transfer_table
from app.evaluation.measures.attribution import Attribution, evenly
from app.evaluation.measures.styll import author, transfer
from app.evaluation.plan import Plan
from app.evaluation.report import Report, Shown
from app.evaluation.runner import Arm, Results
from app.evaluation.subjects import (
    OWN,
    ShortAuthor,
    Subject,
    Writer,
    essayists,
    invented,
    machine_texts,
    short_authors,
    spread,
    user,
)
from app.evaluation.voicing import FEW_SHOT, INPUT, REAL, Scribe
from app.evaluation.workshop import Workshop
from app.inference.encoders import centred, evaluation_encoder, meaning_encoder
from app.inference.passages import split
from app.learning.neutralise import neutralise
from app.learning.rewards.meaning import similarity

DATA = ("authors_short", "authors_cmcc", "machine_text")
SHORT, LONG = "short texts of", "essays of"
LEARNED_PASSAGES, OWN_PASSAGES, MACHINE_PASSAGES = 80, 12, 6
QUICK_SOURCES, QUICK_TEXTS, QUICK_PEOPLE = 1, 4, 1
CORPORA = (
    "Real people's texts for research use: none of them, none of the authors' own rewritten, and no adapter is kept."
)
USERS = (
    "People of this server. What they wrote, and what became of their own texts, is not kept here, and no adapter; "
    "rewritten machine texts are, in their voices."
)


def arms(shop: Workshop, plan: Plan) -> list[Arm]:
    found: list[Arm] = []
    for scribe in _short(shop, plan) if not plan.users else ():
        found += [scribe.input(), scribe.prompted(FEW_SHOT)]
        found += [scribe.trained(training, seed) for seed in range(plan.seeds) for training in _trainings(plan)]
    for scribe, real in _users(shop, plan) if plan.users else _long(shop, plan):
        found += [scribe.input(), scribe.given(REAL, real), scribe.prompted(FEW_SHOT)]
        found += [scribe.trained(training, seed) for seed in range(plan.seeds) for training in _trainings(plan)]
    return found


def report(shop: Workshop, plan: Plan, results: Results) -> Report:
    people = list(dict.fromkeys(result.arm.person for result in results.all))
    short = [name for name in people if name.startswith(SHORT)]
    long = [name for name in people if name not in short]
    counted = f"Target authors of short texts: {len(short)}, essayists: {len(long)}"
    about = [
        f"Base: {shop.card.name} ({shop.card.parameters / 1e6:.0f} million parameters). "
        f"{f'People: {len(long)}' if plan.users else counted}, seeds asked for: {plan.seeds}; rows with one seed claim "
        "no difference. Intervals are a 95 % bootstrap over author pairs, or over authors, each the mean of their "
        "seeds; of one author there is none.",
        *shop.roles()[:2],
        "The classifier is naive Bayes over character 2- to 5-grams of all authors' training passages"
        f"{', the invented people of the demo among them' if plan.users else ''}, as many characters of each; it "
        "shares nothing with the rewards. The row of real texts is its ceiling.",
        USERS if plan.users else CORPORA,
        *plan.about(),
        *(f"Could not be run: {failure}" for failure in results.failures),
    ]
    what = "Texts" if plan.users else "Essays"
    transferred, attribution = transfer_table(results, short), attribution_table(results, long, what)
    plots = [plot(name, table) for name, table in (("short-texts", transferred), ("named", attribution)) if table.rows]
    tables = [*([] if plan.users else [transferred]), attribution, kept_table(results, long, what)]
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
            plan.adapters,
            plan.is_quick,
            is_judged=False,
            also=_transferred(sources, inputs, target),
            kept_from=len(inputs),
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
    machine = machine_texts(data, words, 1 if plan.is_quick else MACHINE_PASSAGES)
    writers = everyone[: QUICK_PEOPLE if plan.is_quick else plan.people]
    return _scribes(shop, plan, writers, everyone, machine, LONG)


def _users(shop: Workshop, plan: Plan) -> list[tuple[Scribe, list[str]]]:
    """The same of people of a server, with texts that the packaged larger model wrote on other topics."""
    words = shop.card.passage_words
    writers = [user(name, samples, words, OWN_PASSAGES) for name, samples in plan.users.items()]
    passages = [passage for text in marketing() for passage in split(text, words).passages]
    machine = spread(passages, 1 if plan.is_quick else 2 * MACHINE_PASSAGES)
    return _scribes(shop, plan, writers, [*writers, *invented(writers)], machine, OWN)


def _scribes(
    shop: Workshop, plan: Plan, writers: Sequence[Writer], everyone: Sequence[Writer], machine: list[str], kind: str
) -> list[tuple[Scribe, list[str]]]:
    classifier = Attribution.learned(evenly({one.name: one.texts for one in everyone}))
    found = []
    for one in writers:
        own = spread(one.held_out, QUICK_TEXTS if plan.is_quick else OWN_PASSAGES)
        subject = Subject(
            f"{kind} {one.name}",
            tuple(spread(one.written, LEARNED_PASSAGES)),
            (*map(neutralise, own), *machine),
        )
        scribe = Scribe(
            shop,
            subject,
            plan.adapters,
            plan.is_quick,
            is_judged=False,
            also=_attributed(classifier, one, len(own)),
            kept_from=len(own),
        )
        found.append((scribe, [*own, *machine]))
    return found


def _attributed(classifier: Attribution, one: Writer, own: int) -> Callable[[Sequence[str]], dict[str, Any]]:
    def measure(outputs: Sequence[str]) -> dict[str, Any]:
        def share(texts: Sequence[str]) -> float:
            return sum(classifier.author_of(text) == one.name for text in texts) / max(1, len(texts))

        whole = [" ".join(outputs[:own]), " ".join(outputs[own:])]
        return {
            "own": own,
            "authors": len(classifier.unseen),
            "named": {
                "own topics, passages": share(outputs[:own]),
                "machine topics, passages": share(outputs[own:]),
                "own topics, together": share(whole[:1]),
                "machine topics, together": share(whole[1:]),
            },
        }

    return measure


def _texts(results: Results) -> list[Shown]:
    """Rewritten machine texts; nothing else was kept."""
    shown = []
    for person in dict.fromkeys(result.arm.person for result in results.all):
        arms = {name: results.of(name, person)[0].found for name in results.names(person)}
        if INPUT not in arms:
            continue
        for place, source in enumerate(arms[INPUT]["sources"]):
            outputs = {name: found["outputs"][place] for name, found in arms.items() if name not in (INPUT, REAL)}
            shown.append(Shown(person, source, outputs))
    return shown
