from hypothesis import given
from hypothesis import strategies as st

from app.inference.passages import split

texts = st.text(alphabet="ab .,;!?\n\t–é", max_size=300)


@given(texts, st.integers(1, 12))
def test_joining_the_passages_of_a_text_gives_the_text(text: str, words: int) -> None:
    found = split(text, words)
    assert found.join(found.passages) == text


@given(texts, st.integers(1, 12))
def test_no_passage_is_longer_than_allowed_blank_or_of_two_lines(text: str, words: int) -> None:
    passages = split(text, words).passages
    assert bool(passages) == bool(text.strip())
    for passage in passages:
        count = len(passage.split())
        assert count > 0
        assert count <= words
        assert passage == passage.strip()
        assert "\n" not in passage


@given(texts, st.integers(1, 12))
def test_no_word_is_lost(text: str, words: int) -> None:
    assert " ".join(split(text, words).passages).split() == text.split()


def test_cuts_at_sentence_ends_before_the_limit() -> None:
    assert split("One two three. Four five six. Seven.", 4).passages == ["One two three.", "Four five six. Seven."]


def test_cuts_a_long_sentence_at_its_clauses() -> None:
    assert split("When it rains, we stay inside, mostly.", 4).passages == ["When it rains,", "we stay inside, mostly."]


def test_paragraphs_lists_and_indents_survive() -> None:
    text = "  Dear all,\n\n- one thing.\n- another thing.\n\nBye.\n"
    found = split(text, 40)
    assert found.passages == ["Dear all,", "- one thing.", "- another thing.", "Bye."]
    assert found.join([p.upper() for p in found.passages]) == text.upper()


def test_a_blank_text_has_no_passages() -> None:
    found = split(" \n ", 10)
    assert found.passages == []
    assert found.join([]) == " \n "
