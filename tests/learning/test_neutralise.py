import json
import re
import string
from pathlib import Path

import pytest

from app.learning.neutralise import neutralise
from tests.timing import worked_within

SHARED = Path(__file__).parents[1] / "assets" / "neutral_references.jsonl"
PEOPLE = Path(__file__).parents[2] / "app" / "assets" / "demo" / "people.json"


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("omg u gotta see this rn!!", "You have to see this right now."),
        ("cant make it tmrw, gonna be at work til 9 probs", "Cannot make it tomorrow, going to be at work until 9 probably."),  # noqa: E501
        ("tom hasnt called, jenny is in berlin", "Tom has not called, Jenny is in Berlin."),
        ("SO HAPPY we won!!! 🎉🎉", "Happy we won."),
        ("It's been the BEST day ever 😍 See you soon!", "It has been the best day ever. See you soon."),
        ("He's gotta go to the NHS clinic.", "He has to go to the NHS clinic."),
        ("Kindly send the file at your earliest convenience.", "Please send the file as soon as you can."),
        ("It is with regret that I must decline; my sister arrives on Thursday.", "I must decline, my sister arrives on Thursday."),  # noqa: E501
        ("sooooo good", "Good."),
        ("The goooood soup", "The good soup."),
        ("Check #sunset pics", "Check sunset pictures."),
        ("Room 83 on 8/3, and Windows XP", "Room 83 on 8/3, and Windows XP."),
        ("see https://example.com/x😊", "See https://example.com/x."),
        ("I look forward to an excellent meal", "I am looking forward to a good meal."),
        ("Please forward the list; he will not permit it.", "Please send the list, he will not allow it."),
        ("I have concluded that it is a costly trip.", "I have concluded that it is an expensive trip."),
        ("Pray do not wait.", "Please do not wait."),
        ("read https://example.com/x now", "Read https://example.com/x now."),
        ("ask anna.lee@mail.example or @tom_r :)", "Ask anna.lee@mail.example or @tom_r."),
        ("The list is at www.example.org/a_b, if u want it", "The list is at www.example.org/a_b, if you want it."),
    ],
)  # fmt: skip
def test_says_it_plainly(marked: str, plain: str) -> None:
    assert neutralise(marked) == plain


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("Kindly forward your list. I will forward the rest.", "Please send your list. I will send the rest."),
        ("Rules permit no dogs. They will not permit it.", "Rules allow no dogs. They will not allow it."),
        ("We crashed at Tom's place.", "We slept at Tom's place."),
        ("I'm so wiped today!", "I am tired today."),
        ("The doc said 5 bucks.", "The doctor said 5 dollars."),
        ("u r late n y is she in da car", "You are late and why is she in the car."),
        ("Therefore I will attend the party.", "So I will come to the party."),
        ("It is late; accordingly, I left.", "It is late, so I left."),
        ("I write concerning the rent.", "I write about the rent."),
        ("Love you! See you soon, my love.", "See you soon."),
        ("We selected a room and consumed the meal.", "We chose a room and ate the meal."),
        ("cant wait to see u", "I want to see you."),
        ("I can't wait for Tuesday", "I am looking forward to Tuesday."),
        ("2 hrs n 1 min, tons of people", "2 hours and 1 minute, a lot of people."),
        ("lets go, its freezing", "Let us go, it is cold."),
        ("a really old car", "An old car."),
        ("An absolutely lovely evening, a really, really useful day", "A lovely evening, a useful day."),
        ("a most pleasant day", "A pleasant day."),
        ("I left.Then he came.i saw it", "I left. Then he came. I saw it."),
        ("Isn't it late? Why don't you come? Can't we go?", "Is it not late? Why do you not come? Can we not go?"),
        ("Don't you dare! I shan't.", "Do not dare. I will not."),
        ("May I trouble you to send it? Thanks.", "Please send it. Thanks."),
        ("pages 10–12, Mon–Fri, ~5 minutes", "Pages 10-12, Monday-Friday, about 5 minutes."),
        ("5.50 bucks, 9.30–10.30", "5.50 dollars, 9.30-10.30."),
        ("he's eaten, everyone's here", "He has eaten, everyone is here."),
        ("they'd already taken it", "They had already taken it."),
        ("*Bold* and _loud_ :)", "Bold and loud."),
        ("it was so good, dude", "It was good."),
        ("its cold outside", "It is cold outside."),
        ("omg its freezing", "It is cold."),
        ("the lake and its freezing water", "The lake and its freezing water."),
        ("the bar is known for its cold beer", "The bar is known for its cold beer."),
        ("he's told to wait outside", "He is told to wait outside."),
        ("who's asked to bring the cake?", "Who is asked to bring the cake?"),
        ("she's asked me to come", "She has asked me to come."),
        ("oh no. the bus left without me", "Oh no. The bus left without me."),
        ("did you say no? we can still go", "Did you say no? We can still go."),
        ("we went to the zoo etc. it was fun", "We went to the zoo etc. It was fun."),
        ("plugs etc. from the shop", "Plugs etc. from the shop."),
        ("im late.cant come.dont wait", "I am late. Cannot come. Do not wait."),
        ("that was great.lets meet at 5.ok.bye", "That was great. Let us meet at 5. All right. Bye."),
        ("see node.js and python 3.11.7", "See node.js and python 3.11.7."),
        ("call os.path.join(a)", "Call os.path.join(a)."),
        ("who isn't there?", "Who is not there?"),
        ("why don't you come?", "Why do you not come?"),
    ],
)  # fmt: skip
def test_a_word_is_made_plain_where_it_has_that_sense(marked: str, plain: str) -> None:
    assert neutralise(marked) == plain


