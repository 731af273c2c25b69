import pytest
import torch

from app.learning.modes import cluster, find_modes, silhouette

NEUTRAL = ["plain"]


def clumps(*sizes, spread=0.15, dimensions=8, seed=0):
    """Texts and an encoder that puts them around as many directions, far apart: '0.3' is the third of clump 0."""
    random = torch.Generator().manual_seed(seed)
    rows = {text: torch.ones(dimensions) / dimensions**0.5 for text in NEUTRAL}
    for k, size in enumerate(sizes):
        for i in range(size):
            centre = torch.nn.functional.one_hot(torch.tensor(k), dimensions).float()
            noisy = centre + spread * torch.randn(dimensions, generator=random)
            rows[f"{k}.{i}"] = torch.nn.functional.normalize(noisy, dim=-1)
    return [text for text in rows if text not in NEUTRAL], lambda texts: torch.stack([rows[text] for text in texts])


def unlabelled(texts):
    return [None] * len(texts)


def voices_of(mode):
    return {text.split(".")[0] for text in mode.texts}


@pytest.mark.parametrize("sizes", [(12, 12), (14, 8), (10, 8, 7), (12, 9, 8, 7)])
def test_distinct_clusters_are_voices_largest_first(sizes):
    texts, encoder = clumps(*sizes)
    modes = find_modes(texts, unlabelled(texts), encoder, neutral_texts=NEUTRAL)
    assert [mode.tag for mode in modes] == [f"voice {i + 1}" for i in range(len(sizes))]
    assert [len(mode.texts) for mode in modes] == list(sizes)
    assert all(len(voices_of(mode)) == 1 for mode in modes)
    assert sum(mode.share for mode in modes) == pytest.approx(1)
    assert modes[0].share == sizes[0] / sum(sizes)


def test_one_clump_is_one_voice_however_it_could_be_cut():
    texts, encoder = clumps(40, spread=0.4)
    modes = find_modes(texts, unlabelled(texts), encoder, neutral_texts=NEUTRAL)
    assert [(mode.tag, mode.share, mode.texts) for mode in modes] == [("voice 1", 1.0, texts)]


def test_a_habit_that_comes_and_goes_does_not_make_two_voices():
    """Two tight clusters with a fine silhouette, but both far from plain text in the same direction."""

    def encoder(texts):
        far, habit = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 0.3, 0.0])
        random = torch.Generator().manual_seed(0)
        sides = {"with": far + habit, "sans": far - habit, "plai": torch.tensor([0.0, 0.0, 1.0])}
        rows = torch.stack([sides[text[:4]] + 0.05 * torch.randn(3, generator=random) for text in texts])
        return torch.nn.functional.normalize(rows, dim=-1)

    texts = [f"{side} {i}" for i in range(12) for side in ("with", "sans")]
    assert cluster(encoder(texts), 2, seed=0).silhouette > 0.6
    assert len(find_modes(texts, unlabelled(texts), encoder, neutral_texts=NEUTRAL)) == 1


def test_a_cluster_of_five_is_too_few_to_be_a_voice():
    texts, encoder = clumps(20, 5)
    assert len(find_modes(texts, unlabelled(texts), encoder, neutral_texts=NEUTRAL)) == 1


def test_there_are_never_more_than_four():
    texts, encoder = clumps(8, 8, 8, 8, 8, 8)
    assert len(find_modes(texts, unlabelled(texts), encoder, neutral_texts=NEUTRAL)) <= 4


@pytest.mark.parametrize("count", [1, 2, 11])
def test_few_texts_are_one_voice(count):
    texts, encoder = clumps(count)
    assert [mode.tag for mode in find_modes(texts, unlabelled(texts), encoder, neutral_texts=NEUTRAL)] == ["voice 1"]


def test_identical_texts_are_one_voice():
    texts = [str(i) for i in range(20)]
    modes = find_modes(texts, unlabelled(texts), lambda texts: torch.ones(len(texts), 4) / 2, neutral_texts=NEUTRAL)
    assert [mode.tag for mode in modes] == ["voice 1"]


