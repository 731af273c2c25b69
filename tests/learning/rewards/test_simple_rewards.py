"""Format, length, human-likeness, meaning, entities: each against values worked out by hand."""

import math

import pytest
import torch

from app.inference import types as inference_types
from app.learning.rewards import entities, format, human, length, meaning


def test_the_prefix_is_the_engines_prefix():
    assert format.PREFIX == inference_types.PREFIX


@pytest.mark.parametrize(
    ("completion", "is_finished", "worth"),
    [
        ("Rewritten: hello there", True, 1.0),
        ("Rewritten: hello there\n", True, 1.0),
        ("Rewritten: 🌸", True, 1.0),
        ("Rewritten: hello there", False, 0.0),
        ("rewritten: hello there", True, 0.0),
        ("Rewritten:hello", True, 0.0),
        ("hello there", True, 0.0),
        ("Sure! Rewritten: hello", True, 0.0),
        ("Rewritten: ", True, 0.0),
        ("Rewritten:   \n", True, 0.0),
        ("Rewritten: hello\nthere", True, 0.0),
        ("Rewritten: hello Rewritten: hello", True, 0.0),
        ("Rewritten: rewritten: hello", True, 0.0),
        ("", True, 0.0),
        ("Rewritten: see u soon –", True, 0.0),
        ("Rewritten: see u soon,", True, 0.0),
        ("Rewritten: see u soon—", True, 0.0),
        ("Rewritten: see u soon --", True, 0.0),
        ("Rewritten: see u – soon-ish-", True, 1.0),
        ("Rewritten: see u ^_^;", True, 1.0),
    ],
)
def test_format(completion, is_finished, worth):
    assert format.well_formed([completion], [is_finished], ["See you soon."]).tolist() == [worth]


def test_what_broke_off_may_break_off():
    texts = ["Rewritten: Dear Mr. Fox,", "Rewritten: Dear Mr. Fox", "Rewritten: Dear Mr. Fox,"]
    sources = ["Dear Mr Fox,", "Dear Mr Fox,", "Dear Mr Fox"]
    assert format.well_formed(texts, [True] * 3, sources).tolist() == [1.0, 1.0, 0.0]


def test_stripping_leaves_the_rewrite():
    assert format.stripped("Rewritten:  see u soon \n") == "see u soon"
    assert format.stripped("no prefix") == "no prefix"


def test_emoji_and_loose_marks_are_not_words():
    assert length.words("see you — soon 🌸 🌸 !!") == 3
    assert length.ratios(["one two three four"], ["one two 🎉 🎉 🎉"]).item() == 0.5
    assert length.ratios(["🎉"], ["one two"]).item() == 2


@pytest.mark.parametrize(
    ("ratio", "worth"),
    [(0.0, 0.0), (0.375, 0.5), (0.75, 1.0), (1.0, 1.0), (1.3, 1.0), (1.65, 0.5), (2.0, 0.0), (9.0, 0.0)],
)
def test_relative_length(ratio, worth):
    assert length.relative_length(torch.tensor([ratio]), 0.3).item() == pytest.approx(worth, abs=1e-6)


@pytest.mark.parametrize(
    ("p", "worth"), [(0.0, 0.0), (0.3, 0.3), (0.5, 0.5), (0.6, math.sqrt(0.6) * 1.11), (0.82, 1.0), (1.0, 1.0)]
)
def test_humanlike_is_the_articles_curve(p, worth):
    assert human.humanlike(torch.tensor([p])).item() == pytest.approx(worth, abs=5e-3)


@pytest.mark.parametrize(
    ("cosine", "worth"),
    [(1.0, 1.0), (0.85, 1.0), (0.68, 0.8), (0.5, 0.5 / 0.85), (0.4, 0.4 / 0.85 * 0.8**4), (0.0, 0.0), (-0.3, 0.0)],
)
def test_kept_meaning(cosine, worth):
    assert meaning.kept_meaning(torch.tensor([cosine]), 0.85).item() == pytest.approx(worth, abs=1e-6)


def test_meaning_falls_steeply_below_a_half():
    at = meaning.kept_meaning(torch.tensor([0.6, 0.5, 0.4]), 0.85)
    assert at[1] - at[2] > 2.5 * (at[0] - at[1])


def test_meaning_compares_what_is_said_and_encodes_every_sentence_once():
    encoded = []

    def encoder(texts):
        encoded.extend(texts)
        rows = torch.tensor([[float("rain" in text), float("sun" in text)] for text in texts])
        return torch.nn.functional.normalize(rows + 1e-6, dim=-1)

    def neutralise(text):
        return text.replace("!", "").replace("🎉", "").strip().lower()

    cosine = meaning.similarity(
        encoder, neutralise, ["It is rain", "It is rain", "It is rain"], ["IT IS RAIN!!", "it is sun", "🎉"]
    )
    assert cosine[:2].tolist() == pytest.approx([1.0, 0.0], abs=1e-4)
    assert sorted(encoded) == [".", "it is rain", "it is sun"]


def finder(texts):
    known = ("anna smith", "the tate modern", "5 pm", "ann", "paris's")
    return [frozenset(name for name in known if name in text.lower()) for text in texts]


@pytest.mark.parametrize(
    ("source", "text", "share"),
    [
        ("Anna Smith left.", "anna smith has gone", 2 / 3 + 1 / 3 - 1 / 2),
        ("At the Tate Modern by 5 pm.", "tate modern, 5 PM!!", 1.0),
        ("At the Tate Modern by 5 pm.", "the tate at 5 pm", 0.5),
        ("At 5 pm.", "at five", 0.0),
        ("Paris's rain.", "rain in paris 🌧", 1.0),
        ("Nothing here.", "nothing here", None),
    ],
)
def test_entity_recall(source, text, share):
    recall = entities.recall(finder, [source], [text])
    if share is None:
        assert math.isnan(recall.item())
        assert entities.kept_entities(recall).item() == 1
    else:
        assert recall.item() == pytest.approx(share)


def test_an_entity_is_found_as_whole_words_only():
    assert entities.recall(lambda t: [frozenset({"ann"})], ["Ann"], ["the plan"]).item() == 0
    assert entities.recall(lambda t: [frozenset({"ann"})], ["Ann"], ["Ann's plan"]).item() == 1


def test_entities_are_looked_for_once_per_source():
    asked = []

    def counting(texts):
        asked.extend(texts)
        return [frozenset({"x"})] * len(texts)

    assert entities.recall(counting, ["a", "a", "b"], ["x", "y", "X"]).tolist() == [1, 0, 1]
    assert asked == ["a", "b"]
