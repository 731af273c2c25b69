"""Trails of a tiny base against the formulas on its full distribution; the scale; what is read of a pair."""

import json
import math
from pathlib import Path

import pytest
import torch

from app.evaluation.detecting import HumanScale, Trail, Written, read, separation, trails
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from tests.tiny import build_tiny_base

TEXTS = ["The meeting was moved to Thursday.", "lol ok", "What a wonderful garden, the roses are blooming already!"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[LlamaModel, Tokens]:
    base = build_tiny_base(tmp_path_factory.mktemp("tiny"))
    return LlamaModel.load(base, dtype=torch.float32), Tokens.load(base)


def test_a_trail_is_what_the_formulas_say(tiny: tuple[LlamaModel, Tokens]) -> None:
    model, tokens = tiny
    for text, trail in zip(TEXTS, trails(model, tokens, TEXTS), strict=True):
        ids = tokens.completion(text)
        with torch.no_grad():
            log_p = model.logits(model.hidden(torch.tensor([ids])))[0, :-1].log_softmax(-1)
        own = log_p[range(len(ids) - 1), ids[1:]]
        mean = (log_p.exp() * log_p).sum(-1)
        variance = (log_p.exp() * (log_p - mean.unsqueeze(-1)).square()).sum(-1)
        assert trail.likelihood(1000) == pytest.approx(own.mean().item(), abs=1e-4)
        expected = ((own - mean).sum() / variance.sum().sqrt()).item()
        assert trail.curvature(1000) == pytest.approx(expected, abs=1e-3)


def trail(*loglik: float) -> Trail:
    return Trail(torch.tensor(loglik), torch.full((len(loglik),), -3.0), torch.ones(len(loglik)))


def test_separation_reads_only_what_is_long_enough_and_no_further() -> None:
    human = [trail(-4.0, -4.0, 0.0), trail(-9.0)]
    machine = [trail(-1.0, -1.0, -90.0), trail(-9.0)]
    assert separation(human, machine, 2) == (1.0, 1.0, 1)


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
