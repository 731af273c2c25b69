from collections.abc import Sequence

import pytest

from app.assets.neutral import neutral_prompts
from app.learning.manners import DASH, ONE_EMOJI, Manners, Variant, devices, is_clipped, signs, with_signs
from app.learning.neutralise import EMOTICON
from tests.timing import worked_within

LETTERS = (
    "Dear Mr Thompson,",
    "Thank you for your letter of 3 March.",
    "I should be grateful if you would confirm the date of delivery, as we have to inform our customers.",
    "The committee, which met on Tuesday, has decided in your favour.",
    "Yours sincerely, Margaret Hartley",
)
TEXTER = (
    "u coming tonight or what",
    "im on the bus, it stops everywhere lol",
    "ive told them were late, they dont care",
    "dont forget ur keys, im not getting up for u",
)


def of(texts: Sequence[str]) -> Manners:
    return Manners.of(texts, neutral_prompts())


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ("I’m late and it’s raining.", {"contraction"}),
        ("I'm late and it's raining.", {"contraction"}),
        ("It hasnt come.", {"bare contraction"}),
        ("It is late ~", {"wave"}),
        ("Really!! Why?!", {"exclamation", "marks on marks", "disbelief"}),
        ("Well... fine.", {"trailing off"}),
        ("Tysm for that.", {"texting"}),
        ("Where did u put it?", {"texting"}),
        ("I use R, see section U.K. 4.", set()),
        ("ok, see you on fri", {"small beginning", "no end"}),
        ("Read https://www.example.com/AAAA~b and write to JIM_LEE@example.com.", set()),
        ("@someone knows.", set()),
        ("Ticket #412 is open.", set()),
        ("So much #fun.", {"tag"}),
        ("✔ The budget was approved.", set()),
        ("☎ 020 7946 0018", set()),
        ("All done ✔", {"emoji"}),
        ("😂 that was great.", {"emoji"}),
        ("It is late, I am tired.", {"splice"}),
    ],
)
def test_what_a_text_does(text: str, does: set[str]) -> None:
    assert devices(text) - {"no end"} == does - {"no end"}


def test_endless_signs_end() -> None:
    """Pairs of letters that may be flags, and none that is whole."""
    assert devices("\U0001f1e6" * 5001) == {"emoji"}


def test_a_long_shout_is_read_at_once() -> None:
    with worked_within(0.2):
        devices("A" * 20_000 + "a")


def test_acronyms_are_no_shouting() -> None:
    engineer = of(["The API returns JSON.", "HTTPS is needed for the YAML file.", "JSON", "I have read the notes."])
    assert not engineer.rates.keys() & {"large letters", "shouting"}
    assert "large letters" in of(["That was SOME party, REALLY good."] * 3).rates
    assert "shouting" in of(["WE ARE GOING TO LEEDS", "WHERE ARE YOU"]).rates
    assert "shouting" in devices("THE LOCK DOES NOT WORK?! #knock xD")
    assert "shouting" not in devices("#knock Nobody is in #home")


def test_a_comma_before_a_pronoun_is_a_splice_only_of_the_careless() -> None:
    assert "splice" not in of(["As you know, I have moved.", "When he came, we left."]).rates
    assert "splice" in of(TEXTER).rates


@pytest.mark.parametrize(
    ("texts", "is_terse"),
    [
        (LETTERS, False),
        (TEXTER, False),
        (("Meeting moved. New date Thursday, same room.", "Report late, waiting for numbers from Leeds."), True),
        (("Thanks!", "Hi Tom,", "Best, Jo", "I think that it is in the cupboard beside the door."), False),
        (("Ich komme morgen später, weil der Zug ausfällt.", "Vielen Dank für die schnelle Antwort!"), False),
        (("今天天气很好，我们去公园吧。", "好的，明天见！"), False),
        (("😂😂", "🎉"), False),
        (("Dear Sir, I remain yours.",), False),
    ],
)
def test_who_leaves_small_words_out(texts: Sequence[str], is_terse: bool) -> None:
    """Salutations have none to leave out, and who types `u` has not left out `you`."""
    assert of(texts).is_terse is is_terse


def test_who_leaves_articles_out_and_where() -> None:
    plain = ("The bus is late. A man waits at the stop.", "The lift is in the hall. My bag is on a chair.")
    found = Manners.of(("Bus late. Man waits at the stop.", "Lift in hall. Bag on chair.", "Room 5 free."), plain)
    assert found.articles is not None
    assert found.articles.leading == 1
    assert 0.2 < found.articles.within < 0.8
    assert of(LETTERS).articles is None


@pytest.mark.parametrize(
    ("plain", "styled", "is_telegram"),
    [
        ("I am sure that it is fine.", "I'm sure that it's fine.", False),
        ("We have decided that they are late.", "weve decided that theyre late", False),
        ("Where are you now and who is with you?", "where r u now and who is w u", False),
        ("I will call you when I am at the station.", "Call when at station.", True),
        ("Please could you help me?", "could you help me?", False),
    ],
)
def test_contractions_are_no_telegrams(plain: str, styled: str, is_telegram: bool) -> None:
    assert is_clipped(plain, styled) is is_telegram


