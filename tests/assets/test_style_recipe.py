"""The recipe of the style encoder on a handful of texts: what a four is, what the loss asks, and that it repeats."""

import json
import random
import re
from pathlib import Path

import pytest
import torch

from app.assets.build import manners, style, swaps
from app.inference.style import load

COMMENT = "Then I could not find the {} because it was not there, and I asked for a new one."
REVIEW = "It is a {} that does not obtain approval. However, several people purchased it, which was a large error."
THINGS = "house garden letter kitchen window picture table river bridge mountain tree road dinner summer train".split()

RATED = ("nytEditorialSnippets", "amazonReviewSnippets", "movieReviewSnippets", "tweets")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    comments = [{"text": COMMENT.format(thing), "labels": ["neutral"]} for thing in THINGS]
    snippets = [{"text": REVIEW.format(thing), "rating": 0.5} for thing in THINGS]
    articles = [{side: f"It began. {' '.join(s['text'] for s in snippets)} It ended." for side in ("human", "machine")}]  # type: ignore[attr-defined]
    files = {"goemotions/train.jsonl": comments}
    files |= {f"rated_sentiment/{source}.jsonl": snippets for source in RATED}
    files |= {f"machine_text/{name}_gpt-3.5-turbo.jsonl": articles for name in style.MACHINE_TEXT}
    for name, rows in files.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return tmp_path / "data"


def test_it_learns_and_the_same_seed_gives_the_same_file(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style, "FOURS", 340)
    monkeypatch.setattr(style, "HELD_OUT", 80)
    monkeypatch.setattr(style, "BATCH", 64)
    said: list[str] = []
    figures = style.build(data, tmp_path / "one", said.append)
    style.build(data, tmp_path / "two", said.append)
    one, two = (tmp_path / name / "style" / "head.safetensors" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert figures["bundles_against_style"] > 0.6
    assert load(one)[1].look_up("garden").is_known


def test_sentences_are_whole_and_of_every_source(data: Path) -> None:
    found = style.sentences(data)
    assert len(found) == 4 + 2 * len(style.MACHINE_TEXT)
    assert all(text.endswith(".") for texts in found for text in texts)
    assert "It began." not in found[-1]


def test_a_single_manner_is_compared_with_its_own_negatives_only() -> None:
    rows = torch.nn.functional.normalize(torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0)), dim=-1)
    anchor, positive, negative, content = rows.unbind(1)
    own = torch.stack([(anchor * row).sum(1) for row in (positive, negative, content)], 1) / style.TEMPERATURE
    expected = -own.log_softmax(1)[:, 0].mean()
    assert torch.allclose(style.contrast(rows, torch.ones(3, dtype=torch.bool)), expected)
    assert style.contrast(rows, torch.zeros(3, dtype=torch.bool)) > expected


@pytest.mark.parametrize("make", manners.MAKERS, ids=lambda make: make.__name__)
def test_a_maker_gives_two_that_differ_or_none(make: manners.Maker) -> None:
    rng = random.Random(3)
    texts = [
        template.format(thing) for template in (COMMENT, REVIEW, "ok so the {} was gr8 lol idk why") for thing in THINGS
    ]
    made = [two for text in texts if (two := make(text, rng))]
    assert made
    assert all(one != other and one.strip() and other.strip() for one, other in made)


def test_forms_are_swapped_whole() -> None:
    rng = random.Random(0)
    assert manners.contracted("It's late; who has been here?", rng) == (
        "It is late; who has been here?",
        "It's late; who's been here?",
    )
    assert manners.contracted("The river rose.", rng) is None
    assert swaps.inflected("carry") == ["carry", "carries", "carried", "carrying"]
    assert swaps.inflected("purchase") == ["purchase", "purchases", "purchased", "purchasing"]


def test_simpler_and_harder_say_the_same_in_other_words() -> None:
    rng = random.Random(0)
    assert swaps.simplified("She purchased numerous vehicles, and they arrived promptly.", 1.0, rng) == (
        "She bought many cars. They came right away."
    )
    assert re.fullmatch(r"She \w+ (?:numerous|various) \w+\.", swaps.complicated("She bought many cars.", 1.0, rng))
    assert "bought" not in swaps.complicated("She bought many cars.", 1.0, rng)
    assert swaps.simplified("We met Chief Okafor.", 1.0, rng) == "We met Chief Okafor."
