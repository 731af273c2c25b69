"""Tables and plots of arms that wrote in somebody's voice: how much of it, how many voices, and what it cost."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from app.evaluation.figures import Curves, Shares
from app.evaluation.measures import closing
from app.evaluation.measures.intervals import crossed, entropy, mean, perplexity
from app.evaluation.measuring import weakest_voice
from app.evaluation.report import Shown
from app.evaluation.runner import Result, Results
from app.evaluation.subjects import Subject
from app.evaluation.tables import Cell, Table
from app.evaluation.voicing import INPUT
from app.learning.bootstrap import Interval, interval

MAIL = "Subject:"
GOALS: dict[str, tuple[str, Callable[[float], bool]]] = {
    "entropy / own": ("≥ .80", lambda value: value >= 0.8),
    "weakest voice": ("≥ .60", lambda value: value >= 0.6),
    "meaning": ("≥ .85", lambda value: value >= 0.85),
    "copies": ("≤ .10", lambda value: value <= 0.1),
    "surface": ("≤ .30", lambda value: value <= 0.3),
}
"""What a person with several voices should get: the project's own goal, beyond the article."""
STD, RL = "style.{}.std", "reinforce"


class VoiceTables:
    """Of one person: `own` are the shares of their voices in their own texts; `judge` is whose wins they are."""

    def __init__(self, subject: Subject, results: Results, own: dict[str, float], judge: str) -> None:
        self.subject, self.results, self.own, self.judge = subject, results, own, judge
        names = results.names(subject.name)
        self.arms = [name for name in [INPUT, *names] if name in names]
        self.arms = list(dict.fromkeys(self.arms))

    def all(self) -> list[Table]:
        tables = [self.voices(), self.content(), self.distribution()]
        return [*tables, self.goals(), self.deviation()] if len(self.own) > 1 else tables

    def voices(self) -> Table:
        """How much of the person is in the outputs, and how many of their voices."""
        rows: list[list[Cell]] = []
        for name in self.arms:
            found = self._found(name)
            row: list[Cell] = [name, len(found), self._mean(name, "style"), self._mean(name, "style_raw")]
            row += [self._entropy(name), self._ratio(name), self._weakest(name)]
            row += [self._mean(name, "human"), self._mean(name, "human", keep=lambda text: not text.startswith(MAIL))]
            row += [self._mean(name, "wins"), self._gate(name)]
            rows.append(row)
        columns = [self.subject.name, "seeds", "style", "style, raw", "voice entropy", "entropy / own", "weakest voice",
                   "P(human)", "… without mails", f"wins ({self.judge})", "gate"]  # fmt: skip
        notes = [
            "style: similarity to the nearest voice, calibrated (0 plain, 1 the person's own; 0 for a text that loops) "
            "and as raw cosine.",
            f"voice entropy: of the voice each text is nearest to, in nats; the person's own is {self._own():.2f}.",
            "weakest voice: calibrated style of the texts told (or else nearest to) the voice that fares worst; "
            "0 if there is none.",
            f"wins ({self.judge}): share of pairs won against the few-shot prompt. gate: trainings whose version the "
            "server would have promoted by itself.",
        ]
        return Table(f"Voices: {self.subject.name}", columns, rows, notes)

    def content(self) -> Table:
        """What was kept of what the inputs say."""
        rows: list[list[Cell]] = []
        for name in self.arms:
            row: list[Cell] = [name]
            row += [self._mean(name, measure) for measure in ("meaning", "entities", "sentences", "length_ratio")]
            row += [self._fluency(name)]
            row += [self._mean(name, measure) for measure in ("copy", "surface", "format", "loops")]
            row.append(self._endings(name))
            rows.append(row)
        columns = [self.subject.name, "meaning", "entities", "sentences", "length", "perplexity / input",
                   "copies", "surface", "format", "loops", "endings apart"]  # fmt: skip
        notes = [
            "meaning: sentence-encoder cosine of neutralised texts. entities: over inputs that name some. "
            "sentences: share of those with enough content that left a trace of it. length: words per word of "
            "the input.",
            "copies: identical after folding white space. surface: the same letters otherwise (only case, punctuation "
            "or emoji changed).",
            "loops: the same words over and over, which the input does not have; such a text counts 0 in style.",
            "endings apart: total variation between the kinds of endings (full stop, exclamation mark, face, hashtag, "
            "none, …) and those of the person's own texts: 0 alike, 1 nothing shared.",
        ]
        return Table(f"Content: {self.subject.name}", columns, rows, notes)

    def distribution(self) -> Table:
        """Share of the texts nearest to each voice."""
        tags = list(self.own)
        rows: list[list[Cell]] = [["own texts", *(self.own[tag] for tag in tags)]]
        rows += [[name, *(mean(self._is_nearest(name)[:, :, k]) for k in range(len(tags)))] for name in self.arms]
        return Table(f"Style distribution: {self.subject.name}", ["nearest to", *tags], rows)

    def goals(self) -> Table:
        """Who reaches the goal beyond the article."""
        rows: list[list[Cell]] = []
        for name in self.arms:
            values = {
                "entropy / own": self._ratio(name).mean,
                "weakest voice": self._weakest(name).mean,
                "meaning": self._mean(name, "meaning").mean,
                "copies": self._mean(name, "copy").mean,
                "surface": self._mean(name, "surface").mean,
            }
            reached = [GOALS[goal][1](value) for goal, value in values.items()]
            rows.append([name, *reached, all(reached)])
        columns = ["goal", *(f"{goal} {bound}" for goal, (bound, _) in GOALS.items()), "all"]
        return Table(f"Goal beyond the article: {self.subject.name}", columns, rows)

    def deviation(self) -> Table:
        """Did the similarity to every voice keep varying across the batch, or did one style take over?"""
        rows: list[list[Cell]] = []
        for name in self.arms:
            curves = {tag: self._curve(name, STD.format(tag)) for tag in self.own}
            if not all(curves.values()):
                continue
            row: list[Cell] = [name]
            for points in curves.values():
                third = max(1, len(points) // 3)
                row += [_average(points[:third]), _average(points[-third:])]
            rows.append(row)
        columns = [
            "deviation of similarity",
            *(f"{tag}, {when}" for tag in self.own for when in ("first", "last third")),
        ]
        notes = ["Standard deviation across each batch, under the rewarding encoder, mean over seeds."]
        return Table(f"Deviation over training: {self.subject.name}", columns, rows, notes)

    def deviation_curves(self, arms: Sequence[str]) -> Curves:
        """Of these arms, as far as they were reinforced: with all of them no line could be told from another."""
        panels = {
            tag: {name: points for name in arms if (points := self._curve(name, STD.format(tag)))} for tag in self.own
        }
        name = f"deviation-{self.subject.name.replace(' ', '-')}"
        title = f"Deviation of the similarity to each voice over training: {self.subject.name}"
        return Curves(name, title, "reinforcement step", "standard deviation in the batch", panels)

    def shares(self) -> dict[str, dict[str, float]]:
        """For a plot: arm to voice to share of its texts."""
        tags = list(self.own)
        bars = {"own texts": dict(self.own)}
        for name in self.arms:
            share_M = self._is_nearest(name).mean((0, 1)).tolist()
            bars[name] = dict(zip(tags, share_M, strict=True))
        return bars

    def texts(self) -> list[Shown]:
        """Of every arm its first seed's outputs, input by input."""
        first = {name: self.results.of(name, self.subject.name)[0].found["outputs"] for name in self.arms}
        return [
            Shown(self.subject.name, source, {name: first[name][place] for name in self.arms if name != INPUT})
            for place, source in enumerate(self.subject.inputs)
        ]

    def _found(self, name: str) -> list[Result]:
        return self.results.of(name, self.subject.name)

    def _values(self, name: str, measure: str) -> Tensor | None:
        """[S, N]; None where the arm was not run, or not measured so."""
        rows = [result.found["values"].get(measure) for result in self._found(name)]
        is_measured = rows and all(row is not None for row in rows)
        return torch.tensor(rows, dtype=torch.float64) if is_measured else None

    def _mean(self, name: str, measure: str, keep: Callable[[str], bool] | None = None) -> Interval:
        values_S_N = self._values(name, measure)
        if values_S_N is None:
            return Interval(math.nan, math.nan, math.nan)
        if keep is not None:
            outputs = [result.found["outputs"] for result in self._found(name)]
            kept_S_N = torch.tensor([[keep(text) for text in row] for row in outputs])
            values_S_N = values_S_N.masked_fill(~kept_S_N, math.nan)
        return mean(values_S_N)

    def _is_nearest(self, name: str) -> Tensor:
        """One-hot [S, N, M]."""
        tags = list(self.own)
        return torch.tensor(
            [[[float(tag == near) for tag in tags] for near in r.found["nearest"]] for r in self._found(name)]
        )

    def _entropy(self, name: str) -> Interval:
        return crossed(self._is_nearest(name), entropy)

    def _ratio(self, name: str) -> Interval:
        own = self._own()
        if own == 0:
            return Interval(math.nan, math.nan, math.nan)
        return crossed(self._is_nearest(name), lambda shares: entropy(shares) / own)

    def _own(self) -> float:
        return float(entropy(torch.tensor(list(self.own.values()))))

    def _weakest(self, name: str) -> Interval:
        return interval(weakest_voice([r.found for r in self._found(name)], list(self.own)).tolist(), level=0.95)

    def _fluency(self, name: str) -> Interval:
        before, after = self._values(INPUT, "log_likelihood"), self._values(name, "log_likelihood")
        if before is None or after is None:
            return Interval(math.nan, math.nan, math.nan)
        # exp(mean of input - mean of output) is the ratio of the perplexities; both are of the same resampled inputs.
        return crossed((after - before).unsqueeze(-1), perplexity)

    def _endings(self, name: str) -> Interval:
        """Whether the texts end as the person's do, or one habit was put under everything."""
        own_C = closing.one_hot(self.subject.texts).mean(0)
        ends_S_N_C = torch.stack([closing.one_hot(result.found["outputs"]) for result in self._found(name)])
        return crossed(ends_S_N_C, lambda shares: closing.apart(shares, own_C))

    def _gate(self, name: str) -> Cell:
        decisions = [r.found["decision"] for r in self._found(name) if "decision" in r.found]
        return f"{decisions.count('promoted')} of {len(decisions)}" if decisions else None

    def _curve(self, name: str, metric: str) -> list[tuple[float, float]]:
        """Step and mean over seeds, of the reinforcement."""
        steps: dict[int, list[float]] = {}
        for result in self._found(name):
            for point in result.found.get("curves", []):
                if point["stage"] == RL and metric in point["values"]:
                    steps.setdefault(point["step"], []).append(point["values"][metric])
        return [(float(step), sum(values) / len(values)) for step, values in sorted(steps.items())]


def distribution_plot(people: Sequence[VoiceTables]) -> Shares:
    panels = {tables.subject.name: tables.shares() for tables in people}
    return Shares("style-distribution", "Which voice each rewrite is nearest to", panels)


def _average(points: Sequence[tuple[float, float]]) -> float:
    return sum(value for _, value in points) / len(points)
