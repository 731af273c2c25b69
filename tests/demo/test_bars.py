"""Which figures meet which bar."""

import pytest

from app.demo.bars import bars
from app.rest import Json

WELL: Json = {
    "style_matrix": {"Max": {"Max": 0.5, "Sam": 0.2}, "Sam": {"Max": 0.3, "Sam": 0.4}},
    "people": [
        {
            "name": "Max",
            "style_before": 0.2,
            "style_after": 0.5,
            "meaning": 0.96,
            "entities": 0.98,
            "modes": {"voice 1": 1.0},
            "own_modes": {"voice 1": 1.0},
            "seconds": 180.0,
        },
        {
            "name": "Sam",
            "style_before": 0.3,
            "style_after": 0.4,
            "meaning": 0.8,
            "entities": 0.9,
            "modes": {"work": 0.75, "friends": 0.25},
            "own_modes": {"work": 0.5, "friends": 0.5},
            "seconds": 240.0,
        },
    ],
    "one_rewrite": {"words": 36, "seconds": 6.0},
    "memory": {"engine": 1_900_000_000, "web": 250_000_000, "train": 2_500_000_000, "score": 800_000_000},
}
OWN, BASE = "rewrites are most like their own person", "more like their person than the base writes"


def changed(**changes: object) -> Json:
    """As above, but Sam's figures are these."""
    max_, sam = WELL["people"]
    return WELL | {"people": [max_, sam | changes]}


def missed(result: Json) -> list[str]:
    return [bar.name for bar in bars(result) if not bar.passed]


def test_all_are_met_at_their_very_edge() -> None:
    found = {bar.name: bar.got for bar in bars(WELL)}
    assert missed(WELL) == []
    assert found == {
        OWN: "2 of 2; least Sam, by +0.10",
        BASE: "2 of 2; least Sam, by +0.10",
        "meaning kept": "0.800 (Sam)",
        "names and figures kept": "0.900 (Sam)",
        "all voices of Sam are heard": "work 75%, friends 25%",
        "one training": "240 s (Sam)",
        "one rewrite of 36 words": "6.0 s",
        "memory at most": "engine 1.9 GB, web 250 MB, train 2.5 GB, score 800 MB",
    }


@pytest.mark.parametrize(
    ("result", "name"),
    [
        (WELL | {"style_matrix": {"Max": {"Max": 0.5, "Sam": 0.5}, "Sam": {"Max": 0.3, "Sam": 0.4}}}, OWN),
        (changed(style_after=0.3), BASE),
        (changed(meaning=0.799), "meaning kept"),
        (changed(entities=0.899), "names and figures kept"),
        (changed(modes={"work": 0.76, "friends": 0.24}), "all voices of Sam are heard"),
        (changed(modes={"work": 1.0}), "all voices of Sam are heard"),
        (changed(seconds=241.0), "one training"),
        (WELL | {"one_rewrite": {"words": 36, "seconds": 6.1}}, "one rewrite of 36 words"),
        (WELL | {"memory": {"web": 251_000_000}}, "memory at most"),
        (WELL | {"memory": {"engine": 2_600_000_000}}, "memory at most"),
    ],
)
def test_a_figure_beyond_its_bar_misses_it_and_no_other(result: Json, name: str) -> None:
    assert missed(result) == [name]


def test_of_one_person_of_one_voice_is_told_what_can_be_told() -> None:
    alone = {"style_matrix": {"Max": {"Max": 0.5}}, "people": WELL["people"][:1]}
    assert [bar.name for bar in bars(alone)] == [BASE, "meaning kept", "names and figures kept", "one training"]
