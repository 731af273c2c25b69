"""The tables of real people: whose text does it read like, and what is kept of the input?"""

import math
import statistics
from collections.abc import Sequence

from app.evaluation.figures import Means
from app.evaluation.runner import Result, Results
from app.evaluation.tables import Cell, Table
from app.evaluation.voicing import INPUT, REAL
from app.learning.bootstrap import Interval, interval

LEVEL = 0.95


def transfer_table(results: Results, people: Sequence[str]) -> Table:
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


def attribution_table(results: Results, people: Sequence[str], what: str) -> Table:
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
    known = [r.found["authors"] for name in names for p in people for r in results.of(name, p) if "authors" in r.found]
    among = f"One of {max(known)} authors is named. " if known else ""
    notes = [
        f"{among}The input is the zero, not chance: plain versions keep their author's words, and plain texts on other "
        "topics are like some authors more than others. What a method adds is the difference to it."
    ]
    return Table(f"{what}: named as the right author", ["arm", *columns], rows, notes)


def plot(name: str, table: Table) -> Means:
    """A panel for every column."""
    panels = {
        column: {str(row[0]): cell for row in table.rows if isinstance(cell := row[place], Interval)}
        for place, column in enumerate(table.columns)
        if place
    }
    return Means(name, table.title, panels)


def kept_table(results: Results, people: Sequence[str], what: str) -> Table:
    measures = ("style", "meaning", "entities", "sentences", "length_ratio", "copy", "surface")
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
    return Table(f"{what}: style and content", columns, rows)


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
