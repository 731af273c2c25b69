import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inference.residency import NoFreeSlot, Residency, Speaker

A, B, C = (Speaker(digest) for digest in "abc")


def test_the_least_recently_used_goes_first() -> None:
    residency = Residency(2)
    for speaker in (A, B, A, C):
        residency.acquire(speaker)
        residency.release(speaker)
    assert residency.resident == [A, C]


def test_an_adapter_in_use_stays() -> None:
    residency = Residency(1)
    residency.acquire(A)
    with pytest.raises(NoFreeSlot):
        residency.acquire(B)
    assert residency.resident == [A]


def test_voices_of_one_adapter_have_slots_of_their_own() -> None:
    residency = Residency(3)
    speakers = [Speaker("a", voice) for voice in (None, "work", "friends")]
    assert len({residency.acquire(speaker).slot for speaker in speakers}) == 3
    assert not residency.acquire(Speaker("a", "work")).is_new


def test_a_slot_that_could_not_be_filled_is_free_again() -> None:
    residency = Residency(1)
    slot = residency.acquire(A).slot
    residency.forget(A)
    assert residency.acquire(B).slot == slot


def test_nobody_can_release_what_nobody_uses() -> None:
    with pytest.raises(KeyError):
        Residency(1).release(A)


SPEAKERS = st.builds(Speaker, st.sampled_from("abc"), st.sampled_from([None, "work"]))


@given(st.lists(SPEAKERS, max_size=60), st.integers(1, 4))
def test_no_two_speakers_share_a_slot_and_none_has_the_bases(speakers: list[Speaker], slots: int) -> None:
    residency, where = Residency(slots), {}
    for speaker in speakers:
        seat = residency.acquire(speaker)
        assert seat.is_new or where[speaker] == seat.slot
        where = {known: slot for known, slot in where.items() if known in residency.resident} | {speaker: seat.slot}
        assert 0 not in where.values()
        assert len(set(where.values())) == len(where) <= slots
        residency.release(speaker)
