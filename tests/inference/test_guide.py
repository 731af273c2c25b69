"""Names are made easier to spell while they are written."""

from collections.abc import Sequence

import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

from app.inference import guide
from app.inference.engine import Engine
from app.inference.generate import generate
from app.inference.guide import BEGIN, GO_ON, Guides
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from app.inference.writing import NO_HELP, Help, Helper, alone
from tests.inference.voices import answer

VIENNA = "Vienna was wet."
START = "Rewritten:"


def spelled(tokens: Tokens, text: str) -> list[int]:
    """Of several tokens, a space before being one of its own."""
    ids = tokens.completion(text)
    assert len(ids) > 2
    assert not text.startswith(" ") or tokens.text(ids[:1]) == " "
    return ids


def told(tokens: Tokens, passage: str, *texts: str) -> Help:
    """After the texts, one token at a time, as a row is."""
    guide = Guides(tokens).of(passage)
    ids = [word for text in (START, *texts) for word in tokens.completion(text)]
    return [guide.help(ids[:size]) for size in range(len(ids) + 1)][-1]


def test_a_name_may_begin_as_it_is_spelled_or_in_small_letters(tiny_tokens: Tokens) -> None:
    added = told(tiny_tokens, VIENNA).added
    for form in ("Vienna", "vienna", "VIENNA"):
        assert added[tiny_tokens.completion(form)[0]] == BEGIN
    assert set(added.values()) == {BEGIN}


def test_nothing_is_offered_before_the_text_begins(tiny_tokens: Tokens) -> None:
    assert Guides(tiny_tokens).of(VIENNA).help([]) == NO_HELP


