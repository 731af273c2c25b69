"""What all request and response bodies share."""

import re
import unicodedata
from typing import Annotated, Final, Generic, TypeVar

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Item = TypeVar("Item")

MOST_STACKED: Final = 30
"""Combining characters on one letter; no script needs more, and Unicode itself calls 30 a safe limit (UAX 15)."""
UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


class Body(BaseModel):
    """A request's body: a key it does not know is a mistake to tell, not to ignore."""

    model_config = ConfigDict(extra="forbid")


class View(BaseModel):
    """A response's body, read from rows."""

    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[Item]):
    """Newest first; `next` is the cursor of the following page, None on the last."""

    items: list[Item]
    next: str | None = None


def is_storable(text: str) -> bool:
    """Whether every database can hold it: no NUL, no half of a surrogate pair."""
    return UNSTORABLE.search(text) is None


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("must not contain the NUL character or half of a surrogate pair")
    return text


def stacked(text: str) -> int:
    """The longest run of combining characters once they are taken apart: to put it in order takes its square."""
    if text.isascii():
        return 0
    longest = run = 0
    for character in text:
        for part in unicodedata.normalize("NFD", character):
            run = run + 1 if unicodedata.combining(part) else 0
            longest = max(longest, run)
    return longest


def _unstacked(text: str) -> str:
    if stacked(text) > MOST_STACKED:
        raise ValueError(f"must not have a letter with more than {MOST_STACKED} accents")
    return text


def _as_name(name: str) -> str:
    if not name.isprintable() or "/" in name or name != name.strip() or name in (".", ".."):
        raise ValueError("must be printable, without slashes or spaces around it")
    return name


Text = Annotated[str, AfterValidator(_storable)]
"""Free text that every database can hold."""

Prose = Annotated[Text, AfterValidator(_unstacked)]
"""Free text that is read, not only kept."""

ExternalId = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_as_name)]
"""The tenant's own id of a person; it stands in paths."""

UserPath = Annotated[ExternalId, Path(description="your own id of the person")]
Cursor = Annotated[
    str | None, Query(max_length=36, pattern=r"^[0-9a-f-]{36}$", description="`next` of the page before")
]
Limit = Annotated[int, Query(ge=1, le=200)]
