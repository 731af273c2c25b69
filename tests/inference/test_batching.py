from collections.abc import Hashable
from dataclasses import dataclass, replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inference.batching import PATIENCE, QueueFull, Room, Waiting


@dataclass(eq=False)
class Row:
    tenant_id: str = "a"
    user_key: str = ""
    speaker: str | None = None
    is_cancelled: bool = False
    is_due: bool = True
    tokens: int = 1
    number: int = 0

    @property
    def prompt_key(self) -> Hashable:
        return self.tenant_id


def room(rows: int = 100, tokens: int = 10_000, speakers: int = 8, eager_rows: int = 0) -> Room:
    return Room(rows, tokens, speakers, eager_rows)


def queue(*rows: Row, most_rows: int = 100) -> Waiting[Row]:
    waiting: Waiting[Row] = Waiting(most_rows)
    waiting.add(list(rows))
    return waiting


def test_tenants_take_turns_however_much_one_asks() -> None:
    waiting = queue(*[Row("big") for _ in range(20)])
    waiting.add([Row("small") for _ in range(3)])
    batch = waiting.take(room(rows=6))
    assert [row.tenant_id for row in batch].count("small") == 3
    assert len(waiting) == 17


def test_turns_are_counted_in_tokens() -> None:
    waiting = queue(*[Row("wordy", tokens=30) for _ in range(20)])
    waiting.add([Row("terse", tokens=10) for _ in range(20)])
    tenants = [row.tenant_id for row in waiting.take(room(rows=12))]
    assert tenants.count("terse") == 9


def test_room_that_was_not_used_is_not_counted() -> None:
    waiting = queue(*[Row("brief", tokens=10) for _ in range(20)], *[Row("long", tokens=10) for _ in range(20)])
    served: list[str] = []
    for _ in range(12):
        for row in waiting.take(room(rows=1)):
            served.append(row.tenant_id)
            waiting.give_back(row, 9 if row.tenant_id == "brief" else 0)
    assert served == ["brief", "long", *["brief"] * 10]


def test_room_is_given_back_to_its_person() -> None:
    waiting = queue(*[Row(user_key=name, tokens=10) for name in ("ann", "ann", "ben", "ann", "ben")])
    (first,) = waiting.take(room(rows=1))
    waiting.give_back(first, 10)
    assert [row.user_key for row in waiting.take(room(rows=3))] == ["ann", "ben", "ann"]


def test_nobody_who_left_is_given_anything_back() -> None:
    waiting = queue(Row("a", tokens=10))
    (row,) = waiting.take(room())
    waiting.give_back(row, 10)
    waiting.add([Row("b"), Row("a")])
    assert [row.tenant_id for row in waiting.take(room())] == ["b", "a"]


def test_a_tenant_is_served_in_order() -> None:
    waiting = queue(*[Row(number=i) for i in range(5)])
    assert [row.number for row in waiting.take(room(rows=3)) + waiting.take(room(rows=3))] == [0, 1, 2, 3, 4]


def test_who_was_away_gets_no_credit_for_it() -> None:
    waiting = queue(*[Row("busy") for _ in range(40)])
    waiting.take(room(rows=30))
    waiting.add([Row("late") for _ in range(10)])
    tenants = [row.tenant_id for row in waiting.take(room(rows=10))]
    assert 4 <= tenants.count("busy") <= 6


def test_asking_one_by_one_is_no_way_to_jump_the_queue() -> None:
    waiting = queue(*[Row("patient", tokens=10) for _ in range(20)])
    served: list[str] = []
    for _ in range(10):
        waiting.add([Row("quick", tokens=10)])
        served += [row.tenant_id for row in waiting.take(room(rows=1))]
    assert 4 <= served.count("patient") <= 6


def test_a_batch_holds_no_more_speakers_than_there_are_slots() -> None:
    waiting = queue(*[Row(f"tenant {i}", speaker=f"digest {i}") for i in range(5)])
    waiting.add([Row("base")])
    batch = waiting.take(room(speakers=2))
    assert len({row.speaker for row in batch} - {None}) == 2
    assert any(row.speaker is None for row in batch)
    assert len(waiting.take(room(speakers=2))) == 2


