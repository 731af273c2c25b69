import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inference.residency import NoFreeSlot, Residency


def test_the_least_recently_used_goes_first() -> None:
    residency = Residency(2)
    for digest in ("a", "b", "a", "c"):
        residency.acquire(digest)
        residency.release(digest)
    assert residency.resident == ["a", "c"]


def test_an_adapter_in_use_stays() -> None:
    residency = Residency(1)
    residency.acquire("a")
    with pytest.raises(NoFreeSlot):
        residency.acquire("b")
    assert residency.resident == ["a"]


def test_a_slot_that_could_not_be_filled_is_free_again() -> None:
    residency = Residency(1)
    slot = residency.acquire("broken").slot
    residency.forget("broken")
    assert residency.acquire("b").slot == slot


def test_nobody_can_release_what_nobody_uses() -> None:
    with pytest.raises(KeyError):
        Residency(1).release("a")


@given(st.lists(st.sampled_from("abcdef"), max_size=60), st.integers(1, 4))
def test_no_two_adapters_share_a_slot_and_none_has_the_bases(digests: list[str], slots: int) -> None:
    residency, where = Residency(slots), {}
    for digest in digests:
        seat = residency.acquire(digest)
        assert seat.is_new or where[digest] == seat.slot
        where = {known: slot for known, slot in where.items() if known in residency.resident} | {digest: seat.slot}
        assert 0 not in where.values()
        assert len(set(where.values())) == len(where) <= slots
        residency.release(digest)
