"""Everyday messages put together from parts: content for the warm-up that no corpus of comments has.

Comments are about opinions; people want mails and messages rewritten: who comes when, what broke, what they ask for.
Names, places, days, numbers and sums are everywhere in them, and a small model must learn to carry all of those over,
also when it writes in lower case. So every slot is filled from a long list, and some names are made of syllables: they
can only be copied. All parts are written for this project; the combinations are grammatical, not always sensible.
"""

import random
import re

from app.learning.lexicon import AMBIGUOUS_NAMES, PERSON_NAMES

PLACES = (
    "Bergen Ghent Valencia Porto Krakow Leipzig Dresden Galway Swansea Norwich Exeter Durham Utrecht Bruges Lyon "
    "Nantes Turin Verona Seville Malaga Split Riga Tallinn Helsinki Gothenburg Aarhus Zagreb Ljubljana "
    "Bratislava Sofia Warsaw Poznan Basel Geneva Bern Salzburg Graz Innsbruck Montreal Halifax Phoenix Tucson "
    "Memphis Nashville Tampa Omaha Denver Boise Auckland Perth Adelaide Osaka Kyoto Busan Hanoi Jaipur Accra "
    "Lagos Nairobi Rabat Lima Bogota Quito Santiago Leeds Hull Derby York Vienna Lisbon London Berlin Paris Rome "
    "Madrid Dublin Chicago Boston Toronto Sydney Tokyo Edinburgh Manchester"
).split()
SURNAMES = (
    "Okafor Lindqvist Moreau Tanaka Petrov Fischer Novotny Haddad Castillo Brennan Whitfield Osei Kaminski "
    "Larsen Duarte Rossi Bianchi Weber Keller Schulz Hughes Palmer Foster Chandra Iyer Mehta Khan Rahman Yilmaz "
    "Demir Kowalska Horvat Jensen Nilsson Virtanen Dubois Laurent Garcia Ortega Silva Pereira Costa Murphy "
    "Gallagher Sinclair Fraser Cooper Bennett Clarke Harper Sullivan Nguyen Tran Park Sato Mori Zhang Wu Adeyemi "
    "Mensah Abebe Cohen Levy Friedman Papadakis Ionescu Marin"
).split()
COMPANIES = (
    "Brightwater,Halden Bank,Northgate Travel,Acme,Solis Energy,Veritas Insurance,the BBC,IKEA,DHL,Lufthansa,"
    "Ryanair,Bosch,Fenwick and Sons,Orion Books,the NHS,Green Valley School,the Riverside Hotel,Cafe Luna,"
    "Kestrel Software,Barclays,Amazon"
).split(",")
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_MONTHS = "January February March April May June July August September October November December".split()
_OWNERS = ("my", "your", "his", "her", "our", "their")
"""Whose it is must be learned to be carried over, so no noun has an owner of its own."""
_KIN = (
    "sister,brother,mother,father,cousin,neighbour,landlord,plumber,teacher,boss,wife,new intern,guide,flatmate,"
    "dentist,manager,daughter,son,aunt,driver"
).split(",")
_THINGS = (
    "kitchen tap,printer,laptop,green suitcase,heating,garden gate,bicycle,projector,lift,front door,dishwasher,phone,"
    "coffee machine,car,tent,blue jacket,piano,router"
).split(",")
_VERBS = (
    "send|sent {who} the {paper},call|called {company} about the {paper},book|booked a table for {n} at {time},"
    "meet|met {who} at the station in {place},take|took the bus to {place} {when},leave|left the keys with {who},"
    "pay|paid {sum} for the tickets,fix|fixed {thing},bring|brought {thing} back {when},"
    "write|wrote to {who} about the {event},cancel|cancelled the {event} in {place},"
    "visit|visited {who} in {place},show|showed {who} the photos from {place},"
    "move|moved the {event} to {day} at {time},order|ordered {n} chairs from {company},"
    "sell|sold {thing} to {who},find|found {thing} behind the {room},clean|cleaned the {room} {when},"
    "borrow|borrowed {thing} from {who},finish|finished the {paper} before {day},read|read the {paper} twice,"
    "invite|invited {who} to the {event},walk|walked {n} kilometres along the river,"
    "miss|missed the train to {place},start|started a new job at {company},cook|cooked dinner for {n} people,"
    "lose|lost a wallet in {place},ask|asked {who} for {sum},wait|waited for {who} until {time},"
    "tell|told {who} about the {event},sign|signed the {paper} {when},print|printed {n} copies of the {paper},"
    "drive|drove {who} to the airport,give|gave {who} a ticket for the {event},forget|forgot the {paper} at home,"
    "paint|painted the {room} white,watch|watched the {event} with {who},help|helped {who} with the {paper},"
    "reserve|reserved a room in {place} for {day},speak|spoke to {who} at {company},"
    "open|opened the window in the {room},change|changed the password for the {paper},"
    "buy|bought a present for {who},return|returned {thing} to {company}"
).split(",")
_FACTS = (
    "{Thing} is broken again,{Thing} has stopped working,{Thing} was more expensive than I expected,"
    "{Thing} makes a strange noise,The {event} in {place} was very good,The {event} starts at {time} on {day},"
    "The {event} was boring and too long,The {paper} is due on {date},The {paper} has {n} mistakes,"
    "There is no {paper} for {who} yet,There are {n} people in the {room},It is very cold in {place},"
    "It rained all day in {place},The train from {place} is {n} minutes late,The food at {company} was awful,"
    "{Who} is not coming to the {event},{Who} is very happy about the {event},{Who} has the {paper},"
    "{Who} is ill and stays at home,{Who} lives in {place} now,{Who} does not like the {event},"
    "{Who} will be {age} on {date},{Who} was late again,I am tired and I want to go home,"
    "I am sorry about the {event},I am very worried about {who},I do not know where {thing} is,"
    "I do not have time {next},I cannot come to the {event},We need {n} more chairs for the {event},"
    "We are looking for a flat in {place},My flight to {place} leaves at {time},"
    "My meeting with {who} is on {day},Your parcel from {company} has arrived,The {room} smells of paint,"
    "They want {sum} for the repair,The number of the room is {n},The rent goes up to {sum} in {month}"
).split(",")
_QUESTIONS = (
    "When does the {event} start,Did you see {who} {past},Have you heard from {who},"
    "What time is the train to {place},Do you still need {thing},Is {who} coming to the {event},"
    "How much was the ticket to {place},Why did {who} leave so early,Where did you put {thing},"
    "Are you free on {day} at {time},Who has the {paper},Would you like to come to {place} with us,"
    "Does {company} deliver on {day},Can I borrow {thing} until {day},Shall we meet at {time}"
).split(",")
_THANKS = (
    "Thank you for the {paper},Thank you for your help with {thing},Thank you for inviting {who},"
    "Congratulations on the {event},I hope that {who} is better soon,I hope that you have a good time in {place},"
    "I think that the {event} was too long,I am looking forward to the {event} in {place},"
    "I like the new {room} very much,See you on {day}"
).split(",")
_PAPERS = "report,contract,invoice,letter,recipe,essay,list,form,application,budget,article,map,schedule,slides".split(
    ","
)
_EVENTS = (
    "meeting,wedding,concert,party,exam,lecture,match,interview,film,workshop,conference,dinner,picnic,trip".split(",")
)
_ROOMS = "kitchen,office,garage,hall,bathroom,library,classroom,cellar,garden,waiting room".split(",")
_LINKS = (", but ", ", and ", ", so ", " because ")
_LOWERED = {"the", "they", "we", "it", "there", *_OWNERS}
_ELSEWHERE = {name.lower() for name in (*PLACES, *_DAYS, *_MONTHS)}
FIRST_NAMES = tuple(sorted(name.capitalize() for name in PERSON_NAMES - AMBIGUOUS_NAMES - _ELSEWHERE))
_SYLLABLES = "ba be bri da do el fa gri ha jo ka lo ma mi na no or pe ra ri sa so ta ti ul va vi wen ya zo".split()


