from math import isnan

import pytest

from app.inference.faithful import Verdict, judge, share_told

PASSAGE = "Maria is having a small dinner at her flat on Friday. She would like you to come at seven."


def amiss(passage: str, text: str, *, is_finished: bool = True) -> set[str]:
    """The parts of the verdict that are not whole."""
    verdict = judge(passage, text, is_finished=is_finished)
    assert 0 < verdict.score <= 1
    assert verdict.is_faithful is (verdict.score == 1)
    return {name for name, part in verdict.parts.items() if part < 1}


@pytest.mark.parametrize(
    "text",
    [
        PASSAGE,
        "maria's having a small dinner at hers fri, she'd like u there at 7 lol",
        "I have the honour to say that Maria is giving a dinner on Friday, at her flat; pray come at seven o'clock.",
        "Oh oh oh!! Maria is having a tiny dinner at hers on Friday 🎉🎉🎉🎉 Do come at SEVEN, she'd love it, love it!",
    ],
)
def test_every_voice_may_say_it_in_its_own_way(text: str) -> None:
    assert amiss(PASSAGE, text) == set()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Mother is having a small dinner at her flat on Friday. She would like you to come at seven.", {"facts"}),
        ("maria is having a small dinner at her flat at 7 on friday", set()),
        ("Maria is having a dinner.", {"facts", "length"}),
        (PASSAGE + " Oh my, oh my, oh my.", {"loop"}),
        (PASSAGE + " And so on" * 12, {"loop", "length"}),
    ],
)
def test_what_is_amiss_has_a_name(text: str, parts: set[str]) -> None:
    assert amiss(PASSAGE, text) == parts


def test_a_dropped_sentence_is_noticed() -> None:
    passage = "Thank you for lending me your bicycle last week. I have cleaned it and left it in your garage."
    assert amiss(passage, "thank you so much for lending me your bicycle last week, it was lovely") == {"sentences"}


def test_the_share_of_sentences_that_were_told() -> None:
    passage = (
        "This week our farmers picked carrots and spinach. You can change your box until Tuesday at noon. "
        "Every box now comes with three recipes. I look forward to hearing from you."
    )
    assert share_told(passage, passage) == 1
    assert share_told(passage, "farmers picked carrots n spinach, u can change ur box til tues, 3 recipes in each") == 1
    assert share_told(passage, "farmers picked carrots n spinach this week") == pytest.approx(1 / 3)
    assert isnan(share_told("See you there!", "cheers")), "courtesy is everybody's own"


def test_a_text_that_met_its_limit_is_half_said() -> None:
    assert amiss(PASSAGE, PASSAGE, is_finished=False) == {"ending"}


@pytest.mark.parametrize(
    ("passage", "text", "is_loop"),
    [
        ("I am glad.", "so so so glad", False),
        ("I am glad.", "so so so so glad", True),
        ("No no no no, not again.", "no no no no, not again", False),
        ("I am glad that you came.", "i am glad, i am glad, i am glad", True),
        ("I was glad, you were glad and we were fine.", "i was so glad, you were so glad, we were so fine", False),
        ("Here it is.", "I want to go and I want to see and I want to eat", True),
        ("I want to go and I want to see.", "I want to go and I want to see, I want to!", False),
        ("It was fine.", "it was fine with me and you, yes it was fine with me and you", True),
        ("It was fine.", "it was fine 🌸🌸🌸🌸🌸🌸 !!! !!! !!!", False),
    ],
)
def test_loops_are_told_from_emphasis(passage: str, text: str, is_loop: bool) -> None:
    assert ("loop" in amiss(passage, text)) is is_loop


@pytest.mark.parametrize(
    ("passage", "text", "is_right"),
    [
        ("Thanks.", "thank you so very very much dear", True),
        ("See you soon.", "bye", True),
        ("The train was late and the bus was full again today.", "train late, bus full again", False),
        ("The train was late and the bus was full again today.", "train late, bus full again, sigh today", True),
        ("Thanks.", "thanks " + "and then we went to the sea " * 2, False),
    ],
)
def test_length_has_room_for_openers(passage: str, text: str, is_right: bool) -> None:
    assert ("length" not in amiss(passage, text)) is is_right


@pytest.mark.parametrize("text", ["", " \n"])
def test_nothing_is_the_worst(text: str) -> None:
    verdict = judge(PASSAGE, text, is_finished=True)
    assert (verdict.score, verdict.is_faithful, verdict.lost) == (0.0, False, ())


