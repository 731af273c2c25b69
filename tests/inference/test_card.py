import json
from pathlib import Path

import pytest

from app.inference.card import base_digest, read_card, write_card
from tests.tiny import build_tiny_base


def rewritten(path: Path, **entries: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | entries, indent=4))


def test_the_card_describes_the_folder(tiny_base: Path) -> None:
    card = read_card(tiny_base)
    assert (card.name, card.source, card.context_tokens) == ("tiny", "random weights", 512)
    assert card.passage_words == 40
    assert card.digest == base_digest(tiny_base)


def test_large_bases_take_longer_passages(tiny_base: Path, tmp_path: Path) -> None:
    for file in tiny_base.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    rewritten(tmp_path / "config.json", vocab_size=20_000_000)
    assert write_card(tmp_path, name="large", source="").passage_words == 220


def test_the_digest_is_of_what_is_computed_not_of_how_it_was_written(tmp_path: Path) -> None:
    digest = base_digest(build_tiny_base(tmp_path))
    rewritten(tmp_path / "config.json", transformers_version="9.9", dtype="bfloat16")
    rewritten(tmp_path / "tokenizer.json", version="1.0")
    assert base_digest(tmp_path) == digest
    rewritten(tmp_path / "config.json", rms_norm_eps=1e-3)
    assert base_digest(tmp_path) != digest


def test_other_weights_and_other_words_are_another_base(tmp_path: Path) -> None:
    first, second = build_tiny_base(tmp_path / "1"), build_tiny_base(tmp_path / "2", seed=1)
    assert base_digest(first) != base_digest(second)
    digest, path = base_digest(first), first / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["model"]["vocab"]["!"], tokenizer["model"]["vocab"]['"'] = 2, 1
    path.write_text(json.dumps(tokenizer))
    assert base_digest(first) != digest


def test_a_folder_without_card_or_weights_is_no_base(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_card(tmp_path)
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_text('{"model": {}}')
    with pytest.raises(FileNotFoundError, match="safetensors"):
        base_digest(tmp_path)