def any_name(rng: random.Random) -> str:
    """A first name, a full name, or a title and surname; one in seven is made of syllables."""
    kind = rng.random()
    if kind < 0.14:
        first = "".join(rng.choice(_SYLLABLES) for _ in range(rng.choice((2, 2, 3)))).capitalize()
    else:
        first = rng.choice(FIRST_NAMES)
    if kind > 0.9:
        return f"{rng.choice(('Dr.', 'Mr.', 'Mrs.', 'Ms.', 'Professor'))} {rng.choice(SURNAMES)}"
    return f"{first} {rng.choice(SURNAMES)}" if kind > 0.78 else first


def message(rng: random.Random) -> str:
    """One plain sentence, sometimes two joined."""
    if rng.random() < 0.14:
        link = rng.choice(_LINKS)
        return f"{_statement(rng)[:-1]}{link}{_lower_first(_statement(rng))}"
    kind = rng.random()
    if kind < 0.56:
        return _statement(rng)
    if kind < 0.72:
        if rng.random() < 0.4:
            return f"{rng.choice(('Can you', 'Could you', 'Could you please', 'Will you'))} {_verb(rng, 0)}?"
        return f"{rng.choice(('Please', 'Please', 'Please do not'))} {_verb(rng, 0)}."
    if kind < 0.87:
        return _fill(rng.choice(_QUESTIONS), rng) + "?"
    return _fill(rng.choice(_THANKS), rng) + "."


