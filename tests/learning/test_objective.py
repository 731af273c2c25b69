import torch

from app.learning.objective import telling_rows


def test_telling_rows_are_the_largest_advantages_of_each_group_shortest_first():
    advantages = torch.tensor([[0.1, -0.9, 0.0, 0.5], [-0.02, 0.04, 0.01, -0.03]])
    assert telling_rows(advantages, 0.5, [1, 9, 1, 4, 1, 2, 1, 3]) == [5, 7, 3, 1]
    assert telling_rows(advantages, 1.0, list(range(8))) == [0, 1, 3, 4, 5, 6, 7]
    assert telling_rows(torch.zeros(2, 2), 1.0, [1] * 4) == []
    assert telling_rows(advantages, 0.01, [0] * 8) == [1, 5]
