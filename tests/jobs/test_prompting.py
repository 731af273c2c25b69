"""The base is asked for plain versions, a batch at a time."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from app.jobs.prompting import ASKED_AT_ONCE, Judges, plain_versions
from app.learning.rewards.format import dangling


class Base:
    def __init__(self) -> None:
        self.batches: list[int] = []

    def sample(self, prompts: Sequence[str], group_size: int, **_: Any) -> Any:
        self.batches.append(len(prompts))
        texts = [f"Rewritten: {prompt.strip().splitlines()[0].rstrip('.')} yesterday." for prompt in prompts]
        return SimpleNamespace(texts=texts, is_finished=[True] * len(texts))


JUDGES = Judges(lambda texts: torch.ones(len(texts), 1), lambda texts: [frozenset()] * len(texts))


def test_many_texts_are_asked_for_in_batches_and_keep_their_order() -> None:
    base: Any = Base()
    texts = [f"The committee adjourned at {number}." for number in range(70)]
    versions = plain_versions(base, texts, JUDGES, max_tokens=96, seed=0)
    assert base.batches == [ASKED_AT_ONCE, ASKED_AT_ONCE, 6]
    assert [[str(number) in version for version in versions[number]] for number in range(70)] == [[True, True]] * 70


@pytest.mark.parametrize("text", ["Dear Mr Fox,", "The moon – which we all saw –", "We could go now;"])
def test_what_breaks_off_is_made_plain_without_an_end(text: str) -> None:
    base: Any = Base()
    for plain in plain_versions(base, [text], JUDGES, max_tokens=96, seed=0)[0]:
        assert dangling(plain) == dangling(text)
