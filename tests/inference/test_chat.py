"""Asking an instructed model: in its own chat format where it has one, as paragraphs where it has none."""

import json
import shutil
from pathlib import Path

import pytest

from app.inference.chat import Chat
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens

ASKED = [("system", "Be brief."), ("user", "Rewrite this.")]
TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def spoken(chat: Chat) -> str:
    """What the model is given, as text."""
    return chat.tokens.text(chat._ids(ASKED))


def test_without_a_template_messages_are_paragraphs(
    tiny_model: LlamaModel, tiny_tokens: Tokens, tiny_base: Path
) -> None:
    assert spoken(Chat(tiny_model, tiny_tokens, tiny_base)) == "Be brief.\n\nRewrite this.\n\n"


def test_a_template_is_followed(tiny_model: LlamaModel, tiny_tokens: Tokens, tiny_base: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_base, tmp_path / "instructed")
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    assert spoken(Chat(tiny_model, tiny_tokens, folder)) == "<system>Be brief.<user>Rewrite this.<assistant>"


def test_answers_come_in_order_and_repeat_by_seed(tiny_model: LlamaModel, tiny_tokens: Tokens, tiny_base: Path) -> None:
    chat = Chat(tiny_model, tiny_tokens, tiny_base)
    first, is_finished = chat.answer([ASKED, ASKED[:1]], max_tokens=6, temperature=1.0, seed=1)
    assert len(first) == len(is_finished) == 2
    assert chat.answer([ASKED, ASKED[:1]], max_tokens=6, temperature=1.0, seed=1)[0] == first
    assert chat.answer([ASKED, ASKED[:1]], max_tokens=6, temperature=1.0, seed=2)[0] != first


@pytest.mark.parametrize("max_tokens", [0, 10_000])
def test_what_does_not_fit_is_refused(
    tiny_model: LlamaModel, tiny_tokens: Tokens, tiny_base: Path, max_tokens: int
) -> None:
    with pytest.raises(ValueError, match="context"):
        Chat(tiny_model, tiny_tokens, tiny_base).answer([ASKED], max_tokens=max_tokens, temperature=1.0, seed=1)
