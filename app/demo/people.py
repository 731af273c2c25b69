"""Whose voices the demo learns: the four invented people of the package, or a folder of somebody's own texts."""

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "assets" / "demo"
READABLE = (".txt", ".md", ".jsonl", ".csv", ".eml")


class NoSamples(ValueError):
    """The folder holds nothing to learn from; the message says what it should hold."""


@dataclass(frozen=True)
class Person:
    id: str
    name: str
    samples: list[tuple[str, str | None]]
    """(text, context); empty for people whose samples are uploaded as files."""
    files: tuple[Path, ...] = ()


def packaged(quick: bool) -> list[Person]:
    """All four, or only the one whose voice is heard at once."""
    people = [
        Person(row["id"], row["name"], [(sample["text"], sample.get("context")) for sample in row["samples"]])
        for row in json.loads((FOLDER / "people.json").read_text(encoding="utf-8"))
    ]
    return [person for person in people if person.id == "max"] if quick else people


def from_folder(folder: Path) -> list[Person]:
    """A person a sub-folder, or one person if the folder holds files itself. Raises NoSamples."""
    if not folder.is_dir():
        raise NoSamples(f"{folder} is not a folder. Name one that holds {', '.join(READABLE)} files.")
    folders = [folder] if _files(folder) else sorted(path for path in folder.iterdir() if path.is_dir())
    people = [Person(path.resolve().name, path.resolve().name, [], _files(path)) for path in folders if _files(path)]
    if not people:
        raise NoSamples(f"{folder} holds no {', '.join(READABLE)} files: put a person's texts into it.")
    return people


def unseen(quick: bool) -> list[str]:
    """Plain texts that no adapter was trained on."""
    texts: list[str] = json.loads((FOLDER / "unseen.json").read_text(encoding="utf-8"))["texts"]
    return texts[:8] if quick else texts


def feedback() -> str:
    messages = json.loads((FOLDER / "feedback.json").read_text(encoding="utf-8"))
    first = messages[0]
    return str(first["text"] if isinstance(first, dict) else first)


def _files(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(path for path in folder.iterdir() if path.suffix.lower() in READABLE and path.is_file()))
