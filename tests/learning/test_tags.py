import pytest

from app.learning.tags import tag_of


@pytest.mark.parametrize(
    ("context", "tag"),
    [("Work", "work"), ("  late  Night\nchats ", "late night chats"), ("x" * 60, "x" * 40), ("", "")],
)
def test_a_tag_is_one_short_line(context: str, tag: str) -> None:
    assert tag_of(context) == tag
