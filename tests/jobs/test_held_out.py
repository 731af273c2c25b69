"""What is held out is held out for good, and what was learned from is never tested on."""

from collections import Counter
from collections.abc import Collection
from hashlib import sha256

import pytest

from app.jobs.held_out import AT_MOST, deal
from app.models import StyleSample


def written(count: int, start: int = 0, context: str | None = None) -> list[StyleSample]:
    texts = [f"{context} sentence {number}" for number in range(start, start + count)]
    return [
        StyleSample(id=text, text=text, context=context, sha256=sha256(text.encode()).hexdigest()) for text in texts
    ]


def dealt(rows: list[StyleSample], idle: Collection[str] = ()) -> set[str]:
    deal(rows, idle)
    assert all(row.is_held_out is not None for row in rows)
    return {row.id for row in rows if row.is_held_out}


def lowest(rows: list[StyleSample], count: int) -> set[str]:
    return {row.id for row in sorted(rows, key=lambda row: row.sha256)[:count]}


@pytest.mark.parametrize(("count", "expected"), [(5, 0), (6, 2), (24, 8), (36, 12), (90, 12)])
def test_a_first_training_holds_out_a_third_lowest_hashes_first(count: int, expected: int) -> None:
    rows = written(count)
    assert dealt(rows) == lowest(rows, expected)


def test_who_writes_more_is_tested_on_the_same_texts() -> None:
    rows = written(36)
    before = dealt(rows)
    assert dealt(rows + written(36, start=36)) == before


def test_a_test_that_has_become_too_small_is_filled_up_from_new_texts_only() -> None:
    rows, new = written(24), written(12, start=24)
    before = dealt(rows)
    assert len(before) == 8
    assert dealt(rows + new) == before | lowest(new, 4)


def test_a_deleted_text_of_the_test_is_replaced_by_a_new_one_only() -> None:
    rows = written(40)
    before = dealt(rows)
    kept = [row for row in rows if row.id not in sorted(before)[:2]]
    assert dealt(kept) == before - set(sorted(before)[:2])
    new = written(3, start=40)
    assert dealt(kept + new) == before - set(sorted(before)[:2]) | lowest(new, 2)


def test_who_was_too_few_once_is_tested_on_what_they_write_later() -> None:
    rows, new = written(5), written(31, start=5)
    assert dealt(rows) == set()
    assert dealt(rows + new) == lowest(new, AT_MOST)


def test_what_tests_nothing_is_replaced_while_a_third_is_held_out() -> None:
    rows, new = written(36), written(3, start=36)
    idle = {*sorted(before := dealt(rows))[:4]}
    assert dealt(rows + new, idle) == before | lowest(new, 1)
    newer = written(30, start=39)
    assert len(dealt(rows + new + newer, idle)) == 12 + len(idle)


def test_what_tests_nothing_is_nothing_to_learn_from_either() -> None:
    rows = written(4, context="work")
    for row in rows:
        row.is_held_out = True
    new = written(5, start=4, context="work")
    found = dealt(rows + new + written(51), {row.id for row in rows})
    assert len(found & {row.id for row in new}) == 1
    assert len(found) == 12 + len(rows)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"work": 18, "friends": 18}, {"work": 6, "friends": 6}),
        ({"work": 25, "friends": 15}, {"work": 8, "friends": 4}),
        ({None: 30, "a": 4, "b": 4}, {None: 12}),
        ({f"context {number}": 10 for number in range(8)}, None),
        ({f"context {number}": 4 for number in range(10)}, None),
        ({f"context {number}": 1 for number in range(40)}, None),
    ],
)
def test_every_voice_gives_by_its_size_and_small_contexts_together(
    sizes: dict[str | None, int], expected: dict[str | None, int] | None
) -> None:
    rows = [row for context, size in sizes.items() for row in written(size, context=context)]
    found = dealt(rows)
    assert len(found) == min(AT_MOST, len(rows) // 3)
    if expected is not None:
        counts = Counter(row.context for row in rows if row.id in found)
        assert counts == Counter(expected)


def test_a_named_voice_keeps_four_texts_to_learn_from() -> None:
    rows = [row for context in "abcd" for row in written(5, context=context)]
    dealt(rows)
    assert Counter(row.context for row in rows if not row.is_held_out) == Counter(dict.fromkeys("abcd", 4))


def test_a_context_is_the_same_however_it_is_typed() -> None:
    rows = [row for context in ("Work ", "work") for row in written(3, context=context)]
    dealt(rows + written(12))
    assert sum(bool(row.is_held_out) for row in rows) == 2
