import pytest

from app.inference.ends import with_end_of, without_open_end


@pytest.mark.parametrize(
    ("passage", "text", "ended"),
    [
        ("Dear parents,", "Dear parents.", "Dear parents,"),
        ("Dear parents,", "hey parents", "hey parents,"),
        ("Hi Anna,", "hey anna!!", "hey anna!!"),
        ("Hi Anna,", "hey (anna)", "hey (anna),"),
        ("Ingredients:", "ingredients...", "ingredients:"),
        ("Mattresses", "Mattresses.", "Mattresses"),
        ("Mattresses", "mattresses 😊", "mattresses 😊"),
        ("It works.", "It works;", "It works."),
        ("It works!", "it works", "it works"),
        ("It works", "it works,", "it works"),
        ("Does it work?", "does it:", "does it?"),
        ("Dear parents,", ",", ","),
        ("Hi Anna,", "hi anna :)", "hi anna :)"),
        ("Hi Anna,", "hi anna <3", "hi anna <3"),
        ("Hi Anna,", "hi anna 🌱", "hi anna 🌱"),
        ("**Ingredients**:", "**Ingredients**", "**Ingredients**:"),
        ("Discount in %:", "discount in %", "discount in %:"),
        ("नमस्ते,", "नमस्ते", "नमस्ते,"),
        ("Bonjour :", "bonjour.", "bonjour :"),
        ("At 5 p.m.,", "at 5 p.m.", "at 5 p.m.,"),
        ("We met Acme Inc.,", "We met Acme Inc.,", "We met Acme Inc.,"),
        ("Meeting at 5 pm", "meeting at 5 p.m.", "meeting at 5 p.m."),
        ("Hello there", "hello there...", "hello there..."),
        ("Really?!", "really,", "really?!"),
        ("Well...", "well;", "well..."),
        ("—", ";", ";"),
    ],
)
def test_a_line_keeps_the_end_it_has(passage: str, text: str, ended: str) -> None:
    assert with_end_of(passage, text, is_line=True) == ended


def test_a_sentence_without_a_full_stop_may_get_one() -> None:
    passage = "we will be at the station at seven and wait for you"
    assert with_end_of(passage, "We shall be there.", is_line=False) == "We shall be there."
    assert with_end_of(passage, "We shall be there;", is_line=False) == "We shall be there"


@pytest.mark.parametrize(
    ("passage", "asked"),
    [("Dear all,", "Dear all"), ("To do: ", "To do"), ("No,;", "No"), ("Yes , ,", "Yes"), (",", ",")],
)
def test_nobody_is_asked_to_go_on_after_a_comma(passage: str, asked: str) -> None:
    assert without_open_end(passage) == asked