@pytest.mark.parametrize(
    "text",
    [
        "The meeting with Dr. Patel has moved to Tuesday at 3 pm.",
        "Did Maria call you yesterday?",
        "We put forward the idea. Bring forward the meeting.",
        "Put forward your ideas. They carry forward the rest and fast forward the tape.",
        "I look forward the meeting.",
        "We concluded that it rains. We conclude with a song.",
        "She has a work permit for France.",
        "The app crashed on start.",
        "Wiped the disk on node 7. The vase shattered.",
        "I updated the doc.",
        "I use R for statistics, with a plan B and an n/a.",
        "I use r for statistics.",
        "Leonardo da Vinci painted it.",
        "Prices rose in the US.",
        "An IT guy at WHO left. HR says the ATM is broken.",
        "We therefore propose it. He acted accordingly.",
        "This is concerning. It is very concerning to us.",
        "We will attend. I will attend to it.",
        "I love you and miss you. I love you.",
        "My mate Tom has a love of music. She gave me a big hug.",
        "Did I tell you what happened? I will tell you what he said.",
        "The parser.py and config.yaml files are here.",
        "See my_file.py, user_id, e.g. the one on Indeed.com or v1.2.3 at 5 p.m. and later.",
        "It costs 5*3 pounds.",
        "Ask @_jane_doe, @4chan or @21savage.",
        "Be there @8pm or @8.",
        "Take it seriously. My son is 5 yo.",
        "He kindly sent it. He smiled kindly.",
        "I trust him. Give my kind regards to Anna.",
        "Take out the rubbish. The gross salary is high.",
        "Three cheers for Anna. The guys are here. Two tons of sand.",
        "Shall we go? Should you have gone?",
        "The item was selected. You are required to pay. An informed guess.",
        "She lets you go. The town lost its only bank.",
        "It was so cold that we left. The most expensive one is my most important one.",
        "Everyone's car is here. In addition to the rent, we pay.",
        "He is self-sufficient and well-informed.",
        "The app keeps freezing. The kettle is boiling.",
        "We provided that service. Once upon a time it rained.",
    ],
)
def test_leaves_plain_text_alone(text: str) -> None:
    assert neutralise(text) == text


@pytest.mark.parametrize("text", ["🎉", "lol", "!!!", "haha :)"])
def test_a_text_that_is_all_ornament_is_not_lost(text: str) -> None:
    assert neutralise(text)


def test_is_stable() -> None:
    for person in json.loads(PEOPLE.read_text(encoding="utf-8")):
        for sample in person["samples"]:
            once = neutralise(sample["text"])
            assert neutralise(once) == once


def test_keeps_every_figure_of_the_demo_people() -> None:
    for person in json.loads(PEOPLE.read_text(encoding="utf-8")):
        for sample in person["samples"]:
            assert re.findall(r"\d+", neutralise(sample["text"])) == re.findall(r"\d+", sample["text"])


def test_shares_most_words_with_the_hand_made_neutral_texts() -> None:
    people = {person["id"]: person["samples"] for person in json.loads(PEOPLE.read_text(encoding="utf-8"))}
    shares: dict[str, list[float]] = {}
    for line in SHARED.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        ours = set(re.findall(r"\w+", neutralise(people[row["person"]][row["index"]]["text"]).lower()))
        theirs = set(re.findall(r"\w+", row["neutral"].lower()))
        shares.setdefault(row["person"], []).append(2 * len(ours & theirs) / (len(ours) + len(theirs)))
    means = {person: sum(values) / len(values) for person, values in shares.items()}
    assert means["max"] > 0.75
    assert means["rosa"] > 0.7


@pytest.mark.parametrize(
    "unit",
    [
        *string.punctuation,
        *"–—…🌿\u0301 \n",
        "- ",
        ", ",
        ":)",
        "a.",
        "u ",
        "lol ",
        "so ",
        "xD",
        "'s ",
        "@a ",
        "!?",
        "a.A.",
        "a_",
        "@_",
        "@1",
        "r ",
        "should you have ",
        "do not you ",
        "may i ask you to ",
        "really ",
    ],
)
def test_however_often_a_sign_is_repeated_it_is_made_plain_at_once(unit: str) -> None:
    """Workers that score do nothing else meanwhile, not even to say that they live."""
    with worked_within(1):
        neutralise("See you " + unit * (20_000 // len(unit)) + " tomorrow")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Open 9 am - 5 pm.", "Open 9 am to 5 pm."),
        ("9 a.m. – 5 p.m. daily", "9 am to 5 p.m. daily."),
        ("Monday - Friday only", "Monday to Friday only."),
        ("$5 - $10 each", "$5 to $10 each."),
        ("in 2019 – 2021", "In 2019-2021."),
        ("Mon–Fri, 9-5", "Monday-Friday, 9-5."),
        ("call at 5 pm - bring wine", "Call at 5 pm, bring wine."),
        ("we won 3-2", "We won 3-2."),
    ],
)
def test_from_one_time_to_another_stays_so(text: str, plain: str) -> None:
    assert neutralise(text) == plain
