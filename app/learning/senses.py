"""Where a word has the sense that the tables give it: `crashed at Tom's` is sleep, `crashed on start` is not.

Rules see no grammar, only the neighbours of a word. So a word that has other senses is replaced only among neighbours
that leave no doubt; a habit that stays in a plain text costs little, a fact that is changed is learned.
"""

from collections.abc import Mapping
from typing import Final

from app.learning.neighbours import (
    BE,
    BEGINS,
    DETERMINER,
    ENDS,
    GREETED,
    NOUN_BEFORE,
    OBJECT,
    PRONOUN,
    WEATHER_IS,
    Where,
)

_DET_BEFORE = r"\b(?:an?|the|my|your|our|his|her|their|its|this|these|those|each|every|one) "
_MEASURED = r"[\d\ue000] ?|\b(?:an?|one|two|three|five|ten|half an|per|every|each|few|couple|of) "
_NUMBER = r"(?:[\d\ue000]|\b(?:one|two|three|four|five|six|ten|twenty|fifty|few|couple|hundred|thousand|million|of)) ?"
_PERSON_IS = (
    r"\b(?:i|we|you|he|she|they) (?:am|is|are|was|were|feel|felt) |\b(?:so|feeling|absolutely|completely|totally) "
)
_FOOD = (
    r" (?:(?:the|my|your|our|his|her|their|an?|some|any|no|much|all|of|more|less|too|this|that) )*(?:food|meals?|"
    r"bread|cakes?|meat|fish|lunch|dinner|breakfast|supper|fruit|vegetables|cheese|soup|eggs?|rice|pasta|"
    r"sandwich(?:es)?|apples?)\b"
)
_CALLED: Final = Where.of(
    after=rf"(?={ENDS})",
    not_before=r"\b(?:an?|the|my|his|her|your|our|their|this|that|with|of|to|for|from|and|or|is|was|are|be|all|no|i|we|"
    r"send|sent|lost|found|got|have|has|had|best|old|good|new|such|one|give|gave|big|great|lots of|need|by|like|god) ",
)
"""A name for who is spoken to."""
_APART: Final = Where.of(before=BEGINS + r"|\bx+ ", after=rf"(?={ENDS})")
_FORWARDED: Final = Where.of(
    before=BEGINS + r"|\b(?:please|kindly|to|will|would|can|could|shall|should|may|must|not|and|then|you|i|we|they) "
)
_FOLLOWS: Final = Where.of(before=BEGINS + r"|\band ")
_LATER: Final = Where.of(
    before=BEGINS + r"|\b(?:and|or|but|please|me) ",
    after=r"(?![^.!?]{0,120}\?)",
)
_ITS: Final = Where.of(
    not_before=r"\b(?:of|in|on|at|for|with|from|to|by|into|has|have|had|lost|gave|give|got|took|\w{2,}ed|than) "
)
_ITS_WEATHER: Final = Where.of(
    before=BEGINS + r"|\b(?:and|but|because|cos|cuz|coz|think|so|when|if|n|omg|lol|ngl|wow|god) ",
    after=rf"(?={ENDS}| (?:here|there|today|outside|in|out|so|but|again|now|and (?:i|it|we|wet|dark|windy))\b)",
)
"""`Its cold beer` is a pub's."""
_ALONE_LEFT, _ALONE_RIGHT = r"(?:^|[\s(\"])", r"(?=$|\s|[.!?,;)]+(?:\s|$))"


def _letter(
    *, before: str = _ALONE_LEFT, after: str = "", not_before: str = r"\b(?:the|an?|letter|plan|option) "
) -> Where:
    """A letter that is a word stands alone: those of `n/a`, `u-turn` and `r&b` do not."""
    return Where.of(before, _ALONE_RIGHT + after, not_before)


