import pytest

from app.inference.facts import lost, pieces
from tests.timing import worked_within


def missing(passage: str, text: str = "") -> list[str]:
    return lost(pieces(passage), pieces(text))[0]


@pytest.mark.parametrize(
    ("passage", "facts"),
    [
        ("Maria called.", ["Maria"]),
        ("Eleanor asked for it.", ["Eleanor"]),
        ("Eleanor, can you come?", ["Eleanor"]),
        ("Eleanor's car broke down.", ["Eleanor"]),
        ("Priyanka and Tomasz are here.", ["Priyanka", "Tomasz"]),
        ("Dr. Patel looked at my shoulder.", ["Patel"]),
        ("She saw J. Romero. Then she left.", ["J", "Romero"]),
        ("Please tell Tom that I'm late.", ["Tom"]),
        ("Thanks for the flowers. They are lovely.", []),
        ("Dinner is ready. Can you come?", []),
        ("Unfortunately, the train was late.", []),
        ("Looking forward, as always.", []),
        ("Pupils asked for it.", []),
        ("Nicolas asked for it.", ["Nicolas"]),
        ("I told him. I'll wait, I said, I'd wait.", []),
        ("Will you come? May I ask Mark?", ["Mark"]),
        ("Will has the keys, and Grace is away in May.", ["Will", "Grace", "May"]),
        ("Hope to see you. Mark the date.", []),
        ("See you on Monday at 3 PM or 9 a.m. Please bring bread.", ["Monday", "3", "9"]),
        ("Sat in traffic for an hour. Sun is out.", []),
        ("Send it to NASA, not to the BBC.", ["NASA", "BBC"]),
        ("I am SO happy, that was GLORIOUS!", []),
        ("So happy 🌻 Thanks for the iPad!", ["iPad"]),
        ('He said: "Bring the old one." Then he left.', []),
        ("Tell Mum and Uncle Ben.", ["Ben"]),
        ("we met maria in vienna last spring", ["maria", "vienna"]),
        ("will you mark it, rose?", []),
        ("PLEASE CALL MARIA BEFORE THE MEETING", ["MARIA"]),
        (
            "Write to ada@example.org or see https://example.org/a?b=1.",
            ["ada@example.org", "https://example.org/a?b=1"],
        ),
        ("It costs $1,500 for twenty-five people.", ["1,500", "twenty"]),
        ("No one knows. One day we will.", []),
        ("We leave tomorrow.", ["tomorrow"]),
        ("It leaves from gate B12 at 10:30.", ["B12", "10:30"]),
        ("", []),
    ],
)
def test_facts_are_told_by_their_spelling(passage: str, facts: list[str]) -> None:
    assert missing(passage) == facts


@pytest.mark.parametrize(
    ("passage", "text"),
    [
        ("Maria called.", "mariaaa called!!"),
        ("I took Maria's car.", "took marias car"),
        ("See you on Thursday in September.", "c u thurs in sept"),
        ("Thursday", "thursday's"),
        ("José met Zoë O'Brien.", "jose met zoe obrien"),
        ("We leave tomorrow at seven.", "leaving tmrw at 7"),
        ("It costs 1,500 euros.", "it costs 1500 euros"),
        ("At 10:30 sharp.", "10.30 sharp"),
        ("At 6:30.", "at half past six"),
        ("I have twenty-five books.", "got 25 books"),
        ("It lasts two weeks.", "it lasts a fortnight"),
        ("Dr. Patel called.", "doc patel rang"),
        ("Anne-Marie and J. Patel", "j patel n anne marie"),
        ("See https://example.org.", "see HTTPS://EXAMPLE.ORG"),
    ],
)
def test_people_spell_facts_in_their_own_way(passage: str, text: str) -> None:
    assert missing(passage) != []
    assert missing(passage, text) == []


@pytest.mark.parametrize(
    ("passage", "text", "gone"),
    [
        ("Please send it to Vienna.", "pls send it to vien", ["Vienna"]),
        ("Maria will come with Tom.", "Mother will come with Tom.", ["Maria"]),
        ("Tell Dr. Patel to come at 3.", "tell the guy to come at 4", ["Patel", "3"]),
        ("Tom and Tom and Tom.", "nobody", ["Tom"]),
        ("We met 15 people.", "we met 150 people", ["15"]),
    ],
)
def test_what_is_gone_is_named_once(passage: str, text: str, gone: list[str]) -> None:
    assert missing(passage, text) == gone


def test_it_is_counted_how_much_could_be_lost() -> None:
    assert lost(pieces("Tom met Ann at 3, and Ann met Tom."), pieces("tom met ann at 3")) == ([], 3)


@pytest.mark.parametrize("mark", ["_", "-", "+", ".", "a@", "www.", "http://", "1.", "a.", "@-"])
def test_however_often_a_mark_is_repeated_it_is_read_at_once(mark: str) -> None:
    """The engine's thread reads it, and while it does nobody else's text is written."""
    with worked_within(0.5):
        list(pieces("see " + mark * (20_000 // len(mark))))


def test_an_address_may_begin_with_marks() -> None:
    assert missing("Write to _ann.lee+x@mail.example.org or https://a.example/b_c, Tom.") == [
        "_ann.lee+x@mail.example.org",
        "https://a.example/b_c",
        "Tom",
    ]
