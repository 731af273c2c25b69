import pytest

from app.inference.packing import pack


def test_a_shared_prompt_is_run_once_and_last_words_never() -> None:
    packed = pack([[1, 2, 3, 4], [7, 8, 9], [1, 2, 5]], [2, 1, 2])
    assert packed.ids_N == [1, 2, 3, 7, 8]
    assert packed.positions_N == [0, 1, 2, 0, 1]
    assert packed.lengths_S == [2, 1, 2]
    assert packed.prefix_S == [None, 0, None]
    assert packed.words_M == [3, 4, 8, 9, 5]
    assert [packed.ids_N[n] for n in packed.predictors_M] == [2, 3, 7, 8, 2]


def test_the_same_completion_twice_is_two_rows() -> None:
    packed = pack([[1, 2, 3], [1, 2, 3]], [1, 1])
    assert packed.ids_N == [1, 2, 2]
    assert packed.predictors_M == [0, 1, 0, 2]


def test_rows_of_different_kinds_share_no_prompt() -> None:
    packed = pack([[1, 2, 3, 4], [1, 2, 5, 6], [1, 2, 7, 8]], [2, 2, 2], [1, 0, 1])
    assert packed.ids_N == [1, 2, 3, 7, 1, 2, 5]
    assert packed.kinds_N == [1, 1, 1, 1, 0, 0, 0]
    assert packed.prefix_S == [None, 0, 0, None]
    assert packed.words_M == [3, 4, 5, 6, 7, 8]
    assert [packed.ids_N[n] for n in packed.predictors_M] == [2, 3, 2, 5, 2, 7]


@pytest.mark.parametrize("length", [0, 3])
def test_a_row_needs_a_prompt_and_a_completion(length: int) -> None:
    with pytest.raises(ValueError, match="both parts"):
        pack([[1, 2, 3]], [length])
