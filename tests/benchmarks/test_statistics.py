"""Medians, ranges, ratios and the limit, by hand."""

import pytest

from benchmarks.common.statistics import Summary, bound, quantile, ratio, rounded


def test_a_summary_is_the_median_and_the_whole_range() -> None:
    summary = Summary.of([3.0, 1.0, 10.0])
    assert (summary.median, summary.low, summary.high, summary.count) == (3.0, 1.0, 10.0, 3)
    assert str(summary) == "3 (1–10)"
    assert str(Summary.of([2.5])) == "2.5"
    assert summary.report() == {"median": 3.0, "low": 1.0, "high": 10.0, "count": 3}
    with pytest.raises(ValueError, match="nothing"):
        Summary.of([])


def test_a_ratio_is_taken_round_by_round() -> None:
    # The second round was slow for both; medians over medians would say 2.5.
    assert ratio([10.0, 2.0, 12.0], [5.0, 1.0, 4.0]).median == 2.0
    assert ratio([10.0, 2.0], [5.0]).count == 1


@pytest.mark.parametrize(
    ("share", "value"),
    [(0.0, 1.0), (0.5, 5.0), (0.51, 6.0), (0.99, 10.0), (1.0, 10.0)],
)
def test_a_quantile_is_the_smallest_value_that_enough_do_not_exceed(share: float, value: float) -> None:
    assert quantile([10.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], share) == value


def test_the_bound_of_mixed_decoding() -> None:
    assert bound(0, 0.018) == 1.0
    assert bound(16, 0.018) == pytest.approx(1 / 1.288)


def test_rounding_keeps_significant_digits() -> None:
    assert rounded(0.00012345) == 0.0001234
    assert rounded(98765.4) == 98770.0
