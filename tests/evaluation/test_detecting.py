"""What separates people from machines, by hand; the scale; what is read of a pair."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from app.evaluation.artefacts.detector import by_words
from app.evaluation.detecting import HumanScale, Pair, Separation, Written, glanced, read, separation
from app.inference.detector import Band, Calibration
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from tests.tiny import build_tiny_base

BY_RANK = Calibration("", (Band(1, (0.0, 0.0, -1.0), 0.0),))
"""The lower the rank of its words, the more it is a machine's."""


def glance(*rows: tuple[float, float]) -> torch.Tensor:
    """(log p, log rank) of each token, against an expectation of -3 with variance 1."""
    return torch.tensor([[own, -3.0, 1.0, rank] for own, rank in rows])


def test_every_score_is_read_of_what_is_long_enough_and_no_further() -> None:
    human = glance((-4.0, 2.0), (-4.0, 2.0), (0.0, 0.0))
    machine = glance((-1.0, 3.0), (-1.0, 3.0), (-90.0, 9.0))
    pairs: list[Pair] = [(human, machine), (glance((-9.0, 0.0)), machine)]
    # Likelihood and curvature are right about the one pair, the rank is wrong.
    assert separation(pairs, BY_RANK, 2) == Separation(1, 0.0, 1.0, 1.0)
    assert separation(pairs, BY_RANK, 4).pairs == 0


def test_texts_are_glanced_at_from_their_second_token_on(tmp_path: Path) -> None:
    base = build_tiny_base(tmp_path)
    model, tokens = LlamaModel.load(base, dtype=torch.float32), Tokens.load(base)
    shares: list[float] = []
    texts = [Written("news", "The meeting was moved.", "lol ok"), Written("news", "", "lol ok")]
    [(human, machine)] = glanced(model, tokens, texts, shares.append)
    assert len(human) == len(tokens.completion("The meeting was moved.")) - 1
    assert len(machine) == len(tokens.completion("lol ok")) - 1
    assert shares == [0.5, 1.0]


def test_the_scale_is_even_where_both_are_equally_likely() -> None:
    scale = HumanScale.fitted([-4.0, -3.0, -5.0], [-2.0, -1.0, -3.0])
    low, even, high, unknown = scale(torch.tensor([-6.0, -3.0, 0.0, math.nan])).tolist()
    assert low > 0.9
    assert even == pytest.approx(0.5)
    assert high < 0.1
    assert math.isnan(unknown)


def test_an_opening_that_both_share_is_nobody_s(tmp_path: Path) -> None:
    row = {"human": "It rained. He left early.", "machine": "It rained. He lefty-handed waved."}
    (tmp_path / "writing_gpt.jsonl").write_text(json.dumps(row) + "\n")
    assert read(tmp_path) == [Written("writing", "left early.", "lefty-handed waved.")]


def test_a_detector_of_the_operators_is_measured_by_words() -> None:
    """Only where both sides are long enough, and of them only so many words."""
    texts = [Written("news", "well " * 25 + "NEVER READ", "indeed " * 30) for _ in range(10)]
    texts.append(Written("news", "well " * 25, "indeed " * 19))
    heard: list[str] = []

    def score(read: Sequence[str]) -> torch.Tensor:
        heard.extend(read)
        return torch.tensor([float(text.startswith("well")) for text in read])

    [figure] = by_words("news", texts, score, "their-detector")
    assert figure.name == "news, 20 words (10 pairs), their-detector: AUROC"
    assert (figure.values, figure.least) == ([1.0], 0.85)
    assert set(heard) == {" ".join(["well"] * 20), " ".join(["indeed"] * 20)}
    [wrong] = by_words("news", texts, lambda read: -score(read), "their-detector")
    assert wrong.values == [0.0]
    [few] = by_words("news", texts[:3], score, "their-detector")
    assert few.least is None, "three pairs decide nothing"
