"""Where a plain word has the sense of the marked one put for it: `told him that` informs, `told him to` does not.

And where full forms have short ones: "I have seen it" has, "I have a cold" and "what it is" have none.
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

_ADVERB = r"(?:not |never |just |already |always |only |also |recently |ever |all |both |now |long )?"
PARTICIPLE: Final = (
    r"(?:been|got|gone|done|seen|had|made|taken|come|become|found|lost|left|sent|bought|brought|thought|told|said|"
    r"kept|met|paid|read|written|given|known|shown|forgotten|broken|chosen|eaten|spoken|put|set|cut|built|begun|run|"
    r"won|heard|held|felt|spent|sold|taught|understood|grown|driven|drunk|fallen|flown|slept|woken|worn|caught|led|"
    r"meant|hurt|let|stolen|sung|swum|drawn|thrown|hidden|risen|stood|sat|laid|lit|fed|shut|hit|cost|beaten|bitten|"
    r"torn|ridden|shot|stuck|(?!(?:need|feed|speed|weed)\b)\w{2,}ed)\b"
)
_GOES_ON = r"(?=,? [\w\"'\ue000@$£€#(])"
_WH = r"\b(?:where|what|who|how|which|than|when|as|why|whatever|wherever)(?: \w+)? "
_SHORTENED: Final = Where.of(after=_GOES_ON, not_before=_WH)
_NOT_HAVE = r"\b(?:do|does|did|will|would|could|should|can|may|might|must|shall|have|if only) |" + _WH
_AND_I = r"(?:^|[^,]) and |"
_SHORTENED_HAVE: Final = Where.of(
    after=rf" {_ADVERB}{PARTICIPLE}",
    not_before=_NOT_HAVE,
)
_SHORTENED_LET: Final = Where.of(
    before=r"^|[.!?,;:]\s*|\b(?:so|and|but|then|ok|or) ",
    after=r"(?! (?:know|in|out|go of|through|have (?:the|your|a|it))\b)",
)
_SUBJECTS = ("i", "you", "we", "they", "he", "she", "it")
SHORT_SENSES: Final[Mapping[str, Where]] = {
    **{
        f"{who} {verb}": _SHORTENED
        for who in (*_SUBJECTS, "that", "there", "here")
        for verb in ("am", "is", "are", "will", "would")
    },
    **{f"{who} have": _SHORTENED_HAVE for who in _SUBJECTS},
    **dict.fromkeys(("i will", "i would"), Where.of(after=_GOES_ON, not_before=_AND_I + _WH)),
    "i have": Where.of(after=rf" {_ADVERB}{PARTICIPLE}", not_before=_AND_I + _NOT_HAVE),
    **dict.fromkeys(("what is", "where is", "how is", "who is"), Where.of(after=_GOES_ON)),
    "let us": _SHORTENED_LET,
}
"""Of full forms that have short ones: none ends a sentence, and `have` is short only where it helps another verb."""

_MODEST = r"(?:please |really |also |never |not |always |often )?"
_EVENT = (
    r" (?:the|an?|my|our|your|his|her|their|this|that) (?:[\w']+ ){0,2}?(?:party|meeting|meetings|dinner|lunch|"
    r"concert|wedding|talk|lecture|class|lesson|course|conference|funeral|ceremony|reception|match|event|play|show|"
    r"workshop|exhibition|interview|opening|celebration|performance|session|service|rehearsal|gathering|hearing|"
    r"appointment|presentation)\b"
)
_THAT_AFTER = r" (?:(?:[\w']+|(?:my|your|the|our|his|her|their) \w+) )?(?:that|about|of)\b"
_NOT_NOUN: Final = Where.of(
    not_before=NOUN_BEFORE + r"|\b(?:good|free|first|last|next|some|more|old|new|phone|\w+ing) "
)
_ATTRIBUTE: Final = Where.of(
    before=rf"\b(?:{BE}|feel|feels|felt|look|looks|looked|seem|seems|so|very|really) {_MODEST}",
    after=rf"(?={ENDS}| (?:and|that|about|for|with|to|at|in|after|when|because|but)\b)",
)
_EATEN: Final = Where.of(
    after=r" (?:the|an?|my|your|our|his|her|their|some|any|this|that|these|those|two|three|more|less|"
    r"no)\b(?! (?:night|day|week|morning|evening|time|lot|same))"
)
_THING = rf" (?:it|them|{DETERMINER} (?:\w+ )?\w+)(?={ENDS}| (?:for|in|until|as|and|to|by|on|with|from|today|again)\b)"
_CLAIM: Final = Where.of(after=rf" (?:{PRONOUN}|{DETERMINER})")
_SAID_FIRST: Final = Where.of(before=BEGINS)
_OFFER: Final = Where.of(before=BEGINS + r"|\bplease ", after=r"(?! to\b)")
_PLACES = (
    r"(?:work|school|bed|town|church|university|college|hospital|prison|court|class|sea|lunch|dinner|sleep|him|her|"
    r"them|you|me|us)\b"
)

FORMAL_SENSES: Final[Mapping[str, Where]] = {
    **dict.fromkeys(("tell", "told"), Where.of(after=_THAT_AFTER)),
    **dict.fromkeys(("eat", "ate"), _EATEN),
    "come to": Where.of(after=_EVENT),
    "try": Where.of(after=r" to\b", not_before=NOUN_BEFORE),
    "tried": Where.of(after=r" to\b"),
    "many": Where.of(after=r"(?= [a-z])(?! of\b)", not_before=r"\b(?:as|so|how|too|very|not|this|that|the) "),
    "help": Where.of(after=rf" (?:{OBJECT}|{DETERMINER} \w+)(?={ENDS}| with\b)"),
    "helped": Where.of(after=rf" (?:{OBJECT}|{DETERMINER} \w+)(?={ENDS}| with\b)"),
    "use": Where.of(not_before=NOUN_BEFORE + r"|\bin "),
    "keep": Where.of(after=_THING),
    **dict.fromkeys(("send", "sent"), Where.of(after=_THING)),
    **dict.fromkeys(
        ("send the", "send your"), Where.of(after=rf" (?:\w+ )?\w+(?={ENDS}| (?:to|by|on|with|from|again|as)\b)")
    ),
    "get": Where.of(after=r"(?! \w+ (?:\w+ )?(?:bus|train|taxi|cold|headache|flu|lift|chance|feeling)\b)"),
    "got": Where.of(
        not_before=r"\b(?:have|has|had) ",
        after=r"(?! \w+ (?:\w+ )?(?:bus|train|taxi|cold|headache|flu|lift|chance|feeling)\b)",
    ),
    "wants": Where.of(after=rf" (?:to\b|{DETERMINER})(?! (?:\w+ )?to\b)"),
    "expect": Where.of(after=rf" (?:that\b|{DETERMINER})(?! (?:\w+ )?to\b)"),
    "expected": Where.of(after=r"(?! (?:\w+ )?to\b)"),
    "check": Where.of(after=rf" (?:whether\b|{DETERMINER}|{OBJECT})", not_before=NOUN_BEFORE),
    "checked": Where.of(after=r"(?! (?:in|out|with|that|on|up)\b)"),
    "great": Where.of(after=r"(?! (?:deal|many|grand\w*|aunt|uncle)\b|-)"),
    "of great": Where.of(after=r" (?:importance|interest|value|help|urgency|use|comfort|assistance|service|concern)\b"),
    "quick": Where.of(after=r" (?:reply|response|answer|decision|help|delivery|service|payment|repair)\b"),
    **dict.fromkeys(("fix", "fixed"), Where.of(not_before=NOUN_BEFORE)),
    "allow": Where.of(after=r"(?! for\b)"),
    "answered": Where.of(after=rf"(?={ENDS}| that\b)"),
    "put off": Where.of(after=r"(?! by\b)"),
    "letters": Where.of(
        after=r"(?! of\b)", not_before=r"\b(?:these|those|many|capital|two|three|four|five|few|several|\d+) "
    ),
    "find out": Where.of(after=r"(?! about\b)"),
    "at once": Where.of(not_before=r"\b(?:all|both) "),
    "ended": Where.of(after=r"(?! up\b)"),
    **dict.fromkeys(("build", "built"), Where.of(after=r"(?! (?:on|up)\b)")),
    **dict.fromkeys(("choose", "chose"), Where.of(after=r"(?! (?:to|between|from)\b)")),
    "tired": Where.of(after=r"(?! of\b)"),
    **dict.fromkeys(("i think", "i hope"), _CLAIM),
    **dict.fromkeys(("also", "sorry for"), _SAID_FIRST),
    **dict.fromkeys(("thank you", "thank you for"), Where.of(before=BEGINS, after=r"(?! (?:so|very|to)\b)")),
    **dict.fromkeys(("if you need", "if you have", "if you are", "if you want"), _OFFER),
    "if you want to": Where.of(before=BEGINS + r"|\bplease "),
    "except": Where.of(after=rf" {DETERMINER}"),
    "let me": Where.of(before=BEGINS, after=r"(?! (?:know|in|out|off|through|down|alone|be|have|go)\b)"),
}
"""Of plain words that ceremonious ones replace."""

HYPE_SENSES: Final[Mapping[str, Where]] = {
    **dict.fromkeys(("happy", "disappointed", "tired"), _ATTRIBUTE),
    "is bad": Where.of(after=rf"(?={ENDS})"),
    **dict.fromkeys(
        ("cold", "hot"),
        Where.of(
            before=WEATHER_IS,
            after=rf"(?={ENDS}| (?:here|today|outside|in|and)\b)",
            not_before=r"\b(?:soup|tea|coffee|food|it was too) ",
        ),
    ),
    "everyone": Where.of(before=GREETED, after=rf"(?={ENDS})"),
    "good": Where.of(
        after=r"(?! (?:morning|evening|night|afternoon|luck|bye|friday|deal|at)\b|-)",
        not_before=r"\b(?:for|as|no|any) ",
    ),
    "great": Where.of(after=r"(?! (?:deal|many|grand\w*|aunt|uncle)\b|-)"),
    "liked": Where.of(after=r"(?! to\b)"),
    "think": Where.of(after=rf" (?:that\b|{PRONOUN}|{DETERMINER})"),
    **dict.fromkeys(
        ("small", "large"),
        Where.of(after=r"(?= [a-z])(?! (?:talk|print|change|letters?)\b)", not_before=r"\b(?:too|very|as|so|how|not) "),
    ),
    "really": Where.of(before=rf"\b{BE} "),
    "bad": Where.of(after=r"(?! (?:at|for|luck)\b)", not_before=r"\b(?:too|not|so) "),
    "doctor": Where.of(before=r"\b(?:the|my|her|his|your|our) "),
}
"""Of plain words that those of excitement replace."""

SLANG_SENSES: Final[Mapping[str, Where]] = {
    "have to": Where.of(before=r"(?<!\bdo )(?<!\bwill )(?<!\bwould )\b(?:i|we|you|they) ", after=r" [a-z]"),
    "going to": Where.of(after=rf"(?= (?-i:[a-z]))(?! (?:{DETERMINER}|{_PLACES}))"),
    "want to": Where.of(after=r" [a-z]"),
    "need to": Where.of(after=r" [a-z]"),
    "see you": Where.of(before=BEGINS),
    "contact me": Where.of(before=BEGINS + r"|\bplease "),
    "i do not mind": Where.of(after=rf"(?={ENDS}| (?:if|about)\b)"),
    "never mind": Where.of(before=BEGINS),
}
"""Of plain words that abbreviations replace."""
