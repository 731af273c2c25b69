import pytest
import torch

from app.inference import likelihood
from app.inference.likelihood import base_likelihood
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens

LONG = "The parcel arrived on Friday, which surprised us all."
SHORT = "It rained."


def test_it_is_the_mean_over_the_tokens_after_the_first(tiny_model: LlamaModel, tiny_tokens: Tokens) -> None:
    values = base_likelihood(tiny_model, tiny_tokens)([LONG, SHORT])
    for text, value in zip((LONG, SHORT), values, strict=True):
        with torch.no_grad():
            expected = tiny_model.logprobs([tiny_tokens.completion(text)], [1]).mean()
        assert value == pytest.approx(expected.item(), abs=1e-5)


def test_texts_too_short_to_say_have_none_and_leave_the_others_in_place(
    tiny_model: LlamaModel, tiny_tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(likelihood, "ROWS_AT_ONCE", 2)
    one_token = "a"
    assert len(tiny_tokens.completion(one_token)) == 1
    score = base_likelihood(tiny_model, tiny_tokens)
    values = score([SHORT, one_token, LONG, "", SHORT])
    assert values.isnan().tolist() == [False, True, False, True, False]
    assert values[0] == pytest.approx(values[4].item(), abs=1e-5)
    assert values[2] == pytest.approx(score([LONG]).item(), abs=1e-5)
    assert score([]).tolist() == []
