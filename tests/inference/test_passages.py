from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inference.ends import with_end_of, without_open_end
from app.inference.passages import is_brief, split
from tests.timing import worked_within

texts = st.text(alphabet="ab .,;!?\n\t–é", max_size=300)


@given(texts, st.integers(1, 12))
def test_joining_the_passages_of_a_text_gives_the_text(text: str, words: int) -> None:
    found = split(text, words)
    assert found.join(found.passages) == text


@given(texts, st.integers(1, 12))
def test_no_passage_is_longer_than_allowed_blank_or_of_two_lines(text: str, words: int) -> None:
    passages = split(text, words).passages
    assert bool(passages) == any(map(str.isalnum, text))
    for passage in passages:
        count = len(passage.split())
        assert count > 0
        assert count <= words
        assert passage == passage.strip()
        assert "\n" not in passage


@given(texts, st.integers(1, 12))
def test_no_word_is_lost_or_kept_apart(text: str, words: int) -> None:
    found = split(text, words)
    marks = "".join(found.gaps).split()
    assert not any(map(str.isalnum, "".join(marks)))
    assert Counter(" ".join(found.passages).split()) + Counter(marks) == Counter(text.split())


def test_cuts_at_sentence_ends_before_the_limit() -> None:
    assert split("One two three. Four five six. Seven.", 4).passages == ["One two three.", "Four five six. Seven."]


def test_cuts_a_long_sentence_at_its_clauses() -> None:
    assert split("When it rains, we stay inside, mostly.", 4).passages == ["When it rains,", "we stay inside, mostly."]


def test_paragraphs_lists_and_indents_survive() -> None:
    text = "  Dear all,\n\n- one thing.\n- another thing.\n\nBye.\n"
    found = split(text, 40)
    assert found.passages == ["Dear all,", "one thing.", "another thing.", "Bye."]
    assert found.join([p.upper() for p in found.passages]) == text.upper()


def test_a_blank_text_has_no_passages() -> None:
    found = split(" \n ", 10)
    assert found.passages == []
    assert found.join([]) == " \n "


@pytest.mark.parametrize(
    ("passage", "is_line"),
    [
        ("Hello,", True),
        ("To whom it may concern,", True),
        ("Two eggs and some flour", True),
        ("I am sorry.", True),
        ('"I am sorry."', True),
        ("The parcel came today.", False),
        ('She said: "It came!"', False),
        ("We shall see you at seven", False),
        ("我们明天早上八点钟在学校门口见面，请大家准时到达。谢谢大家的支持和理解。", False),
    ],
)
def test_few_words_and_lines_without_a_stop_may_be_no_sentence(passage: str, is_line: bool) -> None:
    assert is_brief(passage) is is_line


def test_lines_that_a_mail_program_wrapped_are_one() -> None:
    text = (
        "Dear parents,\n\nThe summer party takes place on Saturday, 14 June, in the yard.\n"
        "We start at three o'clock and I hope that as many of you as possible\ncan come. Please bring a cake or a "
        "salad, and ask anybody else whom\nI forgot.\n\n"
        "- plates, cups and a blanket to sit on if you stay for the whole\n  concert\n"
        "- good mood\n\nKind regards,\nAnna\n"
    )
    cut = split(text, 40)
    assert cut.passages == [
        "Dear parents,",
        "The summer party takes place on Saturday, 14 June, in the yard.",
        "We start at three o'clock and I hope that as many of you as possible can come. Please bring a cake or a "
        "salad, and ask anybody else whom I forgot.",
        "plates, cups and a blanket to sit on if you stay for the whole concert",
        "good mood",
        "Kind regards,",
        "Anna",
    ]
    assert cut.join(cut.passages).split() == text.split()
    assert cut.join(["x"] * 7) == "x\n\nx\nx\n\n- x\n- x\n\nx\nx\n"


