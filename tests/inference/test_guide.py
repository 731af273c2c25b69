"""Names are made easier to spell while they are written."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from app.inference import guide
from app.inference.engine import Engine
from app.inference.generate import generate
from app.inference.guide import BEGIN, GO_ON, Guide
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from tests.inference.voices import answer

VIENNA = "The hotel in Vienna was clean."


def spelled(tokens: Tokens, text: str) -> list[int]:
    ids = tokens.completion(text)
    assert len(ids) > 1
    return ids


def test_a_name_may_begin_as_it_is_spelled_or_in_small_letters(tiny_tokens: Tokens) -> None:
    added = Guide.of(VIENNA, tiny_tokens).likelier([])
    for form in ("Vienna", "vienna", "VIENNA", " Vienna", " vienna"):
        assert added[tiny_tokens.completion(form)[0]] == BEGIN
    assert set(added.values()) == {BEGIN}


def test_a_name_that_has_begun_goes_on(tiny_tokens: Tokens) -> None:
    ids = spelled(tiny_tokens, " vienna")
    named = Guide.of(VIENNA, tiny_tokens)
    for size in range(1, len(ids)):
        assert named.likelier(ids[:size])[ids[size]] == GO_ON


def test_a_name_that_has_begun_in_small_letters_is_not_begun_again(tiny_tokens: Tokens) -> None:
    ids = spelled(tiny_tokens, " vienna")
    assert set(Guide.of(VIENNA, tiny_tokens).likelier(ids[:1]).values()) == {GO_ON}


def test_amid_a_word_no_name_begins(tiny_tokens: Tokens) -> None:
    named = Guide.of(VIENNA, tiny_tokens)
    glued, apart = tiny_tokens.completion("Vienna")[0], tiny_tokens.completion(" Vienna")[0]
    amid, after = named.likelier(tiny_tokens.completion("to")), named.likelier(tiny_tokens.completion("to ("))
    assert amid[apart] == BEGIN
    assert glued not in amid
    assert after[glued] == BEGIN


def test_letters_amid_a_word_are_no_name_that_has_begun(tiny_tokens: Tokens) -> None:
    named = Guide.of(VIENNA, tiny_tokens)
    amid = [*tiny_tokens.completion("to"), *spelled(tiny_tokens, "Vienna")[:1]]
    assert GO_ON not in named.likelier(amid).values()


def test_a_name_that_is_written_gets_no_more_help(tiny_tokens: Tokens) -> None:
    assert Guide.of(VIENNA, tiny_tokens).likelier(spelled(tiny_tokens, "the hotel in vienna")) == {}


def test_a_name_said_twice_is_helped_to_an_end_twice(tiny_tokens: Tokens) -> None:
    named = Guide.of("Vienna is far. Is Vienna nice?", tiny_tokens)
    ids = spelled(tiny_tokens, " vienna")
    assert BEGIN not in named.likelier(ids).values()
    assert named.likelier([*ids, *ids[:1]])[ids[1]] == GO_ON
    assert named.likelier([*ids, *ids]) == {}


@pytest.mark.parametrize("passage", ["It rained all day.", "", "we left at 3", "🌻"])
def test_a_text_without_names_is_left_alone(passage: str, tiny_tokens: Tokens) -> None:
    assert Guide.of(passage, tiny_tokens).likelier([]) == {}


def test_every_row_has_its_own(tiny_model: LlamaModel) -> None:
    def always(word: int) -> Callable[[Sequence[int]], Mapping[int, float]]:
        return lambda ids: {word: 1e6} if len(ids) < 3 else {}

    plain = generate(tiny_model, [[5, 6], [7]], seeds=range(2), max_tokens=6, stop_ids=frozenset())
    written = generate(
        tiny_model,
        [[5, 6], [7]],
        seeds=range(2),
        max_tokens=[6, 4],
        stop_ids=frozenset(),
        likelier=[always(11), always(12)],
    )
    assert [ids[:3] for ids in written.ids] == [[11] * 3, [12] * 3]
    assert [len(ids) for ids in written.ids] == [6, 4]
    assert plain.ids[0][:3] != [11] * 3


def test_rows_that_leave_take_their_help_with_them(tiny_model: LlamaModel) -> None:
    asked: list[list[int]] = [[], [], []]

    def follow(row: int) -> Callable[[Sequence[int]], Mapping[int, float]]:
        def likelier(ids: Sequence[int]) -> Mapping[int, float]:
            asked[row].append(len(ids))
            return {20 + row: 1e6}

        return likelier

    limits = [2, 8, 3]
    rows = generate(
        tiny_model,
        [[5]] * 3,
        seeds=range(3),
        max_tokens=limits,
        stop_ids=frozenset(),
        likelier=[follow(row) for row in range(3)],
    )
    assert rows.ids == [[20] * 2, [21] * 8, [22] * 3]
    assert all(asked[row][:limit] == list(range(limit)) for row, limit in enumerate(limits))


def test_the_engine_helps_the_names_of_each_passage(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = {"text": "Ask Vienna today please.\nAsk Peter today please.", "max_tokens": 20, "temperature": 1.0}
    assert {"Vienna", "Peter"} <= set(answer(engine, **spec).lost[0])
    monkeypatch.setattr(guide, "BEGIN", 1e6)
    monkeypatch.setattr(guide, "GO_ON", 2e6)
    helped = answer(engine, **spec)
    assert not {"Vienna", "Peter"} & set(helped.lost[0])
    assert helped.texts[0].lower().find("vienna") < helped.texts[0].lower().find("peter")
