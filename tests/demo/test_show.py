"""How the demo's end looks."""

import io

import pytest
from rich.console import Console

from app.demo.show import CURVE_WIDTH, progress, report, sparkline


def person(name: str, **changes: object) -> dict[str, object]:
    return {
        "name": name,
        "style_before": 0.04,
        "style_after": 0.61,
        "meaning": 0.87,
        "entities": 0.93,
        "modes": {"[work]": 0.6, "friends": 0.4},
        "outcome": "superseded",
        "seconds": 201.4,
        "texts": [{"input": "I am [almost] there.", "before": "I am there.", "after": "there in [5] :)"}],
    } | changes


def shown(result: dict[str, object]) -> str:
    console = Console(file=io.StringIO(), width=140)
    report(console, result)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_report_holds_the_figures_and_the_texts_as_they_are() -> None:
    matrix = {"[max]": {"[max]": 0.61, "rosa": 0.12}, "rosa": {"[max]": 0.03, "rosa": 0.58}}
    words = shown(
        {
            "people": [person("[max]"), person("rosa")],
            "style_matrix": matrix,
            "feedback": {"name": "[max]", "text": "Not [me] at all.", "satisfaction": 0.126},
            "bars": [
                {"name": "meaning kept", "wanted": "≥ 0.80 each", "got": "0.870 ([max])", "passed": True},
                {"name": "names and figures kept", "wanted": "≥ 0.90 each", "got": "0.899 (rosa)", "passed": False},
            ],
        }
    )
    for part in (
        "[max]",
        "0.04",
        "0.61",
        "0.87",
        "0.93",
        "[work] 60%, friends 40%",
        "superseded",
        "201",
        "0.03",
        "0.58",
    ):
        assert part in words
    [line] = {line for line in words.splitlines() if "I am [almost] there." in line}
    assert line.index("I am [almost] there.") < line.index("I am there.") < line.index("there in [5] :)")
    assert "“Not [me] at all.” → satisfaction 0.13 of 1" in words
    verdicts = [line.split()[-2] for line in words.splitlines() if "kept" in line and "each" in line]
    assert verdicts == ["✓", "✗"]
    assert "1 of 2 missed. That is a result and no error" in words


def test_a_message_of_the_start_is_shown_as_it_is() -> None:
    console = Console(file=io.StringIO(), width=140)
    progress(console, "engine: [Errno 111] [/no] markup")
    assert "engine: [Errno 111] [/no] markup" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_sparkline_goes_from_lowest_to_highest_and_ends_with_the_last_value() -> None:
    assert sparkline([0.0, 0.5, 1.0]) == "▁▅█ 1.00"
    assert sparkline([0.25, 0.25]) == "▁▁ 0.25"
    assert sparkline([]) == ""


@pytest.mark.parametrize("count", [CURVE_WIDTH, CURVE_WIDTH + 1, 500])
def test_a_sparkline_stays_in_its_column(count: int) -> None:
    assert len(sparkline([float(i) for i in range(count)]).split()[0]) == CURVE_WIDTH
