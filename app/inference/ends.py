"""How passages end. A small base that is asked for a line with a comma at its end goes on instead of writing it anew.

So it is asked without the comma, and what it writes gets its passage's own end. No torch.
"""

import re
import unicodedata

CLOSING = "\"'”’)]"
STOPS = ".!?…。！？"
_OPEN_MARKS = ",;:"
_OPEN_END = re.compile(rf"(?<![\s{_OPEN_MARKS}])[\s{_OPEN_MARKS}]*[{_OPEN_MARKS}]\s*\Z")
_LONE_STOP = re.compile(r"(?<!\S)[^\s.]+\.\Z")
"""Of a sentence, and not of `p.m.` or `...`"""
_SMILEY = re.compile(r"(?:^|\s)[:;=]['’]?-?[)(DPpoO/]+\Z|<3+\Z|\^\^\Z")
_EMOJI = ("So", "Sk", "Cf")


def without_open_end(passage: str) -> str:
    """Without the comma or colon that it ends with: after one, a model would go on instead of writing it anew."""
    return _OPEN_END.sub("", passage) or passage


def without_end(text: str) -> str:
    """Without the mark that it ends with so far, if that may have to give way to its passage's own."""
    return text.rstrip().rstrip("." + _OPEN_MARKS).rstrip()


def with_end_of(passage: str, text: str, *, is_line: bool) -> str:
    """`text` with the comma or colon that its passage ends with, and with none if its passage ends with none.

    `is_line`: the passage may be a greeting, a heading or a label, which gets no full stop either. A text that ends
    with an exclamation, a smile or the like keeps it.
    """
    passage, text, bare = passage.rstrip(), text.rstrip(), without_end(text)
    own = _OPEN_END.search(passage)
    if not bare:
        return text
    if own:
        asked, said = passage[: own.start()], _OPEN_END.sub("", text)
        if asked.endswith(".") and said.endswith("."):
            bare = said  # that of `p.m.` or `etc.`
        is_ended = _ends_itself(bare) and not _ends_itself(asked)
        return bare if is_ended else bare + own[0]
    if text[-1] in _OPEN_MARKS:
        return bare + passage[len(passage.rstrip(STOPS)) :]
    if is_line and passage[-1:].isalnum() and _LONE_STOP.search(text):
        return text[:-1]
    return text


def _ends_itself(text: str) -> bool:
    return text.endswith(tuple(STOPS)) or bool(_SMILEY.search(text)) or unicodedata.category(text[-1]) in _EMOJI
