import pytest

from app.inference.lengths import room_for
from app.inference.types import EngineError


@pytest.mark.parametrize(
    ("passage", "asked", "kept"), [(40, None, 96), (40, 7, 7), (40, 200, 200), (40, 4000, 288), (0, 4000, 128)]
)
def test_no_request_has_more_kept_free_than_a_rewrite_can_use(passage: int, asked: int | None, kept: int) -> None:
    assert room_for(passage, asked, 8192) == kept


@pytest.mark.parametrize(
    ("passage", "asked", "code"), [(40, 90, "too-much-room"), (120, 9, "too-long"), (60, None, "too-long")]
)
def test_what_does_not_fit_in_the_context_is_refused(passage: int, asked: int | None, code: str) -> None:
    with pytest.raises(EngineError) as caught:
        room_for(passage, asked, 120)
    assert caught.value.code == code