@pytest.mark.parametrize(
    "text",
    [
        "hey are you still coming on friday, it would be so good to see you\nlemme know",
        "Call the plumber about the sink in the bathroom and pay him at last\nBuy bread",
        "Please do this before you leave for your holidays in sunny Portugal:\nwater the plants",
        "all of them came late and nobody had the faintest idea what to do then\n\nso we left",
        "one line of more than a hundred characters shows that nobody wrapped the text at the width of a window\n"
        "but wrote it line by line, however long each of them became, and with no full stop\nat all",
        "roses are red\nviolets are blue",
        "See here:\nhttps://www.example.com/some/long/path/that/goes/on/for/sixty-characters\n"
        "https://www.example.com/some/long/path/that/goes/on/for/seventy-charact\nhttps://www.example.com/x",
        "hey can you pick up the kids from school today because im stuck here\n"
        "also we need milk and bread and something for dinner tonight i guess\nthx",
    ],
)
def test_lines_that_were_meant_stay_lines(text: str) -> None:
    assert split(text, 40).passages == [line for line in text.split("\n") if line]


def test_marks_of_lists_and_quotations_are_kept_apart() -> None:
    text = "1. eggs\n2) milk\n* tea\n> Anna wrote\n>> Tom wrote\n[x] done\n - \n-5 degrees\n# Title"
    cut = split(text, 40)
    assert cut.passages == ["eggs", "milk", "tea", "Anna wrote", "Tom wrote", "done", "-5 degrees", "Title"]
    assert cut.join(cut.passages) == text


@pytest.mark.parametrize("line", ["--", "---", "***", "🎉", ":)", "…", "}", "=====", "—"])
def test_what_says_nothing_is_kept_apart(line: str) -> None:
    cut = split(f"Hello\n\n{line}\nAnna", 40)
    assert cut.passages == ["Hello", "Anna"]
    assert cut.join(["a", "b"]) == f"a\n\n{line}\nb"
    assert split(line, 40).passages == []


def test_marks_may_be_of_many_kinds_and_several() -> None:
    marks = ["- [ ] ", "> > ", "1. - ", "a) ", "(1) ", "(b) ", "◦ ", "— ", "•\u00a0", "#### "]
    cut = split("".join(f"{mark}One\n" for mark in marks) + "A. Smith\n", 40)
    assert cut.passages == ["One"] * len(marks) + ["A. Smith"]


def test_letters_of_a_list_begin_lines() -> None:
    text = (
        "Please:\na) check the whole report for errors in the tables and the graphs\n"
        "b) send the final version to the printers on the ground floor\nc) tell Anna"
    )
    assert split(text, 40).join(["x"] * 4) == "x\na) x\nb) x\nc) x"


@pytest.mark.parametrize(
    "text",
    [
        "a " * 30 + "." * 50_000 + "x",
        "a" + ":" * 50_000 + "x",
        "a\n" + " " * 50_000,
        "a" + " " * 50_000 + "b",
        "word " * 10_000,
        ("word " * 14 + "\n") * 700,
        "- " * 25_000,
        "a, " * 15_000,
    ],
)
def test_strange_texts_take_no_longer(text: str) -> None:
    with worked_within(1):
        cut = split(text, 24)
        assert with_end_of(text, "hello,", is_line=False)
        assert without_open_end(text)
        with_end_of("Hello,", text, is_line=True)
    assert "".join(cut.join(cut.passages).split()) == "".join(text.split())


def test_a_title_ends_no_sentence() -> None:
    text = "We told Mrs. Brown and Dr. Ames about it. J. Novak came, too, with Prof. Lee."
    assert split(text, 10).passages == [
        "We told Mrs. Brown and Dr. Ames about it.",
        "J. Novak came, too, with Prof. Lee.",
    ]


def test_letters_with_full_stops_can_be_cut_between_words() -> None:
    text = "Answers: " + " ".join("ADCB"[number % 4] + "." for number in range(60))
    cut = split(text, 40)
    assert max(len(passage.split()) for passage in cut.passages) <= 40
    assert cut.join(cut.passages) == text
