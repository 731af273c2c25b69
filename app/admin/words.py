"""Numbers, times and states in the words of the dashboard. Pure functions; templates use them as filters."""

from datetime import datetime, timedelta
from typing import Final

from app.db import now

STAGES: Final = {
    "waiting": "Waiting for a worker",
    "starting": "Starting",
    "curate": "Reading the samples",
    "warm-start": "Imitating them",
    "prefer": "Learning from corrections",
    "reinforce": "Practising for reward",
    "evaluate": "Testing on unseen texts",
    "publish": "Publishing the version",
    "done": "Done",
}

RECIPES: Final = {
    "voice": "Imitate the samples, then practise for reward. The one to use.",
    "sft": "Only imitate the samples. Quicker, and less like them.",
    "article": "Practise for the uncalibrated reward of the article, without imitating first. To compare with.",
    "dr_grpo": "As voice, by the published algorithm: learns from every rewrite it tries, so it takes longer.",
    "ppo": "As voice, by PPO: foresees what each word leads to. Takes longest.",
    "trace_bias": "As voice, by TraceBias, and also for what the person's reactions say they like. Needs feedback.",
    "dpo": "Imitate the samples, then prefer what the person made of rewrites. Needs corrections.",
    "iterative_dpo": "As voice, by the best and the worst of what it writes. Takes longer.",
    "rloo": "As voice, by RLOO: stays nearer to where imitation left off. Takes longer.",
    "dapo": "As voice, by DAPO: rewrites that are all alike are tried again. Takes longer.",
}

LOOKS: Final = 90
"""How often a page asks for a score, once a second, before it says where the score will be found."""

LEFT_OUT: Final = {
    "injection": "giving the machine orders",
    "unread": "in no language that is read",
}
"""Messages that say nothing of a text."""

CHECKS: Final = {
    "held-out": "Unseen texts",
    "style": "Style",
    "meaning": "Meaning kept",
    "entities": "Names and figures kept",
    "sentences": "Sentences kept",
    "length": "Length",
    "fluency": "Fluency",
    "voices": "All voices",
    "own-words": "Own words",
}

DECISIONS: Final = {
    "promoted": "passed the gate",
    "rejected": "stopped by the gate",
    "undecided": "left for you to decide",
    "superseded": "left for you to decide, as another was promoted meanwhile",
}


def ago(moment: datetime, at: datetime | None = None) -> str:
    """`3 minutes ago`; a date from a week on."""
    passed = (at or now()) - moment
    if passed < timedelta(seconds=10):
        return "just now"
    if passed >= timedelta(days=7):
        return f"{moment.day} {moment:%b %Y}"
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if (number := int(passed.total_seconds()) // length) > 0:
            return f"{counted(number, unit)} ago"
    return "just now"


def exactly(moment: datetime) -> str:
    return f"{moment:%A}, {moment.day} {moment:%B %Y, %H:%M:%S} UTC"


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 sample`, `1,204 samples`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def lasting(seconds: float) -> str:
    """`48 s`, `3 min 20 s`, `2 h 05 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def decimal(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def measured(value: float | None) -> str:
    """Like `decimal`, but counts stay whole: `14`, `0.86`."""
    return f"{value:.0f}" if value is not None and value >= 2 and value == int(value) else decimal(value)


def percent(share: float) -> str:
    return f"{share:.0%}"


def sized(size: int) -> str:
    """`640 kB`, `1.3 MB`."""
    return f"{size / 1e6:.1f} MB" if size >= 1_000_000 else f"{max(1, round(size / 1000))} kB"


def found(value: object) -> str:
    """A cell of an evaluation's table; of an interval [mean, low, high] its mean."""
    if isinstance(value, list):
        value = value[0]
    if isinstance(value, bool):
        return "passed" if value else "failed"
    if isinstance(value, float):
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
        return f"{value:.{digits}f}".replace("-", "−")
    return "–" if value is None else str(value)
