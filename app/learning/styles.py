"""Styles to write in, drawn at random: bundles of surface habits. Nothing here names a person.

Reinforcement can only strengthen what a policy already samples, so the warm-up shows the base model *many* ways of
writing the same thing; `restyle` gives a plain text one of them.
"""

import random
from dataclasses import dataclass, fields, replace

EMOJI = "😀😁😂🤣😍🥰😎😭😡🔥💯✨🎉🙏💖👍👏😅🤔🙄😱🤩😴💪🚀🌟😊🥳💀🌸🌿🍅🌻🍓🎂☕🐶🐱🌧🌞🏡📚🚗🎶🍕🥐💛💚🙈🤗"
EMOTICONS = (":)", ":(", ":D", ";)", "<3", ":P", "xD", "^_^", ":-)", ":'(", ":/")
FORMAL_OPENERS = (
    "I would like to note that", "I am writing to say that", "Please be advised that", "It is my view that",
    "I wish to mention that", "Kindly note that", "I must say that", "I am obliged to report that", "I should add that",
    "May I say that", "I trust you will understand that", "It appears that", "Allow me to observe that",
)  # fmt: skip
FORMAL_CLOSERS = (
    "I thank you.",
    "Kind regards.",
    "I remain grateful.",
    "With my compliments.",
    "I trust this is in order.",
)
LOOSE_OPENERS = (
    "yo",
    "omg",
    "ngl",
    "tbh",
    "ok so",
    "wait",
    "honestly",
    "lol",
    "dude",
    "so",
    "hey",
    "btw",
    "idk but",
    "man",
)
LOOSE_CLOSERS = ("lol", "tbh", "ngl", "haha", "lmao", "smh", "tho", "rn", "fr", "i guess", "or whatever")
WARM_OPENERS = (
    "Honestly,", "Oh,", "You know,", "Hey you,", "Listen,", "Right,", "Guess what,", "My dear,", "Hello lovely,",
    "Darling,", "I have to tell you,", "So,", "Well,", "Sweetheart,", "Just so you know,",
)  # fmt: skip
WARM_CLOSERS = (
    "Big hug!", "Lots of love!", "Can't wait to tell you more!", "Thinking of you!", "Miss you!", "Hope you're well!",
    "You'll see what I mean!", "Bless you!", "Talk soon, love.", "Give everyone a kiss from me.",
)  # fmt: skip
GLAD_OPENERS = (
    "OMG",
    "Oh my goodness,",
    "Yay,",
    "Wow,",
    "Guess what,",
    "Oh my,",
    "Hooray,",
    "Look,",
    "Yesss,",
    "Ahh,",
    "Ooh,",
)


@dataclass(frozen=True)
class Style:
    """Each field is one habit; the defaults leave plain text as it is.

    Probabilities are per place where the habit could apply.
    """

    contractions: str = "full"
    """`full` (do not), `short` (don't) or `bare` (dont)."""
    slang: float = 0.0
    formal: float = 0.0
    hype_words: float = 0.0
    case: str = "standard"
    """`standard`, `lower` or `upper`."""
    ending: str = "."
    comma_splice: bool = False
    semicolons: bool = False
    links: bool = False
    """Ceremonious conjunctions: `; however,` for `, but`, `for` for `because`."""
    dashes: bool = False
    no_commas: bool = False
    emoji: int = 0
    emoji_inside: bool = False
    emoticon: bool = False
    elongate: float = 0.0
    shout: float = 0.0
    hashtag: bool = False
    opener: tuple[str, ...] = ()
    closer: tuple[str, ...] = ()
    clipped: float = 0.0
    """Telegraphic: articles, leading pronouns, forms of be and courtesy are left out."""
    emphasis: tuple[str, ...] = ()
    """Adverbs put before emotional adjectives."""


_ENDINGS = {
    "loose": ("", "", "", "...", "..", "!"), "glad": ("!", "!!", "!!!", "!!", "! "), "warm": (".", "!", ".", " x"),
    "mixed": ("", ".", "!", "!!!", "...", ".", "?!", " ~"),
}  # fmt: skip


