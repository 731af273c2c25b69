"""While a row is written: make the names of its passage easier to spell.

A small model that writes in small letters loses names to words that begin alike (vienna: vien, lucy: lucre), takes a
likelier one (Monday: Thursday), or goes on where they end (poland: polandia). So the tokens that begin a name not yet
written are made a little likelier from about where it stands in the passage, those that go on with one that has begun
all but sure, and letters right after its end unlikely. This is contextual biasing, known from speech recognition (Zhao
et al. 2019, Shallow-Fusion End-to-End Contextual Biasing). Whether a name is begun stays the model's choice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from app.inference.facts import placed_names
from app.inference.ordinary import OPENERS
from app.inference.tokens import Tokens
from app.inference.types import PREFIX
from app.inference.writing import NO_HELP, Help

BEGIN = 3.0
"""Added to the logit of a token that begins a name; in nats, before the temperature."""
GO_ON = 8.0
"""Added to the logit of a token that goes on with it."""
END = 8.0
"""Taken from the logits of tokens that would go on with a name that is written."""
EARLY = 0.5
"""A name is offered from this share of its place on: sooner it would push out what comes first, and who writes half as
much comes to it in half the time.
"""


@dataclass(frozen=True)
class Spelling:
    ids: tuple[int, ...]
    is_glued: bool
    """Without a space before: it begins a text, or follows a space or what is no letter, and never stands in a word."""
    words: frozenset[int]
    """So many of its tokens are an ordinary word (the: theo), which is no name that has begun."""


@dataclass
class Fact:
    spellings: list[Spelling]
    """As in the passage, in small and in large letters; with and without a space before."""
    place: float
    """The share of the passage that is before it."""
    left: int
    """How often it may still be written with help: as often as the passage has it."""
    is_said: bool = False


class Guides:
    """What all rows have in common."""

    def __init__(self, tokens: Tokens, device: torch.device | None = None) -> None:
        """`device` is where logits are."""
        self.tokens = tokens
        self.start = len(tokens.completion(PREFIX.rstrip()))
        """Tokens that every text begins with."""
        self.inside = self._inside(device)
        """Tokens that go on with a word: they begin with a letter or digit, and without a space. All but an s alone:
        whoever leaves out apostrophes writes `marias car`. Found here, since a whole vocabulary is read for it.
        """

    def of(self, passage: str) -> "Guide":
        facts: dict[str, Fact] = {}
        for name, place in placed_names(passage):
            if name in facts:
                facts[name].left += 1
            else:
                facts[name] = Fact(self._spellings(name), place, left=1)
        return Guide(facts.values(), self, len(self.tokens.completion(passage)) if facts else 0)

    def is_open(self, ids: Sequence[int], at: int) -> bool:
        """Whether a word can begin there without a space."""
        return at == 0 or not self.tokens.text(ids[at - 1 : at])[-1:].isalnum()

    def _inside(self, device: torch.device | None) -> Tensor:
        # After a letter, since some tokenizers hide the space of whatever stands first.
        before = self.tokens.completion("a")
        known = len(self.tokens.text(before))
        rests = [self.tokens.text([*before, word])[known:] for word in range(self.tokens.tokenizer.get_vocab_size())]
        found = [word for word, rest in enumerate(rests) if rest[:1].isalnum() and rest.lower() != "s"]
        return torch.tensor(found, dtype=torch.long, device=device)

    def _spellings(self, name: str) -> list[Spelling]:
        forms = sorted({name, name.lower(), name.upper()})
        glued = {self._after("(", form) for form in forms}
        spaced = {self._after("a", " " + form) for form in forms}
        # Where the space is a token of its own it begins anything, such as a number, and no name yet.
        bare = {ids for ids in spaced if not self.tokens.text([*self.tokens.completion("a"), *ids[:1]])[1:].strip()}
        glued |= {ids[1:] for ids in bare}
        kinds = [(ids, True) for ids in sorted(glued)] + [(ids, False) for ids in sorted(spaced - bare)]
        return [Spelling(ids, is_glued, self._words(ids)) for ids, is_glued in kinds if ids]

    def _after(self, before: str, form: str) -> tuple[int, ...]:
        """How it is spelled amid a text, where some tokenizers put no space of their own before it."""
        known, ids = self.tokens.completion(before), self.tokens.completion(before + form)
        return tuple(ids[len(known) :]) if ids[: len(known)] == known else tuple(self.tokens.completion(form))

    def _words(self, ids: Sequence[int]) -> frozenset[int]:
        return frozenset(size for size in range(1, len(ids)) if self.tokens.text(ids[:size]).strip().lower() in OPENERS)


class Guide:
    """Of one row: it follows what is written."""

    def __init__(self, facts: Iterable[Fact], guides: Guides, tokens: int) -> None:
        """`tokens` are those of the passage."""
        self._facts, self._guides, self._tokens = list(facts), guides, tokens

    def help(self, ids: Sequence[int]) -> Help:
        """What to do to which logits after these ids; to be asked once after every token, from none on."""
        if not self._facts:
            return NO_HELP
        here = _Here(ids, self._guides)
        progress = (len(ids) - self._guides.start) / self._tokens
        ended: set[int] = set()
        """How many tokens ago names began that end here."""
        for fact in self._facts:
            sizes = {len(each.ids) for each in fact.spellings if here.ends_with(each, len(each.ids))}
            if sizes and fact.left > 0:
                ended |= sizes
            fact.left, fact.is_said = fact.left - bool(sizes), fact.is_said or bool(sizes)
        added: dict[int, float] = {}
        is_open_end = False
        for fact in self._facts:
            if fact.left < 1:
                continue
            begun = [(each, here.begun(each)) for each in fact.spellings]
            going = [(each, size) for each, size in begun if size > 0 and size not in each.words]
            # Sam may be written now, or be the beginning of Samantha: that is left to the model.
            is_open_end = is_open_end or any(size in ended for _, size in going)
            if going:
                # What has begun in one form is not begun in another: that is how "c Chicago" is written.
                added.update((each.ids[size], GO_ON) for each, size in going if size not in ended)
            elif not fact.is_said and progress >= EARLY * fact.place:
                for word in {each.ids[size] for each, size in begun if size >= 0}:
                    added[word] = max(BEGIN, added.get(word, 0.0))
        if ended and not is_open_end and GO_ON not in added.values():
            return Help(added, self._guides.inside, END)
        return Help(added)


class _Here:
    """The end of what is written."""

    def __init__(self, ids: Sequence[int], guides: Guides) -> None:
        self._ids, self._guides = ids, guides
        self._is_open: dict[int, bool] = {}
        """By how many tokens ago."""

    def ends_with(self, spelling: Spelling, size: int) -> bool:
        """Whether so many tokens of it stand here, where they can."""
        before = len(self._ids) - size
        if before < 0 or tuple(self._ids[before:]) != spelling.ids[:size]:
            return False
        if not spelling.is_glued:
            return True
        if size not in self._is_open:
            self._is_open[size] = self._guides.is_open(self._ids, before)
        return self._is_open[size]

    def begun(self, spelling: Spelling) -> int:
        """How many of its tokens, the last left out, stand here; -1 where it cannot begin."""
        return next((size for size in range(len(spelling.ids) - 1, -1, -1) if self.ends_with(spelling, size)), -1)