def test_a_batch_is_no_wider_than_its_room_and_a_giant_goes_alone() -> None:
    waiting = queue(*[Row("a", tokens=10) for _ in range(3)])
    waiting.add([Row("b", tokens=500)])
    assert [row.tokens for row in waiting.take(room(tokens=35))] == [10, 10, 10]
    assert [row.tokens for row in waiting.take(room(tokens=35))] == [500]


def test_rows_that_may_not_be_needed_fill_a_small_batch_only() -> None:
    wanted = [Row("ab"[number % 2], number=number, is_due=number < 4) for number in range(12)]
    assert [row.number for row in queue(*wanted).take(room(eager_rows=6))] == [0, 1, 2, 3, 4, 5]
    assert [row.number for row in queue(*wanted).take(room(eager_rows=4))] == [0, 1, 2, 3]
    assert [row.number for row in queue(*wanted).take(room(rows=5, eager_rows=8))] == [0, 1, 2, 3, 4]


def test_whoever_had_no_room_is_not_overtaken_by_its_own_later_rows() -> None:
    waiting = queue(Row("a"), Row("b", tokens=500), Row("b", is_due=False, number=7))
    assert len(waiting.take(room(tokens=100, eager_rows=8))) == 1
    assert [row.tokens for row in waiting.take(room(tokens=500, eager_rows=8))] == [500]


def test_people_of_a_tenant_take_turns_too() -> None:
    waiting = queue(*[Row(user_key="eager") for _ in range(20)])
    waiting.add([Row(user_key="modest") for _ in range(3)])
    waiting.add([Row("b", user_key="eager") for _ in range(20)])
    batch = waiting.take(room(rows=12))
    assert [(row.tenant_id, row.user_key) for row in batch].count(("a", "modest")) == 3
    assert [row.tenant_id for row in batch].count("b") == 6


def test_those_who_run_take_up_room() -> None:
    waiting, running = queue(*[Row(tokens=10, speaker=str(number)) for number in range(9)]), [Row(tokens=30)]
    assert len(waiting.take(room(rows=4), running)) == 3
    assert len(waiting.take(room(tokens=90), running)) == 2
    assert len(waiting.take(room(speakers=2), [Row(speaker="x")])) == 1
    assert waiting.take(room(rows=1), running) == []


def test_a_row_that_may_not_be_needed_comes_along_with_its_forerunner_only() -> None:
    wanted = [Row("a", number=0), Row("a", number=1, is_due=False), Row("b", number=2, is_due=False)]
    waiting = queue(*wanted)
    assert [row.number for row in waiting.take(room(eager_rows=8))] == [0, 1]
    assert waiting.take(room(eager_rows=8), wanted[:1]) == []


def test_a_giant_is_overtaken_for_a_while_and_then_waited_for() -> None:
    waiting, running = queue(Row("giant", tokens=500)), [Row("b", tokens=10)]
    served = 0
    for _ in range(3 * PATIENCE):
        waiting.add([Row("b", tokens=10)])
        served += len(waiting.take(room(tokens=100), running))
    assert served == PATIENCE
    assert [row.tokens for row in waiting.take(room(tokens=100))][:1] == [500]


def test_cancelled_rows_are_dropped() -> None:
    waiting = queue(Row(is_cancelled=True), Row(number=1), Row("b", is_cancelled=True))
    assert [row.number for row in waiting.take(room())] == [1]
    assert len(waiting) == 0


def test_a_full_queue_refuses_whole_requests() -> None:
    waiting = queue(*[Row() for _ in range(3)], most_rows=4)
    with pytest.raises(QueueFull, match="3 rows are waiting"):
        waiting.add([Row(), Row()])
    assert len(waiting) == 3


def test_the_cancelled_make_room_in_a_full_queue() -> None:
    gone = [Row(), Row(), Row()]
    waiting = queue(*gone, most_rows=4)
    for row in gone:
        row.is_cancelled = True
    waiting.add([Row(number=7), Row(number=8)])
    assert [row.number for row in waiting.take(room())] == [7, 8]


def test_draining_hands_out_everybody() -> None:
    waiting = queue(Row("a"), Row("b"), Row("b"))
    assert len(waiting.drain()) == 3
    assert len(waiting) == 0


