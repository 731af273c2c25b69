"""Which faces and pictures suit a text: nobody is thanked for ten years with a tear."""

import re
from collections.abc import Sequence

_SAD_SIGN = re.compile(r"[:=;]['’]?-?[(/\\|]|D:|[😞😔😟😢😭😥😰😱😡😠😤😩😫😖😣😕🙁☹😒🙄💔🤒🤕🤢👎🖕]")
_BAD_NEWS = re.compile(
    r"(?i)\b(?:unfortunately|sadly|regret\w*|sorry|apolog\w+|ashamed|lonely|sad|upset\w*|angry|annoy\w+|furious|terribl[ey]|"
    r"horrible|awful\w*|dreadful\w*|worst|worse|bad|badly|lost|lose|loses|losing|loss|losses|missed|broke|broken|breaks|"
    r"stolen|stole|burnt|burned|damaged?|dead|died|dies|dying|death|ill|illness|sick|hurts?|injur\w+|pain(?:s|ful\w*)?|ache\w*|"
    r"cough|fever|crie[sd]|cry|crying|tears|fail\w*|faults?|faulty|mistakes?|errors?|problems?|complain\w*|complaints?|"
    r"cancel(?:led|ed)|late|delay\w*|stuck|flood\w*|leak\w*|crash\w*|accidents?|misunderst\w+|disappoint\w+|afraid|"
    r"scared|worried|worry\w*|worries|tired|exhausted|overdue|rejected|refused|fined|fines|stain(?:s|ed)?|rude|cruel)\b"
)
_BUT = re.compile(
    r"(?i)\b(?:not|no|never|nobody|nothing|none|without|but|however|cannot|\w+n['’]t|"
    r"(?:do|does|did|is|are|was|were|ca|wo|could|would|should|have|has|had|must|need)nt)\b"
)
_DENIED = re.compile(r"(?i)\b(?:no|not|never|without|nothing|any|cannot|\w+n['’]t)\W+(?:\w+\W+)?$")
REACH = 24
"""Characters before a word that may deny it: `without any problems`."""


def is_sad(sign: str) -> bool:
    """Of a face or a picture."""
    return bool(_SAD_SIGN.search(sign))


def suiting(text: str, signs: Sequence[str]) -> Sequence[str]:
    """Those of the signs that suit what the text says; all of them if it may be either, or if none does."""
    bad_news = list(_BAD_NEWS.finditer(text))
    if bad_news and all(_DENIED.search(text[max(0, word.start() - REACH) : word.start()]) for word in bad_news):
        return signs
    if bad_news:
        return [sign for sign in signs if is_sad(sign)] or signs
    if _BUT.search(text):
        return signs
    return [sign for sign in signs if not is_sad(sign)] or signs