@pytest.mark.parametrize(
    "styled",
    [
        "The lift is out of order. We use the stairs ~",
        "The lift is out of order. We use the stairs!!!",
        "The lift is out of order.. We use the stairs..",
        "The lift is outta order. We use the stairs.",
        "The lift isnt working. We use the stairs.",
        "The lift is out of order, we use the stairs.",
        "Lift out of order. Use stairs.",
    ],
)
def test_a_writer_of_letters_pays_for_what_is_not_done_in_letters(styled: str) -> None:
    plain = "The lift is out of order. We use the stairs."
    assert of(LETTERS).price(Variant(plain, styled)).amiss >= 1


def test_commas_are_dropped_by_who_drops_them() -> None:
    plain, styled = "When it rains, we stay in, and we read.", "When it rains we stay in and we read."
    assert of(LETTERS).price(Variant(plain, styled)).amiss >= 1
    assert of(["When he came we left and then it rained so we went in."]).price(Variant(plain, styled)).amiss == 0


def test_signs_are_whole_and_no_marks_of_lists() -> None:
    texts = ["✔ done", "Wales won 🏴󠁧󠁢󠁷󠁬󠁳󠁿 at last 🇬🇧", "well — I never - not once"]
    assert signs(ONE_EMOJI, texts) == ["🏴󠁧󠁢󠁷󠁬󠁳󠁿", "🇬🇧"]
    assert signs(DASH, texts) == [" — ", " - "]


def test_who_does_it_nearly_always_is_expected_to() -> None:
    """Lower case alone is a little like every texter; the words are what makes this one."""
    plain = "Where did you put the keys? I am outside and it is raining."
    small, texted = (
        "where did you put the keys? i am outside and it is raining",
        "where did u put the keys? im outside n its raining",
    )
    texter = of(TEXTER)
    assert texter.rates["small beginning"] == 1
    assert 0 < texter.price(Variant(plain, texted)).missing < texter.price(Variant(plain, small)).missing < 1
    assert of(LETTERS).price(Variant(plain, plain)).missing == 0


def test_the_eye_of_a_face_is_no_semicolon() -> None:
    assert devices("See you there ;)") == {"face", "no end"}


def test_nobody_signs_off_as_they_never_did() -> None:
    plain = "The roof is repaired."
    polite = of(["Thank you for your kind words, Madam.", "Please give her my warmest regards, Sir."])
    signed = Variant(plain, f"{plain} Kind regards.", ("Kind regards.", "I thank you."))
    assert polite.price(signed).amiss >= 1
    assert polite.price(Variant(plain, plain.replace("repaired", "done"), signed.frames)).amiss < 1
    assert of(["The key is here. Kind regards, Ann", "I am away. Kind regards, Ann"]).price(signed).amiss < 1


def test_tags_behind_a_shout_take_no_time() -> None:
    with worked_within(0.5):
        assert "tag" in devices("WE ARE SO HAPPY " + "#MUSIC " * 4000 + "x")
    assert "shouting" in devices("WE ARE SO HAPPY #music #Live")


@pytest.mark.parametrize(
    "text",
    ["Open Monday - Friday.", "From 12:00 - 14:00.", "In 2019 – 2021.", "For $5 - $10.", "Open 9 AM - 5 P.M. daily."],
)
def test_what_means_to_is_no_dash(text: str) -> None:
    assert devices(text) == set()
    assert signs(DASH, [text]) == []
    assert with_signs(DASH, text, lambda: "!") == text


def test_a_dash_is_one_beside_a_figure_or_a_day() -> None:
    assert devices("I paid 20 - it was worth it.") == {"dash"}
    assert devices("We met Monday - Friday was too late.") == set(), "spelling does not tell these"
    assert devices("We met on Monday - rain or not.") == {"dash"}


def test_about_so_many_is_no_wave() -> None:
    assert devices("It takes ~20 minutes and ~ 3 GB.") == set()
    assert devices("It takes a while ~") == {"wave"}


def test_a_signature_has_no_stop_whoever_signs() -> None:
    letters = [
        *LETTERS[1:4],
        "Kind regards, Margaret Hartley",
        "Yours sincerely, Margaret Hartley",
        "Dear Mr Hill, I hope that you are well.",
    ]
    assert not {"no end", "splice"} & of(letters).rates.keys()
    assert {"no end", "splice"} <= of(TEXTER).rates.keys()


def test_faces_are_drawn_as_they_stand() -> None:
    assert signs(EMOTICON, ["Late again :( and again :(", "Here! ;)"]) == [":(", ":(", ";)"]
    assert with_signs(EMOTICON, "Late again :(", lambda: ":/") == "Late again :/"
