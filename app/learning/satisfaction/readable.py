"""What of a person's reply the static scorer can read at all. It knows English words and nothing else.

A reply that is all emoji is read from a table, because the sentence encoder sees one unknown sign in each of them. A
reply in another language or script, or of signs without meaning, is not read: taking the scorer's guess for an opinion
would teach the wrong thing. Nor is one that is no feedback (see injections.py). No torch.
"""

import re
import unicodedata
from typing import Final

STATIC, SIGNS, UNREAD, INJECTION = "static", "emoji", "unread", "injection"
"""What the words of a reply were read by, or why they were not."""
SILENT: Final = (UNREAD, INJECTION)
"""Of those whose satisfaction of .5 says nothing, and teaches nobody."""

PLEASED_SIGNS: Final = frozenset("👍👏🙌💯✅✔😀😃😄😁😊🙂😍🥰🤩😘☺😻❤💖💗💕💛💚💙💜🧡🖤♥🎉🥳🙏👌🔥⭐🌟✨😎🤗💪🏆😋🤌")
DISPLEASED_SIGNS: Final = frozenset("👎😠😡🤬😞😢😭😤🙄😒😑😖😣😩😫🤮🤢💩❌✖🚫😕🙁☹😟😬🤦🥱💔😾👿🤨")
_PLEASED_FACE = re.compile(r"[:;=8][-'^]?[)D\]]|<3|\^_\^|\(:")
_DISPLEASED_FACE = re.compile(r"[:=8][-'^]?[(/\\|\[]|>:\(|-_-|\):")

Probabilities3 = tuple[float, float, float]
"""P(displeased), P(neither), P(pleased)."""

_SURE: Final = 0.9
_ENGLISH = frozenset(
    "the a an and or but not is are was were be been it its that this these those i you he she we they my your "
    "our their me him her us them to of in on at for with from by as so too very much more most less than then "
    "there here what when where why who how can could will would should do does did have has had no yes just like "
    "if about into out up all any some one good great nice bad better best love perfect thanks thank please okay "
    "ok hello hi".split()
)
_FOREIGN = frozenset(
    "das der dem den ist sind war nicht und oder aber ich mich mir du dich wir ihr sie es ein eine einen zu viel "
    "sehr gut schlecht schön mit für auf von wie kein keine nein ja danke bitte gefällt klingt mag wäre le les "
    "une des est sont pas et mais je tu il elle nous vous ce cette c'est très bien mal trop plus avec pour dans "
    "sur merci oui non j'aime n'aime que qui comme parfait el los las una unos es son pero yo tú usted muy bien "
    "mal más menos con para por esto eso gusta gracias sí demasiado perfecto está il lo gli sono non ma io molto "
    "bene male più meno con per questo quello piace grazie troppo perfetto va os um uma são não mas eu você muito "
    "bem mais obrigado isso gosto demais het een zijn niet maar ik jij wij heel goed slecht meer minder met voor "
    "dit dat dank leuk mooi".split()
) - _ENGLISH  # fmt: skip


def of_signs(text: str) -> Probabilities3 | None:
    """The mood of a reply without letters or digits, by majority of its signs; None if they tell none."""
    if any(character.isalnum() for character in text):
        return None
    pleased = sum(character in PLEASED_SIGNS for character in text) + len(_PLEASED_FACE.findall(text))
    displeased = sum(character in DISPLEASED_SIGNS for character in text) + len(_DISPLEASED_FACE.findall(text))
    if pleased == displeased:
        return None
    rest = (1 - _SURE) / 2
    return (rest, rest, _SURE) if pleased > displeased else (_SURE, rest, rest)


def is_english(text: str) -> bool:
    """Whether an English reader would call it English, erring on yes: short replies are often single words."""
    letters = [character for character in text if character.isalpha()]
    if not letters:
        return any(character.isdigit() for character in text)
    if sum(unicodedata.name(letter, "").startswith("LATIN") for letter in letters) < len(letters) / 2:
        return False
    words = re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", text.lower().replace("’", "'"))
    foreign = sum(word in _FOREIGN for word in words)
    return foreign == 0 or sum(word in _ENGLISH for word in words) >= foreign
