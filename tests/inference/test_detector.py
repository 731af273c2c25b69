from pathlib import Path

import pytest
import torch

from app.inference import detector as module
from app.inference.detector import Band, Calibration, detector, glances, traits
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens

CALIBRATION = Calibration("some base", (Band(8, (0.0, -1.0, 0.0), -3.0), Band(16, (0.0, -2.0, 0.0), -6.0)))
TEXT = "The parcel arrived on Friday, which surprised us all."


@torch.no_grad()
def test_glances_are_taken_of_the_models_own_distribution(
    tiny_model: LlamaModel, tiny_tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PLACES_AT_ONCE", 3)
    ids = tiny_tokens.completion(TEXT)
    log_p_T_V = tiny_model.logits(tiny_model.hidden(torch.tensor([ids]))).log_softmax(-1)[0, :-1]
    own_T, mean_T, variance_T, rank_T = glances(tiny_model, ids).unbind(-1)
    assert torch.allclose(own_T, tiny_model.logprobs([ids], [1]), atol=1e-4)
    assert torch.allclose(mean_T, (log_p_T_V.exp() * log_p_T_V).sum(-1), atol=1e-4)
    expected = (log_p_T_V.exp() * (log_p_T_V - mean_T.unsqueeze(-1)) ** 2).sum(-1)
    assert torch.allclose(variance_T, expected, atol=1e-3)
    order = log_p_T_V.argsort(-1, descending=True)
    ranks = (order == torch.tensor(ids[1:]).unsqueeze(-1)).int().argmax(-1) + 1
    assert torch.allclose(rank_T, ranks.log(), atol=1e-5)


def test_the_curvature_is_fast_detectgpts() -> None:
    glances_T_4 = torch.tensor([[-1.0, -2.0, 0.5, 0.0], [-3.0, -2.5, 1.5, 1.0]])
    curvature, likelihood, rank = traits(glances_T_4).tolist()
    assert curvature == pytest.approx((-4.0 + 4.5) / 2.0**0.5)
    assert (likelihood, rank) == (-2.0, -0.5)


def test_each_length_has_weights_of_its_own_and_short_texts_say_less() -> None:
    surprising = torch.tensor([0.0, -5.0, 0.0])
    assert CALIBRATION.p_human(surprising, 8) == pytest.approx(torch.tensor(2.0).sigmoid().item())
    assert CALIBRATION.p_human(surprising, 15) == CALIBRATION.p_human(surprising, 8)
    assert CALIBRATION.p_human(surprising, 40) == pytest.approx(torch.tensor(4.0).sigmoid().item())
    assert 0.5 < CALIBRATION.p_human(surprising, 4) < CALIBRATION.p_human(surprising, 8)


def test_what_the_model_would_say_itself_is_machine_text(tiny_model: LlamaModel, tiny_tokens: Tokens) -> None:
    ids = tiny_tokens.completion("The")
    for _ in range(24):
        ids.append(int(tiny_model.logits(tiny_model.hidden(torch.tensor([ids])))[0, -1].argmax()))
    own = traits(glances(tiny_model, ids))
    strange = traits(glances(tiny_model, [ids[0], *reversed(ids[1:])]))
    assert CALIBRATION.p_human(own, 24) < CALIBRATION.p_human(strange, 24)


def test_a_text_without_a_second_token_is_anybodys(tiny_model: LlamaModel, tiny_tokens: Tokens) -> None:
    p_human = detector(tiny_model, tiny_tokens, CALIBRATION)
    values = p_human([TEXT, "", "a"])
    assert values[1:].tolist() == [0.5, 0.5]
    assert values[0] == p_human([TEXT])[0]
    assert p_human([]).tolist() == []


def test_a_calibration_is_what_it_was_after_a_round_trip(tmp_path: Path) -> None:
    CALIBRATION.save(tmp_path / "deep" / "calibration.json")
    assert Calibration.load(tmp_path / "deep" / "calibration.json") == CALIBRATION
