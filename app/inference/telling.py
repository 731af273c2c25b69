"""What whoever listens to a text being written has heard of it, so that they need hear only what is new.

The first candidate of each passage is heard as it is written, one passage after the other. Where another candidate is
taken in the end (ticket.py), the listener is told to put the right text in place of what it has. No torch.
"""

from collections import defaultdict

from app.inference.candidates import cleaned
from app.inference.ends import without_end
from app.inference.passages import Passages, is_brief
from app.inference.types import PREFIX, Heard

UNFINISHED = "\ufffd"
"""What the bytes of a character decode to before its last one is written."""


class Telling:
    def __init__(self, passages: Passages) -> None:
        self._passages = passages
        self._drafts: dict[tuple[int, int], str] = {}
        self._settled: dict[tuple[int, int], str] = {}
        self._ends: set[tuple[int, int]] = set()
        self._heard: dict[int, str] = defaultdict(str)

    def draft(self, sample: int, passage: int, completion: str) -> list[Heard]:
        """The model has written so much of a passage's first candidate."""
        if is_brief(self._passages.passages[passage]):
            return []  # a few words are soon written, and often to be written again
        said = cleaned(completion.rstrip(UNFINISHED))
        is_prefix = PREFIX.casefold().startswith(said.casefold())
        self._drafts[sample, passage] = "" if is_prefix else without_end(said)
        return self._news(sample)

    def settle(self, sample: int, passage: int, text: str, *, is_last: bool = False) -> list[Heard]:
        """This is the text that is taken. `is_last`: nothing follows it, whatever else is written."""
        if is_last:
            self._ends.add((sample, passage))
        self._settled[sample, passage] = text
        return self._news(sample)

    def _news(self, sample: int) -> list[Heard]:
        now, heard = self._now(sample), self._heard[sample]
        if now == heard:
            return []
        self._heard[sample] = now
        is_more = now.startswith(heard)
        return [Heard(sample, now[len(heard) :] if is_more else now, is_replacement=not is_more)]

    def _now(self, sample: int) -> str:
        """The text as far as it is known without a gap."""
        text = ""
        for passage, gap in enumerate(self._passages.gaps[:-1]):
            settled = self._settled.get((sample, passage))
            if settled is None:
                draft = self._drafts.get((sample, passage), "")
                return text + gap + draft if draft else text
            text += gap + settled
            if (sample, passage) in self._ends:
                return text.rstrip()
        return text + self._passages.gaps[-1]
