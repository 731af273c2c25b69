"""Turns that alternate: A B C, B C A, C A B. A slow minute of the machine then meets all of them."""

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from benchmarks.common.contestant import ContestantFailed

T = TypeVar("T")


def alternate(
    turns: Mapping[str, Callable[[], T]],
    rounds: int,
    *,
    once: Collection[str] = (),
    failures: dict[str, str] | None = None,
) -> dict[str, list[T]]:
    """The results of every turn by name, round after round; those in `once` take part in the first round only.

    A turn that fails leaves with its results and `failures` says why; without `failures`, ContestantFailed is raised.
    """
    results: dict[str, list[T]] = {name: [] for name in turns}
    playing = list(turns)
    for number in range(rounds):
        for name in list(playing):
            if number and name in once:
                continue
            try:
                results[name].append(turns[name]())
            except ContestantFailed as error:
                if failures is None:
                    raise
                failures[name] = str(error)
                playing.remove(name)
                del results[name]
        playing = [*playing[1:], *playing[:1]]
    return results
