"""What is learned from elsewhere tests nothing, however it is written there; another takes its place."""

from collections.abc import Callable, Iterable

import pytest

from app.db import transaction
from app.feedback.service import FeedbackSignal
from app.jobs.curation import MOST_TESTED, Everything, Material, Written, gather, keep_dealt, read
from app.jobs.dealing import Texts, deal
from app.jobs.quoting import bare, letters
from app.models import StyleSample, User
from app.samples import service as samples
from app.samples.service import fingerprint
from tests.timing import worked_within

WORDS = 40


@pytest.fixture
def ada(make_user: Callable[..., User]) -> User:
    return make_user("ada")


def gathered(user: User) -> Material:
    with transaction(user.tenant_id, read_only=True) as session:
        told = read(session, user.id)
    material = gather(told, WORDS, fewest=4)
    with transaction(user.tenant_id) as session:
        keep_dealt(session, told)
    return material


def rows_of(user: User) -> list[StyleSample]:
    with transaction(user.tenant_id, read_only=True) as session:
        return list(samples.all_of(session, user.id))


def texts(written: Iterable[Written]) -> set[str]:
    return {each.text for each in written}


def said(written: Iterable[Written]) -> set[str]:
    return {letters(each.text) for each in written}


def test_nothing_is_tested_by_that_is_learned_with_another_mark(
    ada: User, make_samples: Callable[..., list[StyleSample]]
) -> None:
    days = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday today tomorrow".split()
    texts = [f"I’ll be at the old mill on {day}, and we’ll bring the boat if it doesn’t rain." for day in days]
    make_samples(ada, [*texts[:5], *(text.replace("’", "'") for text in texts)])
    make_samples(ada, [*texts[5:], *(text.replace(", and", " and") for text in texts)])
    material = gathered(ada)
    learned, tested = said(material.train), said(material.held_out)
    assert (len(learned), len(tested)) == (6, 3)
    assert not learned & tested
    assert len(material.held_out) == 3
    make_samples(ada, [f"{text[:-1]} …" for text in texts])
    material = gathered(ada)
    assert (said(material.train), said(material.held_out)) == (learned, tested)


def test_nothing_is_tested_by_whose_sentences_are_learned(
    ada: User, make_samples: Callable[..., list[StyleSample]]
) -> None:
    ports = "Oslo Bergen Cork Dover Calais Bari Split Kiel Riga Genoa Malmo Brest".split()
    ferries = [f"The ferry to {port} leaves at noon and it is never late." for port in ports]
    make_samples(ada, ferries)
    make_samples(ada, [f"{first} {second}" for first, second in zip(ferries[::2], ferries[1::2], strict=True)])
    material = gathered(ada)
    learned, tested = texts(material.train), texts(material.held_out)
    assert tested
    assert not any(all(f"{each}." in learned for each in text.rstrip(".").split(". ")) for text in tested)
    assert not any(all(each in tested - {text} for each in ferries if each in text) for text in tested)


def test_what_is_said_again_in_the_test_is_no_evidence_of_its_own(
    ada: User, make_samples: Callable[..., list[StyleSample]]
) -> None:
    sentences = [f"Ada tells of her {number}th walk through the hills." for number in range(30)]
    both = f"{sentences[0]} {sentences[1]}"
    rows = make_samples(ada, [*sentences, both])
    with transaction(ada.tenant_id) as session:
        for row in rows:
            session.merge(row).is_held_out = row.text in (*sentences[:9], both)
    make_samples(ada, [f"Ada adds another sentence, the {number}th." for number in range(30)])
    material = gathered(ada)
    assert both not in texts(material.held_out)
    assert len({written.sample_id for written in material.held_out}) == 12


def test_a_summary_of_the_test_takes_nothing_from_what_is_learned(
    ada: User, make_samples: Callable[..., list[StyleSample]]
) -> None:
    """It silences what it repeats; it is not held out for that, nor is everything else that is new."""
    old = make_samples(ada, [f"The first old sentence about work number {n} is here." for n in range(4)], "work")
    with transaction(ada.tenant_id) as session:
        for row in old:
            session.merge(row).is_held_out = True
    make_samples(ada, ["The new summary says it. " + " ".join(row.text for row in old)], "work")
    make_samples(ada, [f"A brand new sentence on the office, number {n}, follows." for n in range(4)], "work")
    material = gathered(ada)
    assert {row.text for row in rows_of(ada) if row.is_held_out} == {row.text for row in old}
    assert not material.held_out


@pytest.mark.parametrize(("new", "expected"), [(1, 4), (4, 5), (6, 6), (9, 7), (30, 14)])
def test_a_third_is_held_out_whatever_is_repeated(
    new: int, expected: int, ada: User, make_samples: Callable[..., list[StyleSample]]
) -> None:
    words = "one two three four five six seven eight nine ten eleven twelve".split()
    make_samples(ada, [f"Sentence {word} tells of the garden and of the dog we have." for word in words])
    tested = texts(gathered(ada).held_out)
    summary = " ".join(["My collected notes.", *sorted(tested)])
    make_samples(ada, [summary, *(f"Note {n}: the kettle was cold and the tea was late." for n in range(new - 1))])
    material = gathered(ada)
    held_out = {row.text for row in rows_of(ada) if row.is_held_out}
    assert tested <= held_out
    assert len(held_out) == expected
    learned = "".join(letters(row.text) for row in rows_of(ada) if not row.is_held_out)
    assert not any(letters(written.text) in learned for written in material.held_out)


@pytest.mark.parametrize("rank", [0, 7, 8, 9, 29])
def test_what_silences_a_test_does_not_take_its_place(rank: int) -> None:
    """Held out, it would make that a test again, and there would be more than there should be."""
    old = [f"Sentence {number} tells of the garden and of the dog we have." for number in range(12)]
    new = [f"Note {number} says that the kettle was cold and the tea was late." for number in range(29)]
    new.insert(rank, " ".join(old[:4]))
    rows = [StyleSample(id=text, text=text, sha256=f"{place:03}") for place, text in enumerate([*old, *new])]
    for row in rows[:12]:
        row.is_held_out = row.text in old[:4]
    everything = Texts({row.id: [row.text] for row in rows}, {row.id: bare(row.text) for row in rows})
    deal(rows, everything, set(new))
    is_first = rank < 8  # its turn comes before anything is silent; then it tests nothing itself, beside twelve that do
    assert rows[12 + rank].is_held_out == is_first
    assert sum(bool(row.is_held_out) for row in rows) == (13 if is_first else 14)


def test_whoever_quotes_themselves_is_tested_on_enough(
    ada: User, make_samples: Callable[..., list[StyleSample]]
) -> None:
    mails = [f"The {number}th mail says that the kettle was cold all day." for number in range(90)]
    quoting = [f"{mail}\n{mails[number - 1]}" if number % 3 else mail for number, mail in enumerate(mails)]
    make_samples(ada, quoting)
    material = gathered(ada)
    assert len({written.sample_id for written in material.held_out}) == 12
    assert not texts(material.train) & texts(material.held_out)


def test_of_very_long_samples_choosing_takes_a_moment() -> None:
    texts = [
        " ".join(f"We saw {person} and the {number}th hill at the {number * person}th hour." for number in range(2_000))
        for person in range(12)
    ]
    rows = [StyleSample(id=str(n), text=text, sha256=fingerprint(text)) for n, text in enumerate(texts)]
    told = Everything(rows, FeedbackSignal([], [], []), [], frozenset(row.id for row in rows))
    assert min(map(len, texts)) > 90_000
    with worked_within(8):
        assert len(gather(told, WORDS, fewest=4).held_out) == MOST_TESTED
