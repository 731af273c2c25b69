import math

import pytest
import torch

from app.evaluation.measures.classifying import auroc, calibration_error, pearson


def test_auroc_is_the_share_of_pairs_in_order() -> None:
    assert auroc([3.0, 2.0], [1.0, 2.0]) == pytest.approx((1 + 1 + 1 + 0.5) / 4)
    assert auroc([0.0], [1.0]) == 0.0
    assert math.isnan(auroc([], [1.0]))


def test_calibration_error_is_the_gap_of_confidence_and_accuracy() -> None:
    probabilities = torch.tensor([[0.8, 0.2]] * 10)
    mostly_right = torch.tensor([0] * 8 + [1] * 2)
    half_right = torch.tensor([0] * 5 + [1] * 5)
    assert calibration_error(probabilities, mostly_right) == pytest.approx(0.0, abs=1e-6)
    assert calibration_error(probabilities, half_right) == pytest.approx(0.3)


def test_errors_of_opposite_sign_do_not_cancel() -> None:
    probabilities = torch.tensor([[0.9, 0.1]] * 2 + [[0.6, 0.4]] * 2)
    truth = torch.tensor([0, 1, 0, 0])
    assert calibration_error(probabilities, truth) == pytest.approx((0.4 + 0.4) / 2)


def test_pearson_of_a_line_is_one_and_of_a_constant_unknown() -> None:
    assert pearson([1, 2, 3], [2, 4, 6]) == pytest.approx(1.0)
    assert pearson([1, 2, 3], [3, 2, 1]) == pytest.approx(-1.0)
    assert math.isnan(pearson([1, 1, 1], [3, 2, 1]))
    assert math.isnan(pearson([1], [1]))
