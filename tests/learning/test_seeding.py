import subprocess
import sys
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from app.learning import seeding


def test_a_seed_is_the_same_in_every_process():
    script = "from app.learning.seeding import derive; print(derive(7, 'rollout', 3))"
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(other.stdout) == seeding.derive(7, "rollout", 3)


def test_uses_of_one_seed_do_not_repeat_each_other():
    drawn = {seeding.derive(seed, use, step) for seed in range(5) for use in ("a", "b") for step in range(100)}
    assert len(drawn) == 1000
    assert all(0 <= seed < 2**31 for seed in drawn)


@given(size=st.integers(1, 30), start=st.integers(0, 200), count=st.integers(0, 80), seed=st.integers(0, 5))
def test_any_window_of_the_stream_is_the_stream(size, start, count, seed):
    whole = seeding.stream(size, 0, start + count, seed)
    assert seeding.stream(size, start, count, seed) == whole[start:]


@given(size=st.integers(1, 30), passes=st.integers(1, 4), seed=st.integers(0, 5))
def test_every_pass_has_everything_once(size, passes, seed):
    assert Counter(seeding.stream(size, 0, size * passes, seed)) == dict.fromkeys(range(size), passes)


def test_passes_are_shuffled_anew():
    first, second = seeding.stream(20, 0, 20, 1), seeding.stream(20, 20, 20, 1)
    assert first != second != list(range(20))