def random_style(rng: random.Random) -> Style:
    """Half the time a recognisable bundle (formal, loose, glad, warm, clipped, plain), else independent habits."""

    def chance(share: float) -> bool:
        return rng.random() < share

    kind = rng.choice(("formal", "loose", "glad", "warm", "clipped", "mixed", "mixed", "mixed", "plain"))
    if kind == "formal":
        return Style(
            formal=rng.choice((0.5, 1.0)),
            opener=FORMAL_OPENERS if chance(0.2) else (),
            closer=FORMAL_CLOSERS if chance(0.05) else (),
            semicolons=chance(0.7),
            links=chance(0.6),
            emphasis=("most", "exceedingly", "rather", "truly") if chance(0.4) else (),
        )
    if kind == "loose":
        return Style(
            contractions=rng.choice(("short", "bare", "bare")),
            slang=rng.choice((0.4, 0.8, 1.0)),
            case="lower" if chance(0.8) else "standard",
            ending=rng.choice(_ENDINGS["loose"]),
            comma_splice=chance(0.6),
            no_commas=chance(0.4),
            opener=LOOSE_OPENERS if chance(0.35) else (),
            closer=LOOSE_CLOSERS if chance(0.15) else (),
            elongate=0.2 if chance(0.15) else 0.0,
            emoji=1 if chance(0.12) else 0,
        )
    if kind == "glad":
        return Style(
            contractions=rng.choice(("short", "full")),
            hype_words=rng.choice((0.0, 0.7, 1.0)),
            ending=rng.choice(_ENDINGS["glad"]),
            emoji=rng.choice((0, 1, 1, 2, 3)),
            emoji_inside=chance(0.4),
            elongate=0.25 if chance(0.4) else 0.0,
            shout=0.12 if chance(0.5) else 0.0,
            opener=GLAD_OPENERS if chance(0.35) else (),
            hashtag=chance(0.1),
            emphasis=("so", "sooo", "absolutely", "SO", "just so") if chance(0.6) else (),
        )
    if kind == "warm":
        return Style(
            contractions="short",
            ending=rng.choice(_ENDINGS["warm"]),
            dashes=chance(0.7),
            opener=WARM_OPENERS if chance(0.4) else (),
            closer=WARM_CLOSERS if chance(0.15) else (),
            hype_words=rng.choice((0.0, 0.5)),
            emphasis=("so", "really", "ever so") if chance(0.6) else (),
        )
    if kind == "clipped":
        return Style(
            clipped=rng.choice((0.7, 0.9, 1.0)), contractions=rng.choice(("full", "short")), no_commas=chance(0.2)
        )
    if kind == "plain":
        return Style(contractions=rng.choice(("full", "short")), ending=rng.choice((".", ".", "!")))
    return Style(
        contractions=rng.choice(("full", "short", "bare")),
        slang=rng.choice((0.0, 0.0, 0.3, 0.8)),
        formal=rng.choice((0.0, 0.0, 0.0, 0.7)),
        hype_words=rng.choice((0.0, 0.0, 0.7)),
        case=rng.choice(("standard", "standard", "standard", "lower", "lower", "upper")) if chance(0.7) else "standard",
        ending=rng.choice(_ENDINGS["mixed"]),
        comma_splice=chance(0.15),
        semicolons=chance(0.15),
        dashes=chance(0.2),
        no_commas=chance(0.2),
        emoji=rng.choice((1, 2)) if chance(0.25) else 0,
        emoticon=chance(0.12),
        elongate=0.2 if chance(0.1) else 0.0,
        shout=0.12 if chance(0.1) else 0.0,
        hashtag=chance(0.06),
        opener=rng.choice((LOOSE_OPENERS, WARM_OPENERS, GLAD_OPENERS, FORMAL_OPENERS)) if chance(0.15) else (),
        closer=rng.choice((LOOSE_CLOSERS, WARM_CLOSERS)) if chance(0.1) else (),
        clipped=0.6 if chance(0.12) else 0.0,
    )


def one_habit_changed(style: Style, rng: random.Random) -> Style:
    """A near neighbour, for contrastive pairs that differ in a single habit."""
    while True:
        other = random_style(rng)
        name = rng.choice([f.name for f in fields(Style)])
        if getattr(other, name) != getattr(style, name):
            return replace(style, **{name: getattr(other, name)})
