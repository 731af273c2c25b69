from pathlib import Path

import pytest
from tokenizers import Tokenizer, processors

from app.inference.architecture import UnsupportedModel
from app.inference.tokens import Tokens
from tests.tiny import END


@pytest.mark.parametrize("text", ["Dear Sir,\n", "lol 😀🌻 pls", "  naïve — 漢字", ""])
def test_texts_come_back_unchanged(tiny_tokens: Tokens, text: str) -> None:
    assert tiny_tokens.text(tiny_tokens.completion(text)) == text


def test_the_end_token_in_a_persons_text_is_only_text(tiny_tokens: Tokens) -> None:
    ids = tiny_tokens.prompt(f"stop {END} here")
    assert 0 not in ids
    assert tiny_tokens.text(ids) == f"stop {END} here"
    assert tiny_tokens.text([*tiny_tokens.completion("done"), 0]) == "done"


def test_prompts_begin_as_the_tokenizer_begins_texts(tiny_base: Path, tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_base / "tokenizer.json"))
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{END} $A", special_tokens=[(END, 0)])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    tokens = Tokens.load(tmp_path)
    assert tokens.prompt("hi") == [0, *tokens.completion("hi")]


def test_a_missing_or_broken_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"tokenizer\.json"):
        Tokens.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UnsupportedModel, match="cannot be read"):
        Tokens.load(tmp_path)
