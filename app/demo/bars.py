"""Did it work? What was asked of the demo before anybody ran it, beside what it did: figures in, verdicts out.

A bar that is missed is a result and no error: the demo tells it and ends as well as ever.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from app.rest import Json

LEAST_MEANING: Final = 0.80
LEAST_ENTITIES: Final = 0.90
LEAST_OF_SHARE: Final = 0.5
"""A voice is kept if its share of the rewrites is at least so much of its share of the samples."""
LONGEST_TRAINING_S: Final = 240.0
LONGEST_REWRITE_S: Final = 6.0
MOST_MEMORY: Final = {"web": 250e6}
MOST_MEMORY_WITH_MODELS: Final = 2.5e9


@dataclass(frozen=True)
class Bar:
    name: str
    wanted: str
    got: str
    passed: bool

    def row(self) -> Json:
        return asdict(self)


def bars(result: Json) -> list[Bar]:
    """A bar for all people together, judged by the worst of them; what was not measured has none."""
    people = result["people"]
    return [
        *_own_voice(result["style_matrix"]),
        _moved(people),
        _kept("meaning kept", "meaning", LEAST_MEANING, people),
        _kept("names and figures kept", "entities", LEAST_ENTITIES, people),
        *(_voices(person) for person in people if len(person["own_modes"]) > 1),
        _training(people),
        *_time(result.get("one_rewrite")),
        *_memory(result.get("memory", {})),
    ]


def _own_voice(matrix: Mapping[str, Mapping[str, float]]) -> Iterator[Bar]:
    """The diagonal is the largest cell of its row. Nobody is nearest of one."""
    if len(matrix) > 1:
        leads = {
            name: row[name] - max(cell for other, cell in row.items() if other != name) for name, row in matrix.items()
        }
        count, last = sum(lead > 0 for lead in leads.values()), min(leads, key=lambda name: leads[name])
        got = f"{count} of {len(leads)}; least {last}, by {leads[last]:+.2f}"
        yield Bar("rewrites are most like their own person", "every person's", got, count == len(leads))


def _moved(people: Sequence[Json]) -> Bar:
    gains = {person["name"]: person["style_after"] - person["style_before"] for person in people}
    count, last = sum(gain > 0 for gain in gains.values()), min(gains, key=lambda name: gains[name])
    got = f"{count} of {len(gains)}; least {last}, by {gains[last]:+.2f}"
    return Bar("more like their person than the base writes", "every person's", got, count == len(gains))


def _kept(name: str, field: str, least: float, people: Sequence[Json]) -> Bar:
    worst = min(people, key=lambda person: float(person[field]))
    # Three places: .797 is below .80 and shall not read as if it were not.
    return Bar(name, f"≥ {least:.2f} each", f"{worst[field]:.3f} ({worst['name']})", worst[field] >= least)


def _voices(person: Json) -> Bar:
    least = {tag: LEAST_OF_SHARE * share for tag, share in person["own_modes"].items()}
    shares = {tag: person["modes"].get(tag, 0.0) for tag in least}
    passed = all(shares[tag] >= share for tag, share in least.items())
    return Bar(f"all voices of {person['name']} are heard", f"≥ {_percent(least)}", _percent(shares), passed)


def _percent(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{tag} {share:.0%}" for tag, share in shares.items())


def _training(people: Sequence[Json]) -> Bar:
    slowest = max(people, key=lambda person: float(person["seconds"]))
    got = f"{slowest['seconds']:.0f} s ({slowest['name']})"
    return Bar("one training", f"≤ {LONGEST_TRAINING_S:g} s each", got, slowest["seconds"] <= LONGEST_TRAINING_S)


def _time(one: Json | None) -> Iterator[Bar]:
    if one is not None:
        name, got = f"one rewrite of {one['words']} words", f"{one['seconds']:.1f} s"
        yield Bar(name, f"≤ {LONGEST_REWRITE_S:g} s", got, one["seconds"] <= LONGEST_REWRITE_S)


def _memory(peaks: Mapping[str, int]) -> Iterator[Bar]:
    if peaks:
        most = {name: MOST_MEMORY.get(name, MOST_MEMORY_WITH_MODELS) for name in peaks}
        got = ", ".join(f"{name} {_bytes(peak)}" for name, peak in peaks.items())
        wanted = ", ".join(f"{name} {_bytes(limit)}" for name, limit in MOST_MEMORY.items())
        wanted = f"≤ {wanted}, others {_bytes(MOST_MEMORY_WITH_MODELS)}"
        yield Bar("memory at most", wanted, got, all(peak <= most[name] for name, peak in peaks.items()))


def _bytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
