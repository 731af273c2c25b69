"""Which faces and pictures suit a text: nobody is thanked for ten years with a tear."""

import re
from collections.abc import Sequence

_SAD_SIGN = re.compile(r"[:=;]['’]?-?[(/\\|]|D:|[😞😔😟😢😭😥😰😱😡😠😤😩😫😖😣😕🙁☹😒🙄💔🤒🤕🤢👎🖕]")
_BAD_NEWS = re.compile(
    r"(?i)\b(?:unfortunately|sadly|regret\w*|sorry|apolog\w+|ashamed|lonely|sad|upset\w*|angry|annoy\w+|furious|terribl[ey]|"
    r"horrible|awful\w*|dreadful\w*|worst|worse|bad|badly|lost|lose|loses|losing|loss|losses|missed|broke|broken|breaks|"
    r"stolen|stole|burnt|burned|damaged?|dead|died|dies|dying|death|ill|illness|sick|hurts?|injur\w+|pain\w*|ache\w*|"
    r"cough|fever|crie[sd]|cry|crying|tears|fail\w*|faults?|faulty|mistakes?|errors?|problems?|complain\w*|complaints?|"
    r"cancel(?:led|ed)|late|delay\w*|stuck|flood\w*|leak\w*|crash\w*|accidents?|misunderst\w+|disappoint\w+|afraid|"
    r"scared|worried|worry\w*|worries|tired|exhausted|overdue|rejected|refused|fined|fines|stain\w*|rude|cruel)\b"
)
_BUT = re.compile(r"(?i)\b(?:not|no|never|nobody|nothing|none|without|but|however|\w+n['’]?t)\b")


def is_sad(sign: str) -> bool:
    """Of a face or a picture."""
    return bool(_SAD_SIGN.search(sign))


def suiting(text: str, signs: Sequence[str]) -> Sequence[str]:
    """Those of the signs that suit what the text says; all of them if it may be either, or if none does."""
    if _BAD_NEWS.search(text):
        return [sign for sign in signs if is_sad(sign)] or signs
    if _BUT.search(text):
        return signs
    return [sign for sign in signs if not is_sad(sign)] or signs