MARKED_SENSES: Final[Mapping[str, Where | tuple[Where, ...]]] = {
    # Letters and abbreviations
    "u": _letter(after=r"(?! ?[=<>])"),
    "r": (
        _letter(
            before=r"\b(?:u|you|we|they|who|what|where|how|y|why|when|there|these|those|things|people|ppl|guys|kids) "
        ),
        _letter(before=r"\b(?:the|my|your|ur|these|those|his|her|our|their) \w+s "),
        _letter(after=r"(?= (?:u|ya|you|we|they|ur|your|these|those|not|gonna|going|coming)\b)"),
    ),
    "y": _letter(
        after=r"(?= (?:u|you|r|are|is|am|i|he|she|it|we|they|do|does|did|not|cannot|would|was|were|has|have|my|"
        r"ur)\b| ?\?|$)",
        not_before=r"\b(?:x|the|an?|axis|and x|or x|x and|x or|x,) ",
    ),
    "n": _letter(
        after=r"(?= [a-z\d])(?! (?:is|be|in|are|times)\b)", not_before=r"\b(?:let|the|for|where|of|an|any|to) "
    ),
    "k": _letter(
        before=BEGINS + r"|\b(?:its|is|it is|that is|thats|all|im|i am|ok|yeah|lol|haha) ", after=r"(?! ?[=<>]| is\b)"
    ),
    "w": _letter(after=r"(?= [\w\ue000@])(?! ?[=<>])", not_before=r"(?:\d|\b(?:the|an?)) "),
    "hr": Where.of(before=_MEASURED, after=r"(?! (?:department|team|manager|person|people)\b)"),
    "min": Where.of(before=_MEASURED, after=r"(?! (?:temp\w*|size|length|value|of|max|price|age)\b)"),
    "sec": Where.of(before=_MEASURED + "|" + BEGINS),
    "wed": Where.of(not_before=r"\b(?:to|they|we|he|she|who|were|was|be|been|newly|get|got|couple|i|and|had|have) "),
    "til": Where.of(after=r"(?! (?:death|schweiger)\b)"),
    "till": Where.of(not_before=r"\b(?:the|an?|my|our|your|their|his|her|its|each|this|new|to|shop|cash|every|at) "),
    "bout": Where.of(
        after="(?! (?:of|with)\\b)", not_before=r"\b(?:an?|the|this|another|each|final|first|his|her|my|last) "
    ),
    "em": Where.of(after=r"(?![ -]dash| is\b| was\b)", not_before=r"^|[\d.!?]\s?|\b(?:an|the|one|aunt) "),
    "bc": Where.of(not_before=r"\d ?|\b(?:in|century|vancouver,?|victoria,?) "),
    "cos": Where.of(after=r"(?! ?\(| (?:x|theta|lettuce)\b)"),
    "def": Where.of(after=r"(?! \w+\()", not_before=r"\b(?:an?|the) "),
    "prob": Where.of(not_before=r"\b(?:no|an?|my|the|any|your|one|this|that) "),
    "probs": Where.of(not_before=r"\b(?:no|my|the|any|your|some|these|those) "),
    "ty": Where.of(
        after=rf"(?={ENDS}| (?:for|so|all|again|everyone|anyway|both|very|u|you|guys|x|lol|i|we|and|but)\b)"
    ),
    "rn": Where.of(not_before=r"\b(?:an|the) "),
    "kinda": Where.of(not_before=r"\b(?:what|some|any|that|this|which|all|these|those|another|an?) "),
    "sorta": Where.of(not_before=r"\b(?:what|some|any|that|this|which|all|these|those|another|an?) "),
    "da": Where.of(
        before=r"\b(?-i:[Ii]n|on|at|of|for|to|from|with|is|was|and|n|all|get|got|see|like|love|up|by|into|off|out|"
        r"hit|what|where|who|be|are|u|you|know|me|it|[Oo]n|[Aa]t|dis|dat|call|bring|take) ",
        after=r"(?= (?-i:[a-z]))",
    ),
    "cheers": Where.of(
        before=BEGINS + r"|\b(?:ok|okay|yes|great|cool|many|lol|sure|nice|perfect) ", after=r"(?! (?:of|from|went)\b)"
    ),
    "lets": Where.of(
        after=rf"(?! (?:{OBJECT}|{DETERMINER}|people|users))", not_before=r"\b(?:he|she|it|who|that|this|which) "
    ),
    **dict.fromkeys(("its only", "its fine", "its due", "its all", "its just", "its gone", "its in", "its on"), _ITS),
    **dict.fromkeys(("its freezing", "its boiling", "its cold", "its hot", "its ok"), _ITS_WEATHER),
    # Phrases of letters
    **dict.fromkeys(("forward me", "forward us", "forward the", "forward it to", "forward your"), _FORWARDED),
    **dict.fromkeys(
        ("should you require", "should you need", "should you wish to", "should you wish", "should you have"), _LATER
    ),
    "should you be": _LATER,
    "kindly": Where.of(
        before=BEGINS + r"|\b(?:could|would|can|will|if) you(?: could| would| can)? |\b(?:to|that you) ",
        after=r"(?! (?:\w+ed|people|man|woman|old|face|words|gave|brought|made|sent|let)\b)",
    ),
    "concerning": Where.of(
        after=rf"(?= (?:{DETERMINER}|{OBJECT}|(?-i:[A-Z])|how\b|whether\b|what\b|when\b|where\b|who\b))",
        not_before=rf"\b(?:{BE}|very|more|most|deeply|really|so|quite|rather|less|find|found|it|seems?|looks?|how) ",
    ),
    "regarding": Where.of(not_before=rf"\b{BE} "),
    "upon": Where.of(not_before=r"\bonce "),
    "in addition": Where.of(after=r"(?! to\b)"),
    "provided that": Where.of(
        after=rf" (?:{DETERMINER}|{PRONOUN})",
        not_before=rf"\b(?:i|we|you|he|she|it|they|who|have|has|had|also|{BE}|\w+ly) ",
    ),
    "owing to": Where.of(not_before=rf"\b(?:money|amount|sum|debt|still|{BE}) "),
    "i trust": Where.of(
        after=r" (?:you|this|it|all|we|they|he|she|everything|(?:the|your|my|our) \w+) (?:\w+ ){0,2}?(?:is|are|was|"
        r"were|will|have|has|had|would|can|do|does|did|may|find|finds|agree|understand|know|remember)\b"
    ),
    **dict.fromkeys(("i confess", "i must confess"), Where.of(after=r"(?! to\b|\s*[.?!]|$)")),
    "of the greatest": Where.of(
        after=r" (?:importance|interest|value|help|urgency|use|comfort|assistance|service|concern)\b"
    ),
    **dict.fromkeys(
        ("kind regards", "with kind regards", "with warm regards"),
        Where.of(after="(?! to\\b)", not_before=NOUN_BEFORE),
    ),
    "do not hesitate to": Where.of(not_before=r"\b(?:i|we|they|who|would|you|please) "),
    # Words of letters
    "assist": Where.of(not_before=NOUN_BEFORE),
    "assisted": Where.of(after=r"(?! (?:living|dying)\b)"),
    "requested": Where.of(after=rf" {DETERMINER}", not_before=rf"\b(?:as|the|{BE}) "),
    **dict.fromkeys(
        ("inquire", "enquire", "inquired", "enquired"), Where.of(after=r"(?! (?:into|within|after|of|as)\b)")
    ),
    "demonstrate": Where.of(after=r"(?! (?:against|for|in|outside)\b|\s*[.,!?]|$)"),
    "attempted": Where.of(not_before=r"\b(?:the|an|of|his|her|their) "),
    "sufficient": Where.of(not_before=r"\b(?:an?|the|any|be|very) "),
    "additional": Where.of(not_before=_DET_BEFORE + r"|\b(?:such|are|is|as) "),
    "residence": Where.of(not_before=r"\bin "),
    "endeavour": Where.of(after=r"(?= to\b)"),
    "purchase": Where.of(after=r"(?! (?:price|order|of)\b)", not_before=NOUN_BEFORE),
    "convey": Where.of(after=rf"(?! {OBJECT})"),
    "departed": Where.of(not_before=r"\b(?:the|dear|dearly) "),
    **dict.fromkeys(("therefore", "thus", "accordingly"), _FOLLOWS),
    "postponed": Where.of(not_before=_DET_BEFORE + r"|\bindefinitely "),
    "resolve": Where.of(after=r"(?! to\b)", not_before=NOUN_BEFORE),
    "dispatch": Where.of(not_before=NOUN_BEFORE + r"|\b(?:and|by|after|before|on) "),
    "required": Where.of(after=r"(?! to\b)"),
    "informed": Where.of(
        after=rf"(?= (?:{OBJECT}|{DETERMINER}|of\b|by\b|everyone\b|(?-i:[A-Z])))",
        not_before=r"\b(?:an|the|well|more|better|keep \w+|kept \w+|stay|stayed|so|fully|less|poorly) ",
    ),
    "attend": Where.of(after=rf"(?= {DETERMINER}(?! (?:needs?|wants?|wounds?)\b))"),
    "remainder": Where.of(not_before=r"\b(?:an?|no) "),
    "prompt": Where.of(
        after=r" (?:reply|response|action|answer|attention|payment|service|delivery|return|help|start|decision|"
        r"treatment|repair|arrival|assistance)\b"
    ),
    "permit": Where.of(
        before=r"\b(?:to|not|will|would|shall|should|can|could|may|might|must|cannot|i|we|you|they|and|who|rules|"
        r"please) ",
        after=rf"(?= (?:{OBJECT}|{DETERMINER}|(?-i:[A-Z])|dogs|children|people|visitors|smoking))",
    ),
    "replied": Where.of(after=r"(?! to\b)"),
    "seeks": Where.of(after=r"(?! out\b)"),
    **dict.fromkeys(
        ("conclude", "concluded"), Where.of(after=r"(?! (?:that|from|with|by|there|we|he|she|they|it)\b|\s*[:,])")
    ),
    "construct": Where.of(not_before=NOUN_BEFORE + r"|\bsocial "),
    "select": Where.of(after=r"(?! (?:few|committee|group)\b)", not_before=NOUN_BEFORE),
    "selected": Where.of(
        before=r"\b(?:i|we|you|he|she|they|who|(?-i:[A-Z][a-z]+)) ", after=rf" (?:{DETERMINER}|{OBJECT})"
    ),
    **dict.fromkeys(("consume", "consumed"), Where.of(after=_FOOD, not_before=rf"\b{BE} ")),
    "immediately": Where.of(after=r"(?! (?:after|before|following|next|behind|above|below|available|obvious|clear)\b)"),
    "shall": Where.of(after=r"(?! (?:i|we)\b)"),
    # Affection
    **dict.fromkeys(("my lovely", "my love", "my darling", "darling", "sweetie", "lovely one", "hon", "mate"), _CALLED),
    "my dear": (_CALLED, Where.of(before=BEGINS, after=r"(?= (?-i:[A-Z]))")),
    **dict.fromkeys(("love you", "love you loads", "lots of love", "big hug", "big hugs", "hugs"), _APART),
    **dict.fromkeys(("bless you", "bless him", "bless her", "i tell you", "let me tell you", "tell you what"), _APART),
    "fingers crossed": _APART,
    **dict.fromkeys(("cannot wait to", "cannot wait for"), Where.of(before=BEGINS + r"|\b(?:and|but|so) ")),
    **dict.fromkeys(
        ("loads of", "tons of"), Where.of(not_before=r"(?:\d|\b(?:one|two|three|four|five|ten|few|the|metric|truck)) ")
    ),
    # Excitement
    **dict.fromkeys(
        ("crash", "crashed"),
        Where.of(
            after=r"(?= (?:at (?:my|your|our|his|her|their|mine|yours|home|\w+'s)\b|on (?:the|my|your|his|her|a|our|"
            r"their) "
            r"(?:sofa|couch|floor|bed)\b|early\b))",
            not_before=r"\b(?:the|an?|car|plane|app|computer|laptop|server) ",
        ),
    ),
    **dict.fromkeys(
        ("wiped", "shattered", "knackered", "gutted"),
        Where.of(
            before=_PERSON_IS + rf"|{BEGINS}",
            after=r"(?= (?:after|and|today|now|about|for|that|tonight|again|from)\b|\s*(?:[.!?,]|$))",
        ),
    ),
    "stoked": Where.of(before=_PERSON_IS),
    "thrilled": Where.of(after=rf"(?! (?:{OBJECT}|{DETERMINER}))"),
    "doc": (
        Where.of(after=r" (?:said|says|told|thinks|reckons|gave|prescribed|appointment)\b"),
        Where.of(before=r"\b(?:saw|see|seeing|visit) (?:an?|my|her|his|your) "),
    ),
    "kid": Where.of(not_before=r"\b(?:i|to|not|we) "),
    "guys": Where.of(before=rf"^|[.!?,]\s*|{GREETED}"),
    "grab": Where.of(not_before=r"\b(?:an?|for|land|power|smash and) "),
    "gross": Where.of(
        before=rf"^|\b(?:{BE}|so|really|looks?|smells?|tastes?|how|pretty) ",
        after=r"(?=\s*(?:[.!?,]|$)| (?:and|but)\b)",
    ),
    "crap": Where.of(before=rf"\b(?:{BE}|so|really|pretty|feel|felt|an?) ", after="(?! of\\b)"),
    "rubbish": Where.of(
        before=rf"\b(?:{BE}|so|really|pretty|feel|feels|felt|absolutely|an?) ",
        after=r"(?! (?:bin|bag|truck|collection|dump|tip|skip|man|bins|bags|in|on)\b)",
    ),
    "sick": Where.of(
        after=r"(?=\s*(?:[.!?,]|$)| (?:and|with|today|this|last|for|since|again|but|yesterday|so|all|now|because)\b)"
    ),
    "sucks": Where.of(
        before=r"\b(?:it|that|this|which|weather|life|work|school|wifi|service|traffic|waiting|system) ",
        after=r"(?! (?:up|in|out|the|on|at|him|me|it)\b)",
    ),
    **dict.fromkeys(("bucks", "quid"), Where.of(before=_NUMBER, after=r"(?! pro\b)")),
    "wee": Where.of(after=r"(?= [a-z])(?! (?:and|in|on|before|after|hours)\b)"),
    "starving": Where.of(not_before=r"\bof "),
    **dict.fromkeys(
        ("freezing", "boiling"),
        Where.of(before=WEATHER_IS + r"|\bso ", after=r"(?! (?:the|my|up|over|cold|hot|water|rain|it)\b)"),
    ),
    "epic": Where.of(
        after=r"(?! (?:poems?|novel|tale|games)\b)(?= [a-z]|[!.,]| ?$)", not_before=r"\b(?:the|an(?= ?[.!,]|$)) "
    ),
    "legit": Where.of(
        after=r" (?:the|a|so|one|my|good|great|amazing|bad|crying|dying|thought|just|love|hate|want|could|never|"
        r"very|cannot|happy|no)\b"
    ),
}
"""Of marked words that plain ones replace; a word that is not here always has its sense."""
