"""Turn somebody's sentence into the plain sentence that says the same: the prompt from which their voice is learned.

Training pairs are (neutralise(sample) -> sample), so two properties matter more than completeness. The result must be
English, because its mistakes become the model's input for ever; and every fact of the sample must survive, because a fact
that is missing from the prompt teaches the model to invent. Rules only (thousands of texts a second); what the rules do
not recognise stays as it was.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping

from app.learning.capitals import CAPITALS_ARE_OTHER, NAMES_TOO, fits_acronym
from app.learning.lexicon import (
    AMBIGUOUS_NAMES,
    BARE_CONTRACTIONS,
    CONTRACTIONS,
    DROPPED,
    EMPHASISED,
    FORMAL_PHRASES,
    FORMAL_WORDS,
    INTENSIFIERS,
    KEEP_DOUBLE,
    NAMES,
    PLAIN_SWAPS,
    SHOUTED,
    SLANG,
    WARM_PHRASES,
)
from app.learning.neighbours import BE, DETERMINER, OBJECT, PRONOUN, fits
from app.learning.senses import MARKED_SENSES

EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2190-\u21ff\u2300-\u23ff\ufe0f\u200d\u20e3\U000e0020-\U000e007f]+"
)
EMOTICON = re.compile(
    r"(?:(?<=\s)|^)(?:[:;=]['\-^]?[)(DPp/\\|oO\]*]+|:['\-^]?3+|[8xX]['\-^][)(DPp]+|<3+|\^_\^|:'\(|[xX]D+|\(:|\):|-_-)(?=\s|$|[.!?,])"
)
_PUNCTUATION = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "…": "...", "\u00a0": " "})
_WORD_EDGE = (r"(?<![\w'])(?<!\w-)", r"(?![\w'])(?!-\w)")
_SENTENCE_BEGINS = re.compile(r"(?:^|[.!?:;(\"–—-])\s*$")


def _table(words: Mapping[str, str], names: Collection[str] = ()) -> Callable[[str], str]:
    """A function that replaces each key, as a whole word and whatever its case, keeping a capital first letter.

    Only where it has that sense; those of `names` have none with a capital inside a sentence.
    """
    keys = sorted(words, key=len, reverse=True)
    pattern = re.compile(_WORD_EDGE[0] + "(" + "|".join(map(re.escape, keys)) + ")" + _WORD_EDGE[1], re.IGNORECASE)

    def swap(match: re.Match[str]) -> str:
        found, word = match.group(0), match.group(0).lower()
        is_capital = found[:1].isupper()
        if is_capital and (word in names or len(word) == 1) and not _begins_sentence(match):
            return found
        if (is_capital and found.isupper() and word in CAPITALS_ARE_OTHER) or not fits(MARKED_SENSES, word, match):
            return found
        plain = words[word]
        return plain[:1].upper() + plain[1:] if is_capital and (len(found) == 1 or not found.isupper()) else plain

    return lambda text: pattern.sub(swap, text)


def _begins_sentence(match: re.Match[str]) -> bool:
    return bool(_SENTENCE_BEGINS.search(match.string, max(0, match.start() - 3), match.start()))


_expand_contractions = _table({marked.lower(): plain for plain, marked in CONTRACTIONS.items()})
_expand_bare = _table(BARE_CONTRACTIONS)
_expand_slang = _table(SLANG, NAMES_TOO)
_plain_phrases = _table(dict(FORMAL_PHRASES) | dict(WARM_PHRASES), {"hon"})
_plain_words = _table(FORMAL_WORDS | PLAIN_SWAPS, (FORMAL_WORDS.keys() | PLAIN_SWAPS.keys()) - {"mum", "mom", "dad"})
_put = {plain.split()[0].lower() for plain in (FORMAL_WORDS | PLAIN_SWAPS).values()} | {"good"}
_AN_BEFORE_CONSONANT = re.compile(rf"\b(a)n (?=(?:{'|'.join(sorted(w for w in _put if w[0] not in 'aeiou'))})\b)", re.IGNORECASE)  # fmt: skip
_A_BEFORE_VOWEL = re.compile(r"\b(a) (?=(?:expensive|ill)\b)", re.IGNORECASE)
_COURTEOUS = re.compile(
    r"\b(?:(?:may|might) i (?:ask|trouble) you to|would you be so (?:kind|good) as to) ([^.?!]{1,240})\?", re.IGNORECASE
)
"""An order in the form of a question: what is plain is asked with a full stop."""
_apart = "|".join(sorted(map(re.escape, DROPPED), key=len, reverse=True))
_INTERJECTION_FIRST = re.compile(
    rf"(?:(?<=^)|(?<=[.!?,;:—–-] ))(?!swear words?\b|goodness knows|seriously (?:ill|injured|hurt|wounded|damaged|wrong)\b)"
    rf"(?:{_apart})\b(?:[\s,!.—–-]+|$)",
    re.IGNORECASE,
)
# These begin sentences too ("You know that café ..."), so only a comma or a dash after them shows that they stand apart.
_ASIDE = re.compile(r"(?:(?<=^)|(?<=[.!?,;:—–-] ))(?:you know|i mean|guess what)\s*[,!.—–-]+\s*", re.IGNORECASE)
_INTERJECTION_LAST = re.compile(rf"(?<![\s,;—–-])([\s,;—–-]+)({_apart})(?=\s*(?:[.!?,]|$))", re.IGNORECASE)
_WORDS_TOO = frozenset("seriously honestly literally basically swear goodness damn gosh".split())
"""They end sentences as words too ("Take it seriously."), so only a comma or a dash shows that they stand apart."""
_SOMEBODYS = re.compile(
    r"(?:\d|\b(?:an?|the|my|your|his|her|our|their|that|this|some|one|other|nice|cool|little|big|old|of|to|with|for|and))$",
    re.IGNORECASE,
)
_PEOPLE_TOO = frozenset("bro dude yo".split())
_intense = "|".join(sorted(INTENSIFIERS - {"most", "so"}, key=len, reverse=True))
_so = (
    r"so(?! \w+ as\b)(?! (?!glad|happy|sorry|proud|excited|grateful|pleased|delighted|relieved|thankful|disappointed)"
    r"\w+ (?:that|i|we|he|she|they|it|you)\b)"
)
# "The most expensive" is a fact, and so is how tired somebody was that slept at once.
_EMPHASIS = re.compile(
    rf"\b(?:(an?) )?(?:(?:{_intense}|{_so}|(?<=\ba )most|(?<=\b(?:is|am|be) )most|"
    rf"(?<=\b(?:are|was) )most|(?<=\bwere )most),? +){{1,3}}(?=({'|'.join(EMPHASISED)})\b)",
    re.IGNORECASE,
)
_IS_S = re.compile(
    r"\b(it|that|there|what|where|who|he|she|here|how|(?:everything|everyone)(?='s (?:\w+ing|here|there|fine|ok|okay|good|great|ready|"
    r"gone|so|very|too|not|in|at|on|a|the|happy|late|asleep|well|all|just|been|got)\b))'s\b",
    re.IGNORECASE,
)
_HAS_AFTER_S = re.compile(
    r"\b(it|that|there|he|she|who|what)'s (been|got|had|gone|taken|become|made|come|done|eaten)\b|"
    r"\b(he|she|who)'s (fallen|learned|started|decided|"
    rf"(?:seen|forgotten|written|bought|brought|told|said|asked)(?= (?:{OBJECT}|(?!that\b){DETERMINER})))\b",
    re.IGNORECASE,
)
"""Where nobody stands behind it, `he's told` may be what is done to him."""
_HAD_AFTER_D = re.compile(
    r"\b(i|you|he|she|we|they)'d ((?:(?:already|never|always|just|only) )?(?:better|been|had|gone|seen|done|forgotten|left|taken|"
    r"eaten|given|written|known|broken|chosen|spoken|driven|fallen|begun|drunk|worn|stolen|thrown|grown|told|met|heard))\b",
    re.IGNORECASE,
)
_auxiliary = "(?:do|does|did|have|has|had|can|could|would|should|will|must)"
_ASKED_NOT = re.compile(
    rf"((?:(?:^|[.!?,;:] |\b(?:why|how|where|when|and|but|so|or|then) )(?:{BE}|{_auxiliary})|\b(?:what|who) {_auxiliary})) ?not ("
    r"(?:i|you|u|he|she|it|we|they|there)\b|that(?= (?:an?|the|my|your|so|too|what|why|how|great|"
    r"nice|good|lovely)\b| ?\?))(?=[^.?!]{0,150}\?)",
    re.IGNORECASE,
)
_NEGATION = re.compile(r"\b(\w+)n't\b", re.IGNORECASE)
_UR_IS_YOU_ARE = re.compile(r"\bur (?=(?:a|an|the|so|too|not|my|going|gonna|coming|late|early|welcome|right|wrong|in|at|on)\b)", re.IGNORECASE)  # fmt: skip


_OF_LINK = '[^\\s<>"“”‘’…–—\U0001f000-\U0001faff\u2600-\u27bf]'
_TIME = r"\d+(?:[ap]m?|h|hrs?|mins?|ish|th|st|nd|rd|nite|moro|day)?\b"
ADDRESS = re.compile(
    rf"(?i:https?://|www\.){_OF_LINK}*(?<![.,;:!?)'*_])|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]*\w)+"
    rf"|(?<![\w@])@(?!(?i:{_TIME}))(?=[\d_]*[^\W\d_])\w{{2,}}"
)
"""A link, an e-mail address or a handle: facts, of which nothing can be made plainer."""
_GLUED = r"(?:[A-Z][a-z']*\b|(?:i|and|but|then|the|we|he|she|they|you|u|thanks|what|please|see)\b)"
_ends = (
    "py|js|ts|md|txt|pdf|docx?|xlsx?|pptx?|csv|json|ya?ml|toml|ini|cfg|conf|xml|html?|css|sh|sql|zip|tar|gz|png|jpe?g|gif|svg|"
    "mp[34]|log|exe|cpp|rs|com|org|net|io|co|app|dev|edu|gov|uk|de|eu|fr|nl"
)
_DOTTED = re.compile(
    r"(?<![\w.])(?:\w\.){2,}(?= [a-z\d])|"
    rf"(?<![\w.-])(?=[\w.-]*(?:\d\.\d|_|\.(?:{_ends})(?![\w-])|\w\())\w[\w-]*(?:\.(?!(?<=[a-z\d]\.){_GLUED})\w[\w-]*)+"
    r"|(?<!\w)[A-Za-z\d]+(?:_[A-Za-z\d]+)+(?!\w)"
)
"""The name of a file or of something in a program, a version, an abbreviation; not two sentences without a space."""
_FACT = re.compile(f"{ADDRESS.pattern}|{_DOTTED.pattern}")
_HIDDEN = "\ue000"


def neutralise(text: str) -> str:
    """The same message in plain standard English. Never empty: a text that is all ornament comes back trimmed."""
    plain = unicodedata.normalize("NFC", text).translate(_PUNCTUATION).replace(_HIDDEN, " ")
    facts = _FACT.findall(plain)
    plain = _FACT.sub(_HIDDEN, plain)
    plain = re.sub(r"#(\w+)", r"\1", plain)
    plain = re.sub(rf"(?<=\w)\s*{EMOJI.pattern}\s*(?=[A-Z])", ". ", plain)
    plain = EMOTICON.sub(" ", EMOJI.sub(" ", plain))
    plain = re.sub(r"(?<!\S)~(?=[$£€]?\d)", "about ", plain)
    plain = re.sub(r"(?<!\d)[*]+|[*]+(?!\d)|[~_]+|\(\s*\)", " ", plain)
    plain = re.sub(r"\s+", " ", plain).strip()
    plain = re.sub(r"\b\w*?([A-Za-z])\1{2,}\w*", _shorten, plain)
    plain = _quieten(plain)
    plain = _contractions(plain)
    plain = _expand_slang(_UR_IS_YOU_ARE.sub("you are ", plain))
    plain = _plain_words(_plain_phrases(_COURTEOUS.sub(r"please \1.", plain)))
    plain = _without_interjections(plain)
    plain = _EMPHASIS.sub(_calm, _articles(plain))
    plain = _punctuation(plain)
    plain = _capitals(plain, is_lower_case=text == text.lower())
    hidden = iter(facts)
    return re.sub(_HIDDEN, lambda _: next(hidden, ""), plain) or text.strip()


def _shorten(match: re.Match[str]) -> str:
    """Undo an elongation: `soooo` -> `so`, `goooood` -> `good`."""
    double = re.sub(r"([A-Za-z])\1{2,}", r"\1\1", match.group(0))
    single = re.sub(r"([A-Za-z])\1{2,}", r"\1", match.group(0))
    return double if double.lower() in KEEP_DOUBLE else single


def _quieten(text: str) -> str:
    """Shouted words become ordinary ones; short acronyms stay unless the whole text shouts."""
    letters = [c for c in text if c.isalpha()]
    if len(letters) > 8 and sum(c.isupper() for c in letters) > 0.7 * len(letters):
        return text.lower()
    return re.sub(
        r"\b[A-Z]{2,}(?:'[A-Z]+)?\b",
        lambda m: m.group(0) if _is_acronym(m.group(0)) or fits_acronym(m) else m.group(0).lower(),
        text,
    )


def _is_acronym(word: str) -> bool:
    return len(word) <= 4 and word.lower() not in SHOUTED


def _contractions(text: str) -> str:
    text = re.sub(r"\b(\w+)'s gotta\b", r"\1 has to", text)
    text = re.sub(r"\b(\w+)'ve gotta\b", r"\1 have to", text)
    text = _HAS_AFTER_S.sub(lambda m: f"{m.group(1) or m.group(3)} has {m.group(2) or m.group(4)}", text)
    text = _HAD_AFTER_D.sub(r"\1 had \2", text)
    text = _expand_bare(_expand_contractions(text))
    text = _IS_S.sub(r"\1 is", text)
    text = re.sub(r"\b(\w+)'ve\b", r"\1 have", text)
    text = re.sub(r"\b(\w+)'re\b", r"\1 are", text)
    text = re.sub(r"\b(\w+)'ll\b", r"\1 will", text)
    text = re.sub(r"\b(i|you|he|she|we|they)'d\b", r"\1 would", text, flags=re.IGNORECASE)
    text = _NEGATION.sub(r"\1 not", re.sub(r"\b(sh)an't\b", r"\1all not", text, flags=re.IGNORECASE))
    text = re.sub(r"\b(do not) you (?=dare|ever\b|worry\b)", r"\1 ", text, flags=re.IGNORECASE)
    return _ASKED_NOT.sub(r"\1 \2 not", text)


def _articles(text: str) -> str:
    """As the word after them wants it, if that is one which was put there: an excellent -> a very good."""
    return _AN_BEFORE_CONSONANT.sub(r"\1 ", _A_BEFORE_VOWEL.sub(r"\1n ", text))


def _without_interjections(text: str) -> str:
    """Repeated, because one interjection often hides behind another (`omg lol`)."""
    for _ in range(3):
        shorter = _INTERJECTION_LAST.sub(_last, _INTERJECTION_FIRST.sub("", _ASIDE.sub("", text)))
        if shorter == text:
            break
        text = shorter
    return text


def _last(match: re.Match[str]) -> str:
    word, before = match.group(2).lower(), max(0, match.start() - 12)
    is_said = word in _WORDS_TOO or (word in _PEOPLE_TOO and _SOMEBODYS.search(match.string, before, match.start()))
    return match.group(0) if is_said and match.group(1).isspace() else ""


def _calm(match: re.Match[str]) -> str:
    """The article that stood before an emphasis now stands before the word itself: a really old -> an old."""
    if not match.group(1):
        return ""
    has_vowel = match.group(2)[0].lower() in "aeiou" and match.group(2).lower() != "useful"
    return match.group(1)[0] + ("n " if has_vowel else " ")


_DAY = (
    "(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?|jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|"
    "june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_RANGE = re.compile(
    rf"(?i:(\d ?[ap]\.?m)\b\.? ?[-–—]+ ?(?=\d[\d:.]{{0,4}} ?(?:[ap]\.?m\b|\ue000))|\b({_DAY}) [-–—]+ (?=(?:{_DAY})\b))"
    r"|(?<=\d) [-–—]+ (?=[$£€]\d)"
)
"""From nine to five: two days, or two times of a day, with a dash between them. Of bare figures the dash is kept."""


def _punctuation(text: str) -> str:
    text = _RANGE.sub(lambda found: f"{(found[1] or found[2] or '').replace('.', '')} to ", text)
    text = re.sub(r"(?<=\d) ?– ?(?=[$£€]?\d)|(?<=[\d\ue000])–(?=[$£€]?[\d\ue000])|(?<=[A-Za-z])–(?=[A-Z])", "-", text)
    text = re.sub(r"\s*[;—–]+\s*|(?<![\d\ue000])\s+-+\s+|\s+-+\s+(?![\d\ue000])|\s*--+\s*", ", ", text)
    text = re.sub(r"\.{2,}", ".", text)
    text = re.sub(r"(?<!!)!*\?[!?]*", "?", text)
    text = re.sub(r"!+", ".", text)
    text = re.sub(r"\s+([.,?:])", r"\1", text)
    text = re.sub(r"([.,?:])[.,]+", r"\1", text)
    text = re.sub(r"(^|[.?] )[,.\s]+", r"\1", text)
    text = re.sub(r"([.,?])(?=[A-Za-z]{2}|i\b)(?<!\w\.\w\.)", r"\1 ", text)
    text = re.sub(r"(?<=, so), (?=\w)", " ", re.sub(r"\s+", " ", text)).strip(" ,-:")
    return text if not text or text[-1] in '.?"' else text + "."


def _capitals(text: str, *, is_lower_case: bool) -> str:
    def name(match: re.Match[str]) -> str:
        word = match.group(0)
        known = word.lower() in NAMES and (word.lower() not in AMBIGUOUS_NAMES)
        return word[:1].upper() + word[1:] if known else word

    if is_lower_case:
        text = re.sub(r"\b[a-z]+\b", name, text)
    text = re.sub(r"\bi\b", "I", text)
    text = re.sub(r"\bplease,? please\b", "please", text, flags=re.IGNORECASE)
    return re.sub(
        rf"(^|(?:\?|(?<!\b(?:vs|Mr|Ms|Dr|St))(?<!\bMrs)(?<!\bapprox)(?:(?<!\betc)\.|\.(?=\s+{PRONOUN})))\s+)([a-z])",
        lambda m: m.group(1) + m.group(2).upper(),
        text,
    )
