"""What evaluations write with and about: three distinct ways of writing, and plain texts nobody is trained on."""

import json
from pathlib import Path

FOLDER = Path(__file__).parent


def styles() -> dict[str, list[str]]:
    """Three ways of writing, each with 18 lines of its own."""
    found: dict[str, list[str]] = json.loads((FOLDER / "styles.json").read_text(encoding="utf-8"))
    return found


def marketing() -> list[str]:
    """Plain marketing e-mails and posts, to be rewritten."""
    found: list[str] = json.loads((FOLDER / "marketing.json").read_text(encoding="utf-8"))
    return found


def larger_model(name: str) -> list[str]:
    """The marketing texts as a far larger model wrote them for the subject of that name, text by text.

    For what can be reached at all, by the measures that judge: it was told each text's voice, as trained arms are.
    """
    found: dict[str, list[str]] = json.loads((FOLDER / "larger_model.json").read_text(encoding="utf-8"))
    return found[name]
