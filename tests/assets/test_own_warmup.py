"""What a warm-up of another base learns from, and in which sizes."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.assets.build import warmup
from app.assets.build.own_warmup import CannotWarmUp, Sizes, texts_of
from app.inference.card import BaseCard
from app.inference.types import PLAIN_TAG

CARD = BaseCard("tiny", "0" * 64, 135_000_000, 40, 512, "")


def test_a_base_of_billions_takes_the_articles_sizes() -> None:
    large = Sizes.of(replace(CARD, parameters=3_000_000_000))
    assert (large.sft.steps, large.sft.batch_size, large.sft.learning_rate) == (1000, 1, 2e-5)
    assert (large.rank, large.alpha) == (32, 16.0)
    assert Sizes.of(CARD) == Sizes(warmup.CONFIG, warmup.RANK, warmup.ALPHA)


def test_without_texts_it_learns_from_messages_in_both_directions() -> None:
    pairs = warmup.pairs([], 200, seed=3)
    assert len(pairs) == 200
    assert 0.1 < sum(f"[{PLAIN_TAG}]" in pair.prompt for pair in pairs) / 200 < 0.4


def test_texts_are_lines_of_a_length_to_learn_from(tmp_path: Path) -> None:
    file = tmp_path / "texts.txt"
    file.write_text(f"\ufeffMy   own sentence, as written.\nshort\n\n{'long ' * 41}\nAnother one of my own.\n", "utf-8")
    assert texts_of(file) == ["My own sentence, as written.", "Another one of my own."]
    file.write_text("short\n")
    with pytest.raises(CannotWarmUp, match="no line of 4 to 40 words"):
        texts_of(file)
