import json

import pytest

from app.evaluation.tables import Table, shown
from app.learning.bootstrap import Interval

NAN = float("nan")
TABLE = Table(
    "Style", ["arm", "style", "reached"], [["a|b", Interval(0.5, 0.25, 0.75), True], ["c", NAN, False]], ["so."]
)


def test_markdown_shows_intervals_and_escapes_what_would_end_a_cell() -> None:
    lines = TABLE.markdown().splitlines()
    assert lines[0] == "## Style"
    assert lines[4] == "| a\\|b | .50 [.25, .75] | passed |"
    assert lines[5] == "| c | – | **failed** |"
    assert lines[-1] == "- so."


def test_a_terminal_gets_means_only() -> None:
    assert TABLE.cells() == [["a|b", ".50", "passed"], ["c", "–", "failed"]]


def test_json_has_every_number_and_no_nan() -> None:
    report = TABLE.report()
    assert report["rows"][0] == {"arm": "a|b", "style": [0.5, 0.25, 0.75], "reached": True}
    assert report["rows"][1]["style"] is None
    json.dumps(report, allow_nan=False)


@pytest.mark.parametrize(
    ("cell", "words"),
    [(0.456, ".46"), (-0.5, "-.50"), (1.5, "1.50"), (12.34, "12.3"), (480.0, "480"), (None, "–"), (2, "2")],
)
def test_numbers_are_as_long_as_they_are_sure(cell: float | None, words: str) -> None:
    assert shown(cell) == words


def test_a_row_must_fit_its_columns() -> None:
    with pytest.raises(ValueError, match="2 cells for 1 columns"):
        Table("Style", ["arm"], [["a", 1.0]])