def test_the_less_is_lost_the_better() -> None:
    texts = [
        PASSAGE,
        PASSAGE.replace("Maria", "Mother"),
        PASSAGE.replace("Maria", "Mother").replace("seven", "eight"),
        PASSAGE.replace("Maria", "Mother") + " Oh my, oh my, oh my.",
        "",
    ]
    verdicts = [judge(PASSAGE, text, is_finished=True) for text in texts]
    scores = [verdict.score for verdict in verdicts]
    assert scores == sorted(set(scores), reverse=True)
    assert verdicts[2].lost == ("Maria", "seven")


def test_a_score_is_the_product_of_its_parts() -> None:
    assert Verdict({"facts": 0.5, "ending": 0.5}).score == 0.25


@pytest.mark.parametrize(
    ("passage", "text", "is_near"),
    [
        ("Hello,", "hey there!!", True),
        ("Hello,", "Hello, my dear old friend", False),
        ("Dear parents,", "dude parents", False),
        ("Dear parents,", "hey there parents!", True),
        ("Dear parents,", "Parents.", False),
        ("Dear parents,", "nice trousers,", False),
        ("Dear Dr. Novak,", "hi novak", True),
        ("Hello Mrs. Brown,", "hello mr brown,", False),
        ("Kind regards,", "Purple elephants,", False),
        ("Kind regards,", "cheers,", True),
        ("Thank you.", "thx!", True),
        ("See you soon.", "bye!", True),
        ("Sincerely,", "Really,", False),
        ("Take care,", "Care,", False),
        ("I am sorry.", "sorry!", True),
        ("I agree.", "agreed", True),
        ("It works.", "works", True),
        ("I will come.", "You will go.", False),
        ("Yes.", "banana", False),
        ("Milk and bread", "butter and cheese", False),
        ("Breakfast: free", "Lunch: free", False),
        ("Call mum about school today", "ask dad about church today", False),
        ("Room 12", "room twelve", True),
        ("Minutes", "minss", False),
        ("$50", "50", False),
        ("Discount: 20 %", "discount: 20", False),
        ("Outside: -5 °C", "outside: 5 °c", False),
        ("Outside: -5 °C", "OUTSIDE -5 °C", True),
        ("Hello,", "Hello, #rewritten", False),
        ("Hello,", "Goodbye,", False),
        ("Good morning,", "Good night,", False),
        ("Best regards,", "Good morning,", False),
        ("Thanks!", "Sorry!", False),
        ("Yes", "Sorry", False),
        ("Yes please", "Sorry, see you soon", False),
        ("Are you there?", "I am there.", False),
        ("It is on.", "Is it on?", False),
        ("Any questions?", "any questions", True),
        ("For you", "for me", False),
        ("Call at 9 am", "Call at 9 pm", False),
        ("At 7", "at 7.30", False),
        ("At seven", "at 7", True),
        ("12 High Street", "12 High Street 14", False),
        ("From 5 to 7", "From 7 to 5", False),
        ("Hi Tom,", "Hi Tom Brown,", False),
        ("Invoice from Anna to Bob", "Invoice from Bob to Anna", False),
        ("https://a.io/x", "https://a.io/X", False),
        ("**Summary**", "Summary", False),
        ("| Anna | 5 |", "Anna 5", False),
        ("Dear Dr. Novak,", "Dear Dr. Novak; nonetheless, nonetheless.", False),
        ("Mattresses", "Matrices", False),
        ("Mattresses", "MATTRESSES", True),
        ("See you at seven", "c u at 7 tmrw", True),
        ("See you at seven tomorrow.", "ok lets meet at 7 tmrw", True),
        ("Please send blue forms,", "plz send the red ones,", False),
        ("No problem.", "Problem solved.", False),
        ("I agree.", "I don't agree.", False),
        ("I cannot come.", "i cant come", True),
        ("No, no!", "no no", True),
        ("I can say no to that and to nobody else.", "i say yes to that", True),
    ],
)
def test_a_few_words_are_judged_word_by_word(passage: str, text: str, is_near: bool) -> None:
    assert ("brief" not in amiss(passage, text)) is is_near


def test_a_text_that_speaks_of_its_task_is_none() -> None:
    assert amiss(PASSAGE, PASSAGE + " #rewritten") == {"echo"}
    assert amiss("It was rewritten by Maria last night.", "maria has rewritten it last night") == set()


@pytest.mark.parametrize("passage", ["--", "🎉", ":)", "…", ""])
def test_what_says_nothing_may_be_judged(passage: str) -> None:
    assert judge(passage, passage or "x", is_finished=True).score <= 1
    assert not judge(passage, "I am", is_finished=True).is_faithful
