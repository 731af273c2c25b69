"""The warm-up's pairs: what they teach must be right in all of them, because a model learns the exceptions too."""

import json
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest

from app.assets.build import messages, warmup
from app.assets.build.corpora import human_texts
from app.inference.adapter_file import digest_of, unpack
from app.inference.card import read_card
from app.inference.model import LlamaModel
from app.inference.policy import LoraPolicy
from app.inference.tokens import Tokens
from app.inference.types import PLAIN_TAG, prompt_for
from app.learning.neutralise import EMOTICON
from app.learning.types import Pair
from tests.tiny import build_tiny_base

COMMENTS = (
    "I really don't know why [NAME] said that, it was so strange!",
    "lol my dog ate the whole sandwich and now he's asleep on the couch",
    "Thank you so much for the kind words, they mean a lot to me.",
    "This is the worst phone I have ever bought and the battery died twice.",
    "The actors are good but the story takes far too long to get going.",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (folder / "goemotions").mkdir()
    rows = [json.dumps({"text": text, "labels": ["neutral"]}) for text in COMMENTS]
    (folder / "goemotions" / "train.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (folder / "rated_sentiment").mkdir()
    for name in ("nytEditorialSnippets", "amazonReviewSnippets", "movieReviewSnippets", "tweets"):
        row = json.dumps({"text": f"A plain sentence that stands in for {name} here.", "rating": 1.0})
        (folder / "rated_sentiment" / f"{name}.jsonl").write_text(row, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def pairs(data: Path) -> list[Pair]:
    return warmup.pairs(human_texts(data, 3), 400, seed=3)


def is_towards_plain(pair: Pair) -> bool:
    return pair.prompt.endswith(f"[{PLAIN_TAG}]\n")


def test_messages_are_whole_sentences_with_every_slot_filled() -> None:
    rng = random.Random(0)
    for text in (messages.message(rng) for _ in range(500)):
        assert re.fullmatch(r"[A-Z$][^{}]*[.?]", text), text
        assert "  " not in text


def test_names_are_of_many_kinds() -> None:
    rng = random.Random(0)
    names = [messages.any_name(rng) for _ in range(2000)]
    assert len(set(names)) > 700
    assert 0.05 < sum(name.startswith(("Dr.", "Mr.", "Mrs.", "Ms.", "Professor")) for name in names) / 2000 < 0.15


def test_placeholders_for_people_become_names(data: Path) -> None:
    (text,) = (text for text in human_texts(data) if "said that" in text)
    assert re.search(r"why [A-Z][\w. ]+ said", text)


def test_the_same_seed_makes_the_same_pairs(data: Path, pairs: list[Pair]) -> None:
    assert warmup.pairs(human_texts(data, 3), 50, seed=3) == pairs[:50]
    assert warmup.pairs(human_texts(data, 3), 50, seed=4) != pairs[:50]


def test_both_directions_are_taught_and_no_copies(pairs: list[Pair]) -> None:
    plainward = [pair for pair in pairs if is_towards_plain(pair)]
    assert 0.15 < len(plainward) / len(pairs) < 0.4
    assert not any(pair.prompt == prompt_for(pair.completion, None) for pair in pairs)


def test_most_styled_texts_differ_in_more_than_a_mark_at_the_end(pairs: list[Pair]) -> None:
    styled = [pair for pair in pairs if not is_towards_plain(pair)]
    same = [pair.prompt.split()[:-1] == pair.completion.split()[: len(pair.prompt.split()) - 1] for pair in styled]
    assert sum(same) < 0.15 * len(styled)


def test_whose_a_thing_is_is_never_sure() -> None:
    """Else a model learns whose bicycle it always is, and says so."""
    rng = random.Random(0)
    said = [found[1] for _ in range(4000) if (found := re.search(r"\b(\w+) bicycle\b", messages.message(rng)))]
    assert set(said) | {"the"} >= {"my", "your", "his", "her", "our", "their", "the"}
    assert max(map(said.count, set(said))) < len(said) / 2


def test_the_recipe_trains_and_writes_an_adapter_of_its_base(data: Path, tmp_path: Path) -> None:
    base = build_tiny_base(tmp_path / "base")
    policy = LoraPolicy(LlamaModel.load(base), Tokens.load(base), rank=2, alpha=4)
    told: list[str] = []
    config = replace(warmup.CONFIG, steps=2, batch_size=2)
    figures = warmup.build(policy, read_card(base).digest, data, tmp_path / "out", told.append, config)
    assert figures["steps"] == 2
    assert figures["last_nll"] > 0
    content = (tmp_path / "out" / "warmup" / "adapter.safetensors").read_bytes()
    unpack(content, policy.model.architecture, base_digest=read_card(base).digest)
    assert digest_of(content) in told[-1]


def test_numbers_and_names_are_carried_over_whatever_the_style(pairs: list[Pair]) -> None:
    for pair in pairs:
        source = pair.prompt.removesuffix(f"[{PLAIN_TAG}]\n")
        for kept in re.findall(r"\b\d+(?:\.\d+)?", EMOTICON.sub(" ", source)):  # a heart is no figure
            assert kept in pair.completion, (source, pair.completion)
        if not is_towards_plain(pair):
            for name in re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", source):
                assert name.lower() in pair.completion.lower(), (source, pair.completion)