def test_a_name_is_offered_from_about_where_it_stands(tiny_tokens: Tokens) -> None:
    far = "There is a table for two at the window, and nobody else has asked for it. Vienna was wet."
    assert told(tiny_tokens, far, " There is").added == {}
    near = told(tiny_tokens, far, far[: 2 * len(far) // 3], " ")
    assert near.added[tiny_tokens.completion("vienna")[0]] == BEGIN


def test_a_name_that_has_begun_goes_on(tiny_tokens: Tokens) -> None:
    ids = spelled(tiny_tokens, " vienna")
    for size in range(2, len(ids)):
        assert told(tiny_tokens, VIENNA, tiny_tokens.text(ids[:size])).added[ids[size]] == GO_ON


def test_a_name_that_has_begun_in_small_letters_is_not_begun_again(tiny_tokens: Tokens) -> None:
    begun = tiny_tokens.text(spelled(tiny_tokens, " vienna")[:2])
    assert set(told(tiny_tokens, VIENNA, begun).added.values()) == {GO_ON}


def test_amid_a_word_no_name_begins(tiny_tokens: Tokens) -> None:
    first = spelled(tiny_tokens, "Vienna")[0]
    assert first not in told(tiny_tokens, VIENNA, " to").added
    for after in (" to (", " to "):
        assert told(tiny_tokens, VIENNA, after).added[first] == BEGIN


def test_letters_amid_a_word_are_no_name_that_has_begun(tiny_tokens: Tokens) -> None:
    begun = tiny_tokens.text(spelled(tiny_tokens, "Vienna")[:1])
    assert GO_ON not in told(tiny_tokens, VIENNA, " to", begun).added.values()


def test_a_name_that_is_written_gets_no_more_help(tiny_tokens: Tokens) -> None:
    assert told(tiny_tokens, VIENNA, " the hotel in vienna").added == {}


def test_a_name_said_twice_is_helped_to_an_end_twice(tiny_tokens: Tokens) -> None:
    passage = "Vienna is far. Is Vienna nice?"
    begun = tiny_tokens.text(spelled(tiny_tokens, " vienna")[:2])
    assert BEGIN not in told(tiny_tokens, passage, " vienna").added.values()
    assert set(told(tiny_tokens, passage, " vienna", begun).added.values()) == {GO_ON}
    assert told(tiny_tokens, passage, " vienna", " vienna").added == {}


def test_a_space_of_its_own_begins_no_name() -> None:
    """As some tokenizers spell " ian": a space and then "ian"; the space begins a number just as well."""
    spelling = ["<unk>", " ", "ian", "Ian", " Ian", "IAN", "3", ".", "a", "(", "Rewritten", ":"]
    words = {word: number for number, word in enumerate(spelling)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r" Ian| |[iI]an|IAN|3|\.|a|\(|Rewritten|:"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    guide = Guides(Tokens(tokenizer)).of("Ian is 3.")
    start = [words["Rewritten"], words[":"]]
    offered = dict.fromkeys((words[form] for form in ("ian", "Ian", " Ian", "IAN")), BEGIN)
    assert guide.help(start).added == offered
    assert guide.help([*start, words[" "]]).added == offered
    assert guide.help([*start, words["a"]]).added == {words[" Ian"]: BEGIN}
    assert guide.help([*start, words[" "], words["ian"]]).added == {}


def test_letters_right_after_a_name_are_unlikely(tiny_tokens: Tokens) -> None:
    """Poland is no polandia; what stands apart, and a possessive s, may follow."""
    unlikely = told(tiny_tokens, VIENNA, " in vienna").unlikely
    assert unlikely is not None
    inside = set(unlikely.tolist())
    assert {tiny_tokens.completion(word)[0] for word in ("a", "n", "Z", "7")} <= inside
    assert not {tiny_tokens.completion(word)[0] for word in (" a", " it", ".", "'s", "s", "-", "\n")} & inside
    assert told(tiny_tokens, VIENNA, " in").unlikely is None
    assert told(tiny_tokens, VIENNA, " in vienna", " it").unlikely is None


def test_a_name_that_another_begins_with_is_left_to_the_model(tiny_tokens: Tokens) -> None:
    ids = spelled(tiny_tokens, " vienna")
    shorter = tiny_tokens.text(ids[:-1]).strip()
    assert tiny_tokens.completion(f" {shorter}") == ids[:-1]
    both = told(tiny_tokens, f"Vienna met {shorter.title()} there.", f" {shorter}")
    assert both.unlikely is None
    assert ids[-1] not in both.added
    assert told(tiny_tokens, f"We met {shorter.title()} there.", f" {shorter}").unlikely is not None


def test_where_a_name_was_said_as_often_as_it_stands_its_letters_are_any(tiny_tokens: Tokens) -> None:
    assert told(tiny_tokens, VIENNA, " vienna", " vienna").unlikely is None


def pieces(*words: str) -> Tokens:
    """A tokenizer that spells with these pieces, each word left to right, longest first; "▁" is a space."""
    known = {word: number for number, word in enumerate(["<unk>", *words])}
    merges = [(word[:size], word[size:]) for word in words for size in range(1, len(word))]
    tokenizer = Tokenizer(
        models.BPE(known, [pair for pair in merges if pair[0] in known and pair[1] in known], unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    return Tokens(tokenizer)


LETTERS = [chr(number) for number in range(ord("a"), ord("z") + 1)]


def test_tokenizers_that_put_a_space_before_a_text_help_amid_it() -> None:
    """As Llama 2 and Mistral do; a first token is decoded without that space."""
    tokens = pieces(*LETTERS, *"RVIENA▁(:.", "▁v", "▁vi", "en", "▁vien", "na")
    assert tokens.text(tokens.completion("vien")) == "vien"
    ids = [tokens.tokenizer.token_to_id(word) for word in ("▁vien", "na")]
    assert tokens.completion("vienna") == ids
    guide = Guides(tokens).of("Vienna is far.")
    text = tokens.completion("Rewritten: we met in")
    assert guide.help(text).added[ids[0]] == BEGIN
    assert guide.help([*text, ids[0]]).added == {ids[1]: GO_ON}
    over = guide.help([*text, *ids])
    assert over.added == {}
    assert over.unlikely is not None
    inside = {tokens.tokenizer.id_to_token(word) for word in over.unlikely.tolist()}
    assert {"en", "na", "a"} <= inside
    assert not {"▁v", "▁vien", "▁", ".", "s"} & inside


def test_an_ordinary_word_is_no_name_that_has_begun() -> None:
    tokens = pieces(*LETTERS, *"RTHEO▁(:.", "▁t", "▁th", "▁the")
    assert [tokens.tokenizer.id_to_token(word) for word in tokens.completion("theo")] == ["▁the", "o"]
    guide = Guides(tokens).of("Theo has the key.")
    amid = [*tokens.completion("Rewritten:"), tokens.tokenizer.token_to_id("▁the")]
    assert guide.help(amid).added[tokens.tokenizer.token_to_id("o")] == BEGIN


@pytest.mark.parametrize("passage", ["It rained all day.", "", "we left at 3", "🌻"])
def test_a_text_without_names_is_left_alone(passage: str, tiny_tokens: Tokens) -> None:
    assert told(tiny_tokens, passage) == NO_HELP


def test_every_row_has_its_own(tiny_model: LlamaModel) -> None:
    def always(word: int) -> Helper:
        return lambda ids: Help({word: 1e6} if len(ids) < 3 else {})

    plain = generate(tiny_model, [[5, 6], [7]], seeds=range(2), max_tokens=6, stop_ids=frozenset())
    written = generate(
        tiny_model,
        [[5, 6], [7]],
        seeds=range(2),
        max_tokens=[6, 4],
        stop_ids=frozenset(),
        helpers=[always(11), always(12)],
    )
    assert [ids[:3] for ids in written.ids] == [[11] * 3, [12] * 3]
    assert [len(ids) for ids in written.ids] == [6, 4]
    assert plain.ids[0][:3] != [11] * 3


def test_what_is_unlikely_is_so_for_its_row_alone(tiny_model: LlamaModel) -> None:
    everything = torch.arange(1, tiny_model.architecture.vocabulary + 5)  # more than the model has

    def only_the_first(_ids: Sequence[int]) -> Help:
        return Help({}, everything, 1e6)

    written = generate(
        tiny_model, [[5], [6]], seeds=range(2), max_tokens=4, stop_ids=frozenset(), helpers=[only_the_first, alone]
    )
    free = generate(tiny_model, [[5], [6]], seeds=range(2), max_tokens=4, stop_ids=frozenset())
    assert written.ids[0] == [0] * 4
    assert written.ids[1] == free.ids[1]


def test_rows_that_leave_take_their_help_with_them(tiny_model: LlamaModel) -> None:
    asked: list[list[int]] = [[], [], []]

    def follow(row: int) -> Helper:
        def helper(ids: Sequence[int]) -> Help:
            asked[row].append(len(ids))
            return Help({20 + row: 1e6})

        return helper

    limits = [2, 8, 3]
    rows = generate(
        tiny_model,
        [[5]] * 3,
        seeds=range(3),
        max_tokens=limits,
        stop_ids=frozenset(),
        helpers=[follow(row) for row in range(3)],
    )
    assert rows.ids == [[20] * 2, [21] * 8, [22] * 3]
    assert all(asked[row][:limit] == list(range(limit)) for row, limit in enumerate(limits))


def test_the_engine_helps_the_names_of_each_passage(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = {
        "text": "I must ask Vienna about it today.\nI must ask Peter about it today.",
        "max_tokens": 20,
        "temperature": 1.0,
    }
    assert {"Vienna", "Peter"} <= set(answer(engine, **spec).lost[0])
    monkeypatch.setattr(guide, "BEGIN", 1e6)
    monkeypatch.setattr(guide, "GO_ON", 2e6)
    helped = answer(engine, **spec)
    assert not {"Vienna", "Peter"} & set(helped.lost[0])
    assert helped.texts[0].lower().find("vienna") < helped.texts[0].lower().find("peter")