def _statement(rng: random.Random) -> str:
    if rng.random() < 0.45:
        return _fill(rng.choice(_FACTS), rng) + "."
    subject = rng.choice(("I", "I", "We", "They", _who(rng), _who(rng), _who(rng)))
    subject = subject[:1].upper() + subject[1:]
    kind = rng.random()
    if kind < 0.6:
        return f"{subject} {_verb(rng, 1)}."
    must = "have to" if subject in ("I", "We", "They") else "has to"
    return f"{subject} {rng.choice(('will', 'cannot', must))} {_verb(rng, 0)}."


def _verb(rng: random.Random, form: int) -> str:
    """A predicate, as infinitive (0) or in the past (1)."""
    verb, rest = rng.choice(_VERBS).split(" ", 1)
    rest = rest.replace("{when}", ("{next}", "{past}")[form])
    return f"{verb.split('|')[form]} {_fill(rest, rng)}"


def _fill(template: str, rng: random.Random) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: _slot(match.group(1), rng), template)


def _slot(name: str, rng: random.Random) -> str:
    if name in ("Who", "Thing"):
        filled = _slot(name.lower(), rng)
        return filled[:1].upper() + filled[1:]
    lists = {
        "place": PLACES,
        "company": COMPANIES,
        "paper": _PAPERS,
        "event": _EVENTS,
        "room": _ROOMS,
    }
    if name in lists:
        return rng.choice(lists[name])
    if name == "who":
        return _who(rng)
    if name == "thing":
        return f"{rng.choice((*_OWNERS, 'the', 'the', 'the'))} {rng.choice(_THINGS)}"
    if name == "n":
        return rng.choice(("two", "three", "four", "six", "ten", str(rng.randint(2, 90)), str(rng.randint(11, 400))))
    if name == "sum":
        return rng.choice((f"{rng.randint(3, 900)} euros", f"{rng.randint(3, 900)} pounds", f"${rng.randint(3, 900)}"))
    if name == "time":
        return rng.choice((f"{rng.randint(1, 12)} pm", f"{rng.randint(7, 11)} am", f"{rng.randint(1, 23)}.30", "noon"))
    if name == "day":
        return rng.choice(_DAYS)
    if name == "month":
        return rng.choice(_MONTHS)
    if name == "date":
        return f"{rng.randint(1, 28)} {rng.choice(_MONTHS)}"
    if name == "age":
        return str(rng.randint(1, 99))
    day = f"on {rng.choice(_DAYS)}"
    return rng.choice(
        ("yesterday", "this morning", "last week", day) if name == "past" else ("tomorrow", "tonight", day)
    )


def _who(rng: random.Random) -> str:
    return any_name(rng) if rng.random() < 0.7 else f"{rng.choice(_OWNERS)} {rng.choice(_KIN)}"


def _lower_first(sentence: str) -> str:
    first = sentence.split(maxsplit=1)[0].lower()
    return sentence[:1].lower() + sentence[1:] if first in _LOWERED else sentence
