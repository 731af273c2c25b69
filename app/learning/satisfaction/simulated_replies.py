"""What simulated people say: praise and complaint, plain and indirect, and things that are not about the text.

Written for this project, before any scorer was tried on them; never trained on. Keys of REMARKS are the habits of
`simulated.HABITS`; "more" holds what somebody says who would have liked more of it.
"""

from typing import Final

PRAISE: Final = (
    "Perfect, thank you.", "Yes, that's exactly how I would say it.", "Love it!", "This is great.",
    "Spot on, sending it now.", "Really nice, that sounds like me.", "Wonderful.", "That made me smile, thanks.",
    "Good job, I wouldn't change a thing.", "Oh, I like this one a lot.",
)  # fmt: skip
COMPLAINT: Final = (
    "No, that's not me at all.", "I don't like this.", "This is awful.", "Please try again, this doesn't work.",
    "Ugh, no.", "I would never write it like that.", "That's disappointing.", "I hate how this sounds.",
    "Sorry, but this is bad.", "I'm not happy with it.",
)  # fmt: skip
LUKEWARM: Final = (
    "It's okay.", "Hm, fine I guess.", "Not sure about this one.", "It will do.", "Could be better, could be worse.",
)  # fmt: skip
OFF_TOPIC: Final = (
    "What time is it in Tokyo?", "I have to pick up the kids now.", "Can you also translate?",
    "It's raining again here.", "My phone battery is at 3 percent.", "Where do I find my invoices?",
    "Next one will be about the garden.", "test",
)  # fmt: skip
REMARKS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "length": {
        "more": (
            "That's a bit short, isn't it?",
            "So curt. I have more to say than that.",
            "Too short, it sounds rude.",
        ),
        "less": ("Nobody is going to read all that.", "Too long, I don't like it.", "Who has time for such a novel?"),
    },
    "warmth": {
        "more": ("Hm, that's a bit stiff.", "It feels cold, she is my friend.", "I sound like a robot, not good."),
        "less": (
            "Too gushing for me.",
            "We aren't that close, this is embarrassing.",
            "All that sweetness is annoying.",
        ),
    },
    "formality": {
        "more": (
            "Too casual, this goes to my boss.",
            "Not serious enough, sorry.",
            "I'd be ashamed to send that to a client.",
        ),
        "less": (
            "Sounds like a bank wrote it.",
            "Way too formal, I don't talk like that.",
            "Who says such stilted things?",
        ),
    },
    "exclaiming": {
        "more": ("Bit flat. I was excited!", "So dull, where is the joy?", "It lacks energy, sadly."),
        "less": ("Why am I shouting?", "Calm down with those exclamation marks.", "Too loud, it's annoying."),
    },
    "emoji": {
        "more": ("It looks so bare without a smiley, boring.", "A bit dry, no emoji?", "Sad that there is no emoji."),
        "less": ("I'm not a teenager, no emoji please.", "These smileys look silly.", "Ugh, emoji in an email."),
    },
    "abbreviating": {
        "more": ("I don't spell everything out like that.", "Too proper, my friends will laugh at me."),
        "less": ("This is hard to read, use real words.", "Sloppy spelling, I hate that."),
    },
}
LIKED: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "length": {
        "more": ("Nice that it says everything.", "Good, nothing is missing."),
        "less": ("Short and sweet, great.", "Good, straight to the point."),
    },
    "warmth": {
        "more": ("So kind, I love it.", "Warm and friendly, lovely."),
        "less": ("Good, professional distance.", "Nice and sober, thanks."),
    },
    "formality": {
        "more": ("Very elegant, thank you.", "My boss will be impressed, great."),
        "less": ("Nice and relaxed, like me.", "Great, that's how we talk."),
    },
    "exclaiming": {
        "more": ("Yes, so lively!", "Great energy, love it."),
        "less": ("Calm and clear, I like that.", "Good, no shouting."),
    },
    "emoji": {
        "more": ("Haha, the emoji is perfect.", "Cute, I like the smiley."),
        "less": ("Clean, I like it.", "Good, no silly smileys."),
    },
    "abbreviating": {
        "more": ("lol yes thats me, love it", "haha perfect, just like i text"),
        "less": ("Nicely written, thank you.", "Good, proper words."),
    },
}
