"""How much of a text survives a person's own correction of it."""


def kept_share(written: str, edited: str) -> float:
    """Share of the words of both texts that the edit left alone and in order: 2 * LCS / (words + words), in [0, 1].

    Words are what stands between white space, so a changed comma or capital changes its word: that is style.
    """
    left, right = written.split(), edited.split()
    if not left and not right:
        return 1.0
    return 2 * _longest_common_subsequence(left, right) / (len(left) + len(right))


def _longest_common_subsequence(left: list[str], right: list[str]) -> int:
    """Length by bit-parallel dynamic programming (Crochemore et al. 2001), in len(right) operations on wide integers.

    `difflib` takes minutes for long texts of few different words, which anyone may send.
    """
    places: dict[str, int] = {}
    for place, word in enumerate(left):
        places[word] = places.get(word, 0) | 1 << place
    every = (1 << len(left)) - 1
    column = every
    for word in right:
        matches = column & places.get(word, 0)
        column = (column + matches | column - matches) & every
    return len(left) - column.bit_count()
