"""Which of two rewrites reads more like the person? An endpoint that is asked, or an embedded proxy, and called so.

The proxy is no reader. It asks the base model as it came how much better it foresees a text after some of the person's
own than after none, in nats per token, for the voice that fits best; a text that no longer says the same, or says the
same over and over (nothing is foreseen more easily), loses to any other. It rewards nothing here and is another
construction than both style encoders, but it is fooled by phrases lifted from the person's samples, and a small base
knows little of style.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Protocol

import httpx
import torch

from app.evaluation.problems import CannotEvaluate
from app.inference.faithful import loops
from app.inference.language_model import LanguageModel
from app.inference.tokens import Tokens
from app.learning.rewards import meaning
from app.learning.seeding import generator
from app.learning.types import Encoder, Mode

SAYS_THE_SAME = 0.6
EXAMPLES = 6
LONGEST = 160
"""Tokens of a text that the proxy reads."""
WAIT_S = 120.0


class Judge(Protocol):
    name: str
    """In a table's column."""
    about: str
    """Who it is, for the report."""

    def wins(
        self, modes: Sequence[Mode], sources: Sequence[str], ours: Sequence[str], theirs: Sequence[str]
    ) -> list[float]:
        """1 where ours is the better rewrite of the source, 0 where theirs is, .5 for a draw."""
        ...


class Proxy:
    name = "proxy"
    about = (
        "an embedded proxy, not a reader: how much better the base model foresees a text after six of the person's "
        f"own; a text whose meaning cosine is below {SAYS_THE_SAME} or that loops loses to any other."
    )

    def __init__(
        self, model: LanguageModel, tokens: Tokens, encode_meaning: Encoder, neutralise: Callable[[str], str]
    ) -> None:
        self.model, self.tokens = model, tokens
        self.encode_meaning, self.neutralise = encode_meaning, neutralise

    def wins(
        self, modes: Sequence[Mode], sources: Sequence[str], ours: Sequence[str], theirs: Sequence[str]
    ) -> list[float]:
        likeness = self.likeness(modes, [*ours, *theirs])
        kept_2N = meaning.similarity(self.encode_meaning, self.neutralise, [*sources, *sources], [*ours, *theirs])
        same = (kept_2N >= SAYS_THE_SAME).tolist()
        found, count = [], len(sources)
        keeps = [
            is_same and not loops(source, text)
            for is_same, source, text in zip(same, [*sources, *sources], [*ours, *theirs], strict=True)
        ]
        for i in range(count):
            left, right = (keeps[i], likeness[i]), (keeps[count + i], likeness[count + i])
            found.append(0.5 if left == right else float(left > right))
        return found

    @torch.no_grad()
    def likeness(self, modes: Sequence[Mode], texts: Sequence[str]) -> list[float]:
        """Nats per token gained by knowing the person, in the voice that fits best."""
        ids = [self.tokens.completion(text.strip() or ".")[:LONGEST] for text in texts]
        unknown_N = self._mean_logprobs("Messages:\n- ", ids)
        known_K_N = [self._mean_logprobs(_after(mode), ids) for mode in modes]
        gains: list[float] = (torch.stack(known_K_N).amax(0) - unknown_N).tolist()
        return gains

    def _mean_logprobs(self, before: str, ids: Sequence[list[int]]) -> torch.Tensor:
        prefix = self.tokens.prompt(before)
        means = []
        for start in range(0, len(ids), 8):
            rows = ids[start : start + 8]
            flat = self.model.logprobs([prefix + row for row in rows], [len(prefix)] * len(rows)).cpu()
            means += [part.mean() for part in torch.split(flat, [len(row) for row in rows])]
        return torch.stack(means)


class Endpoint:
    """Any OpenAI-compatible chat endpoint. Every pair is asked twice, in both orders; disagreement is a draw."""

    def __init__(self, url: str, model: str, key: str = "", *, transport: httpx.BaseTransport | None = None) -> None:
        self.name = model
        self.about = f"{model} at an OpenAI-compatible endpoint, asked in both orders; disagreement is a draw."
        self.model = model
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.client = httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=WAIT_S, transport=transport)

    def wins(
        self, modes: Sequence[Mode], sources: Sequence[str], ours: Sequence[str], theirs: Sequence[str]
    ) -> list[float]:
        """Raises CannotEvaluate if the endpoint does not answer as agreed."""
        random = generator(len(sources), "order")
        found = []
        for source, left, right in zip(sources, ours, theirs, strict=True):
            if left == right:
                found.append(0.5)
                continue
            orders = [False, True]
            random.shuffle(orders)  # which order is asked first must not matter, so it is left to chance
            votes = [
                self._prefers_first(modes, source, right, left) != is_swapped
                if is_swapped
                else self._prefers_first(modes, source, left, right)
                for is_swapped in orders
            ]
            found.append(sum(votes) / 2)
        return found

    def _prefers_first(self, modes: Sequence[Mode], source: str, first: str, second: str) -> bool:
        examples = "\n".join(f"- {text}" for mode in modes for text in mode.texts[:EXAMPLES])
        asked = (
            f"Messages that one person wrote, in each of their ways of writing:\n{examples}\n\n"
            f"A message to be rewritten as that person would write it:\n{source}\n\n"
            f"Rewrite A:\n{first}\n\nRewrite B:\n{second}\n\n"
            "Which one says the same and sounds more like a message of that person? Answer with A or B only."
        )
        body = {"model": self.model, "temperature": 0, "messages": [{"role": "user", "content": asked}]}
        try:
            answer = self.client.post("/chat/completions", json=body).raise_for_status().json()
            said = str(answer["choices"][0]["message"]["content"])
        except (httpx.HTTPError, json.JSONDecodeError, LookupError, TypeError) as error:
            raise CannotEvaluate(
                f"The judge at {self.client.base_url} did not answer as an OpenAI-compatible endpoint does "
                f"({type(error).__name__}).",
                "Check --judge-url, --judge-model and IDIOLECT_JUDGE_KEY, or leave them out for the embedded proxy.",
            ) from error
        letters = re.findall(r"\b[AB]\b", said.upper())
        if not letters:
            raise CannotEvaluate("The judge answered neither A nor B.", "Choose a model that follows instructions.")
        return bool(letters[0] == "A")


def _after(mode: Mode) -> str:
    return "Messages:\n" + "".join(f"- {' '.join(text.split())}\n" for text in mode.texts[:EXAMPLES]) + "- "
