"""Texts being written side by side: they join when their prompt has been read and leave at whichever token they end.

One `step` gives every text one more token, or several: what a text may go on with is looked up in its source (prompt
lookup decoding, Saxena 2023) and kept as far as it is what would have been drawn anyway, so no text is changed by it.
Prompts are read between steps, in pieces that those who already write do not feel; a prompt that is wanted several
times is read once. Serving and training's rollouts both write here.
"""

import math
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import torch
from torch import Tensor

from app.inference.delta import Delta
from app.inference.language_model import LanguageModel, Reading
from app.inference.sampling import COLDEST, Sampler

MOST_DRAFT = 4
"""So many tokens are looked up at most."""
DRAFT_ROWS = 16
"""Only so many tokens are fed in one step; more cost more than they save."""


class Help(NamedTuple):
    """What is done to a row's logits before its next token is drawn."""

    added: Mapping[int, float]
    """To the logits of these tokens."""
    unlikely: Tensor | None = None
    """Tokens that lose `taken`, all alike; on the device of the logits."""
    taken: float = 0.0


Helper = Callable[[Sequence[int]], Help]
"""What helps a row after the ids that it has written; asked once before each of its tokens."""
NO_HELP: Final = Help({})


def alone(_ids: Sequence[int]) -> Help:
    return NO_HELP


@dataclass(eq=False)
class Line:
    """One text being written."""

    owner: int
    """What `delta_of` knows its adapter by."""
    seed: int
    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    helper: Helper = alone
    source: Sequence[int] = ()
    """Tokens that it may repeat stretches of."""
    ids: list[int] = field(default_factory=list)
    """With the stop id, where it wrote one."""
    logprobs: list[float] = field(default_factory=list)
    """Of the tokens in `ids`, at its temperature (1 where that is 0 or next to it), with the help it had."""
    is_finished: bool = False
    """It wrote a stop id."""
    is_broken: bool = False
    """The model's output for it is not finite."""
    is_over: bool = False
    """It leaves before the next step; set it to give a text up."""

    def __post_init__(self) -> None:
        self._stream = random.Random(self.seed)
        if self.temperature < COLDEST:
            self.temperature = 0.0

    def chance(self) -> float:
        """The next number in (0, 1] of its own stream: token t is drawn with number t, whoever writes beside it."""
        return 1.0 - self._stream.random()

    def draft(self, most: int) -> list[int]:
        """Up to so many tokens that may come next: those that follow its last one or two in the source."""
        most = min(most, self.max_tokens - len(self.ids) - 1)
        for size in (2, 1):
            tail = self.ids[-size:]
            for start in range(len(self.source) - len(tail) if most > 0 else 0):
                if list(self.source[start : start + len(tail)]) == tail:
                    return list(self.source[start + len(tail) : start + len(tail) + most])
        return []

    def take(self, word: int, logprob: float, stops: frozenset[int]) -> None:
        if not math.isfinite(logprob):
            self.is_broken = self.is_over = True
            return
        self.ids.append(word)
        self.logprobs.append(logprob)
        self.is_finished = word in stops
        self.is_over = self.is_finished or len(self.ids) == self.max_tokens


DeltaOf = Callable[[Sequence[int]], Delta | None]
"""The delta of a batch whose row i belongs to the i-th of these owners."""

Coming = tuple[Sequence[int], list[Line]]
"""A prompt and the lines that will continue it."""


