"""The static satisfaction scorer: does it hear whether somebody is pleased, is it calibrated, does it cost anything?"""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

import app.assets
from app.assets.build.corpora import goemotions, rated, tidy
from app.evaluation.artefacts.figures import Figure
from app.evaluation.measures.classifying import calibration_error, pearson
from app.evaluation.plan import Plan
from app.evaluation.runner import Bench, Found
from app.evaluation.workshop import Workshop
from app.inference.encoders import group_reader, meaning_encoder, satisfaction_scorer
from app.learning.satisfaction.static import CLASSES, EMOTIONS, GROUPS, moods

MESSAGES = Path(app.assets.__file__).parent / "satisfaction" / "dev_messages.jsonl"
SATISFIED, DISSATISFIED = 0.55, 0.45
GROUPS_BAR, TWEETS_BAR, ECE_BAR, SPEED_BAR, MESSAGES_BAR = 0.70, 0.80, 0.05, 0.9, 0.85
QUICK_TEXTS = 600
TIMED_TEXTS, TIMES = 192, 3


def measure(shop: Workshop, plan: Plan, bench: Bench) -> Found:
    data = plan.data_folder("goemotions", "rated_sentiment")
    bench.watch("GoEmotions", 0.1)
    texts, groups = single_labelled(data)
    ratings = held_out_tweets(data)
    if plan.is_quick:
        texts, groups, ratings = texts[:QUICK_TEXTS], groups[:QUICK_TEXTS], ratings[:QUICK_TEXTS]
    groups_N_4 = group_reader()(texts)
    said = [GROUPS[k] for k in groups_N_4.argmax(-1).tolist()]
    moods_N_3 = moods(groups_N_4)
    folded_N = torch.tensor([CLASSES.index(group if group in CLASSES else "neither") for group in groups])
    bench.watch("rated tweets", 0.6)
    scores = satisfaction_scorer()([text for text, _ in ratings]).tolist()
    bench.watch("messages", 0.8)
    right = right_messages(satisfaction_scorer())
    bench.watch("speed", 0.9)
    figures = [
        Figure(
            f"GoEmotions, 4 groups, {len(texts)} single-label dev texts",
            [float(a == b) for a, b in zip(said, groups, strict=True)],
            least=GROUPS_BAR,
            anchor="the paper's analyser: over .70; frozen MiniLM .62–.64",
        ),
        Figure("… 3 moods, neutral and ambiguous as one", (moods_N_3.argmax(-1) == folded_N).float().tolist()),
        Figure(
            f"rated tweets held out ({len(ratings)}), Pearson",
            [pearson(scores, [rating for _, rating in ratings])],
            least=TWEETS_BAR,
        ),
        Figure(
            "calibration error (15 bins)",
            [calibration_error(groups_N_4, torch.tensor([GROUPS.index(group) for group in groups]))],
            most=ECE_BAR,
        ),
        Figure("speed, of its encoder alone", [speed_ratio(texts)], least=SPEED_BAR),
        Figure(f"hand-written messages ({len(right)})", right, least=MESSAGES_BAR),
    ]
    return {"figures": [figure.found() for figure in figures]}


def single_labelled(data: Path) -> tuple[list[str], list[str]]:
    """Development comments with one label, and its group."""
    texts, groups = [], []
    for row in goemotions(data, "dev"):
        if len(row.labels) == 1:
            texts.append(tidy(row.text).replace("[NAME]", "Alex"))
            groups.append(next(group for group, labels in EMOTIONS.items() if row.labels[0] in labels))
    return texts, groups


def held_out_tweets(data: Path) -> list[tuple[str, float]]:
    """Tweets of the tenth of all rated snippets that the recipe holds out, by its own shuffle."""
    everything = [(text, rating, name == "tweets") for name, texts in rated(data).items() for text, rating in texts]
    order = torch.randperm(len(everything), generator=torch.Generator().manual_seed(0)).tolist()
    held_out = [everything[place] for place in order[: len(everything) // 10]]
    return [(text, rating) for text, rating, is_tweet in held_out if is_tweet]


def right_messages(score: Callable[[Sequence[str]], torch.Tensor]) -> list[float]:
    """1 for each hand-written message that is called what it is: above .55 satisfied, below .45 not, else neither."""
    rows = [json.loads(line) for line in MESSAGES.read_text(encoding="utf-8").splitlines()]
    said = [
        "satisfied" if value > SATISFIED else "dissatisfied" if value < DISSATISFIED else "neither"
        for value in score([row["text"] for row in rows]).tolist()
    ]
    return [float(found == row["label"]) for found, row in zip(said, rows, strict=True)]


def speed_ratio(texts: Sequence[str]) -> float:
    """Texts a second of the scorer, per those of its encoder alone; the best of three turns of each."""
    chosen = list(texts[:TIMED_TEXTS])
    encode, score = meaning_encoder(), satisfaction_scorer()

    def seconds(work: Callable[[Sequence[str]], object]) -> float:
        started = time.perf_counter()
        work(chosen)
        return time.perf_counter() - started

    turns = [(seconds(encode), seconds(score)) for _ in range(TIMES)]
    return min(turn[0] for turn in turns) / min(turn[1] for turn in turns)
