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