rows = st.builds(
    Row,
    tenant_id=st.sampled_from("abc"),
    speaker=st.sampled_from([None, "x", "y", "z"]),
    is_cancelled=st.booleans(),
    is_due=st.booleans(),
    tokens=st.integers(1, 50),
)


@given(st.lists(rows, max_size=40), st.integers(1, 6), st.integers(1, 100), st.integers(1, 3), st.integers(0, 9))
def test_everybody_is_served_once_within_the_room_and_in_the_tenants_order(
    wanted: list[Row], most_rows: int, tokens: int, speakers: int, eager_rows: int
) -> None:
    wanted = [replace(row, number=number) for number, row in enumerate(wanted)]
    waiting, served = queue(*wanted), list[Row]()
    while batch := waiting.take(room(most_rows, tokens, speakers, eager_rows)):
        assert len(batch) <= most_rows
        assert len(batch) == 1 or len(batch) * max(row.tokens for row in batch) <= tokens
        assert len({row.speaker for row in batch} - {None}) <= speakers
        served += batch
        are_due = [row.is_due for row in batch]
        assert are_due == sorted(are_due, reverse=True)
        assert all(are_due[max(1, eager_rows) :])
    for tenant, is_due in product("abc", (True, False)):
        lane = [row for row in wanted if (row.tenant_id, row.is_due) == (tenant, is_due) and not row.is_cancelled]
        assert [row for row in served if (row.tenant_id, row.is_due) == (tenant, is_due)] == lane
    assert len(waiting) == 0


def test_a_queue_that_one_tenant_filled_is_open_to_others() -> None:
    waiting = queue(*[Row("busy") for _ in range(16)], most_rows=16)
    waiting.add([])
    with pytest.raises(QueueFull):
        waiting.add([Row("busy")])
    for _ in range(2):
        waiting.add([Row("rare", number=1)])
    with pytest.raises(QueueFull):  # an eighth of the queue, no more
        waiting.add([Row("rare")])
    with pytest.raises(QueueFull):
        waiting.add([Row("wordy") for _ in range(3)])
    assert [row.number for row in waiting.take(room(rows=4))].count(1) == 2


def test_candidates_that_nobody_may_need_take_no_place_away_from_others() -> None:
    waiting = queue(*[Row("busy") for _ in range(16)], most_rows=16)
    waiting.add([Row("rare"), *[Row("rare", is_due=False) for _ in range(3)]])
    waiting.add([Row("rare")])
    with pytest.raises(QueueFull):
        waiting.add([Row("rare")])


def spare(tenant: str, count: int) -> list[Row]:
    return [Row(tenant, is_due=False) for _ in range(count)]


def test_candidates_of_others_take_no_place_away_either() -> None:
    waiting = queue(*[Row("a") for _ in range(4)], *spare("a", 12), most_rows=16)
    waiting.add([Row("b") for _ in range(3)])
    waiting.add([*[Row("a") for _ in range(9)], *spare("a", 27)])
    with pytest.raises(QueueFull, match="16 rows are waiting; at most 16 may"):
        waiting.add([Row("a")])


def test_a_candidate_takes_a_place_once_it_is_needed() -> None:
    waiting, spares = queue(*[Row("a") for _ in range(4)], most_rows=16), spare("a", 12)
    waiting.add(spares)
    for row in spares:
        row.is_due = True
    with pytest.raises(QueueFull):
        waiting.add([Row("b") for _ in range(3)])


def test_nobody_fills_the_queue_with_candidates() -> None:
    waiting = queue(*[Row("greedy"), *spare("greedy", 127)], most_rows=16)
    with pytest.raises(QueueFull, match="128 rows are waiting; at most 128 may"):
        waiting.add([Row("greedy")])
    for number in range(8):
        waiting.add([Row(f"rare {number}"), *spare(f"rare {number}", 15)])
    with pytest.raises(QueueFull, match="256 rows are waiting"):
        waiting.add([Row("one more")])


def test_even_with_many_tenants_a_queue_is_bounded() -> None:
    waiting = queue(*[Row("busy") for _ in range(16)], most_rows=16)
    for number in range(16):
        waiting.add([Row(f"rare {number}")])
    with pytest.raises(QueueFull, match="32 rows are waiting"):
        waiting.add([Row("one more")])