class Writing:
    def __init__(self, model: LanguageModel, delta_of: DeltaOf, stop_ids: frozenset[int] | None = None) -> None:
        """`stop_ids` default to the model's own."""
        self.model, self.delta_of = model, delta_of
        self.stop_ids = model.architecture.stop_ids if stop_ids is None else stop_ids
        self.lines: list[Line] = []
        """Those whose prompt has been read, in the order of the rows."""
        self._coming: deque[Coming] = deque()
        self._read: tuple[Reading, list[Coming]] | None = None
        self._decoding = model.decoding()
        self._meet()

    @property
    def is_idle(self) -> bool:
        return not (self.lines or self._coming or self._read)

    def join(self, prompt_ids: Sequence[int], lines: list[Line]) -> None:
        """Lines of one owner that continue one prompt, which is read in the next steps."""
        self._coming.append((prompt_ids, lines))

    @torch.inference_mode()
    def step(self, most_prompt_tokens: int | None = None) -> list[Line]:
        """One token more for each line; those that got one (or broke). No more of the prompts is read than allowed."""
        self._leave()
        before = list(self.lines)
        if before:
            self._go_on()
        if (started := self._prefill(most_prompt_tokens)) is not None:
            self._draw(started, list(range(len(before), len(self.lines))))
        return list(self.lines)

    def _leave(self) -> None:
        staying = [row for row, line in enumerate(self.lines) if not line.is_over]
        if len(staying) == len(self.lines):
            return
        is_tainted = any(line.is_broken for line in self.lines)
        self.lines = [self.lines[row] for row in self._decoding.leave(staying, is_tainted=is_tainted)]
        self._meet()

    def _go_on(self) -> None:
        """Feed every line its last token and what may follow; keep of that what it would have written anyway."""
        lines, drafts = self.lines, self._drafts()
        had, places = [len(line.ids) for line in lines], 1 + max(map(len, drafts))
        fed = [
            [line.ids[-1], *draft, *[0] * (places - 1 - len(draft))] for line, draft in zip(lines, drafts, strict=True)
        ]
        logits_B_T_V = self._decoding.feed(torch.tensor(fed, device=self.model.device), self._delta)
        rows = list(range(len(lines)))
        for place in range(places):
            self._draw(logits_B_T_V[:, place] if len(rows) == len(lines) else logits_B_T_V[rows, place], rows)
            rows = [
                row for row in rows if not lines[row].is_over and drafts[row][place : place + 1] == lines[row].ids[-1:]
            ]
            if not rows:
                break
        self._decoding.advance([len(line.ids) - before for line, before in zip(lines, had, strict=True)])

    def _drafts(self) -> list[list[int]]:
        """What each line may write next; nothing where the rows are so many that looking ahead would cost."""
        if not self._decoding.takes_drafts:
            return [[] for _ in self.lines]
        most = min(MOST_DRAFT, DRAFT_ROWS // len(self.lines) - 1)
        return [line.draft(most) for line in self.lines]

    def _draw(self, logits_B_V: Tensor, rows: list[int]) -> None:
        """The next token of these lines."""
        lines = [self.lines[row] for row in rows]
        _help(logits_B_V, [line.helper(line.ids) for line in lines])
        sampler = self._sampler if len(rows) == len(self.lines) else self._sampler.select(rows)
        ids_B, logprobs_B = sampler.draw(logits_B_V, [line.chance() for line in lines])
        for line, word, logprob in zip(lines, ids_B.tolist(), logprobs_B.tolist(), strict=True):
            line.take(word, logprob, self.stop_ids)

    def _prefill(self, most_tokens: int | None) -> Tensor | None:
        """Go on reading; the logits of lines that are ready to be written now and came to the end of all."""
        if self._read is None and (group := self._next(most_tokens)):
            delta = self.delta_of([lines[0].owner for _, lines in group])
            self._read = self.model.prefill([ids for ids, _ in group], delta), group
        if self._read is None:
            return None
        prefill, group = self._read
        if not prefill.advance(most_tokens):
            return None
        self._read = None
        wanted = [(prompt, line) for prompt, (_, lines) in enumerate(group) for line in lines if not line.is_over]
        if not wanted:
            return None
        owners, lines = [prompt for prompt, _ in wanted], [line for _, line in wanted]
        self._decoding.join(prefill, owners, max(line.max_tokens for line in lines))
        self.lines += lines
        self._meet()
        return prefill.logits()[torch.tensor(owners, device=self.model.device)]

    def _next(self, most_tokens: int | None) -> list[Coming]:
        """Prompts to be read together: one, and as many more as stay within the limit."""
        group: list[Coming] = []
        longest = 0
        while self._coming:
            ids, lines = self._coming[0]
            longest = max(longest, len(ids))
            if group and most_tokens is not None and (len(group) + 1) * longest > most_tokens:
                break
            self._coming.popleft()
            if not all(line.is_over for line in lines):
                group.append((ids, lines))
        # Rows in the order of their owners are multiplied where their adapters lie.
        return sorted(group, key=lambda coming: coming[1][0].owner)

    def _meet(self) -> None:
        """Adapters and sampling of the lines as they now are."""
        self._delta = self.delta_of([line.owner for line in self.lines]) if self.lines else None
        self._sampler = Sampler.new(
            [line.temperature for line in self.lines], [line.top_p for line in self.lines], device=self.model.device
        )


def _help(logits_B_V: Tensor, helps: Sequence[Help]) -> None:
    """All that is added at once, since on a GPU every single write would wait."""
    device = logits_B_V.device
    added = [(place, word, more) for place, each in enumerate(helps) for word, more in each.added.items()]
    if added:
        places, words, values = zip(*added, strict=True)
        index = torch.tensor(places, device=device), torch.tensor(words, device=device)
        logits_B_V.index_put_(index, logits_B_V.new_tensor(values), accumulate=True)
    for place, each in enumerate(helps):
        if each.unlikely is not None:
            # A tokenizer may have more tokens than the model has words.
            logits_B_V[place, each.unlikely[each.unlikely < logits_B_V.shape[-1]]] -= each.taken
