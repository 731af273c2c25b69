import pytest
import torch

from app.learning.satisfaction.static import (
    BUCKETS,
    EMOTIONS,
    GROUPS,
    LABELS,
    PARTS,
    WIDTH,
    SatisfactionHead,
    group_probabilities,
    moods,
    satisfaction,
    words,
)


def test_goemotions_has_28_labels_each_in_one_group() -> None:
    assert len(LABELS) == len(set(LABELS)) == 28
    assert set(EMOTIONS) == set(GROUPS)


def test_case_and_curly_quotes_make_no_difference_but_marks_do() -> None:
    assert words("I DON’T like it") == words("i don't like it")
    assert words("fine") != words("fine!") != words("fine!!")
    assert len(words("so 😀😀")) == len(["so", "😀😀", "<so", "so😀😀", "😀😀>"])
    assert all(0 <= word < BUCKETS for word in words("What a day, 24 hours of rain…"))


def test_probabilities_are_the_mean_of_both_ways_to_tell_a_group() -> None:
    log_odds = torch.zeros(1, 32)
    log_odds[0, LABELS.index("joy")] = 100.0
    displeased, neutral, ambiguous, pleased = group_probabilities(log_odds)[0].tolist()
    assert (displeased, neutral, ambiguous) == pytest.approx((0.125, 0.125, 0.125))
    assert pleased == pytest.approx(0.5 + 0.125)


def test_neither_is_the_neutral_and_the_ambiguous_group() -> None:
    folded = moods(torch.tensor([[0.1, 0.2, 0.3, 0.4]]))
    assert folded[0].tolist() == pytest.approx([0.1, 0.5, 0.4])
    assert satisfaction(folded).tolist() == pytest.approx([0.65])


def test_a_head_reads_each_text_by_itself_and_by_its_words() -> None:
    torch.manual_seed(0)
    head = SatisfactionHead().eval()
    with torch.no_grad():
        head.reply.lexicon.weight[words("yay")[0]] = torch.tensor([0.0, 0.0, 9.0])
    rows = torch.randn(1, PARTS, WIDTH).expand(3, -1, -1)
    found = head.moods(rows, [words("well"), words("yay"), []])
    assert torch.allclose(found.sum(-1), torch.ones(3))
    assert found[1, 2] > 0.9 > found[0, 2]
    assert torch.allclose(found[:1], head.moods(rows[:1], [words("well")]))
    assert head.groups(rows, [[], [], []]).shape == (3, len(GROUPS))


def test_a_state_comes_back_as_it_was_also_from_half_precision() -> None:
    torch.manual_seed(0)
    head = SatisfactionHead().eval()
    again = SatisfactionHead({name: tensor.half() for name, tensor in head.state_dict().items()})
    rows, said = torch.randn(2, PARTS, WIDTH), [words("too stiff"), words("lovely")]
    assert torch.allclose(head.moods(rows, said), again.moods(rows, said), atol=1e-2)
    assert not again.training