def test_the_same_seed_finds_the_same_modes():
    texts, encoder = clumps(9, 9, 9, spread=0.45)
    found = [find_modes(texts, unlabelled(texts), encoder, seed=4, neutral_texts=NEUTRAL) for _ in range(2)]
    assert found[0] == found[1]


def test_labels_win_over_what_clusters_would_say():
    texts, encoder = clumps(10, 10)
    contexts = ["work" if i % 2 else "Friends " for i in range(20)]
    modes = find_modes(texts, contexts, encoder, neutral_texts=NEUTRAL)
    assert {mode.tag for mode in modes} == {"work", "friends"}
    assert all(voices_of(mode) == {"0", "1"} for mode in modes)


def test_a_context_of_three_joins_the_nearest():
    texts, encoder = clumps(8, 8)
    contexts = ["work"] * 8 + ["friends"] * 5 + ["party"] * 3
    assert [(mode.tag, len(mode.texts)) for mode in find_modes(texts, contexts, encoder, neutral_texts=NEUTRAL)] == [
        ("work", 8),
        ("friends", 8),
    ]


def test_many_leftovers_are_a_mode_of_their_own():
    texts, encoder = clumps(8, 8)
    modes = find_modes(texts, ["work"] * 8 + ["a", "a", None, "b", None, None, "", "c"], encoder, neutral_texts=NEUTRAL)
    assert [(mode.tag, mode.share) for mode in modes] == [("work", 0.5), ("other", 0.5)]


def test_with_five_contexts_the_smallest_joins_its_nearest():
    texts, encoder = clumps(7, 6, 6, 6, 4)
    contexts = [f"c{text[0]}" for text in texts]
    modes = find_modes(texts, contexts, encoder, neutral_texts=NEUTRAL)
    assert sorted(mode.tag for mode in modes) == ["c0", "c1", "c2", "c3"]
    assert sum(len(mode.texts) for mode in modes) == len(texts)


def test_labels_that_are_all_too_small_leave_it_to_the_clusters():
    texts, encoder = clumps(9, 9)
    modes = find_modes(texts, ["a", "b", "c"] * 6, encoder, neutral_texts=NEUTRAL)
    assert [mode.tag for mode in modes] == ["a", "b", "c"]
    modes = find_modes(texts, ["a", "b", "c", "d", "e", "f"] * 3, encoder, neutral_texts=NEUTRAL)
    assert [mode.tag for mode in modes] == ["voice 1", "voice 2"]


def test_no_texts_no_voice():
    texts, encoder = clumps(12)
    with pytest.raises(ValueError, match="no neutral text"):
        find_modes(texts, unlabelled(texts), encoder, neutral_texts=[])
    with pytest.raises(ValueError, match="no text"):
        find_modes([], [], lambda texts: torch.zeros(0, 2), neutral_texts=NEUTRAL)


def test_silhouette_in_closed_form():
    rows = torch.tensor([[0.0], [1.0], [4.0], [6.0]])
    a, b = [1, 1, 2, 2], [5, 4, 3.5, 5.5]
    expected = sum((y - x) / max(x, y) for x, y in zip(a, b, strict=True)) / 4
    assert silhouette(rows, torch.tensor([0, 0, 7, 7])) == pytest.approx(expected)


def test_a_text_alone_in_its_cluster_counts_nothing():
    rows = torch.tensor([[0.0], [1.0], [9.0]])
    expected = (1 - 1 / 9) + (1 - 1 / 8)
    assert silhouette(rows, torch.tensor([0, 0, 1])) == pytest.approx(expected / 3)
    assert silhouette(rows, torch.tensor([0, 0, 0])) == 0


def test_k_means_finds_the_tightest_cut():
    texts, encoder = clumps(5, 5, 5, spread=0.05)
    found = cluster(encoder(texts), 3, seed=0)
    assert [len(set(found.assignment_N[i : i + 5].tolist())) for i in (0, 5, 10)] == [1, 1, 1]
    assert found.silhouette > 0.8
