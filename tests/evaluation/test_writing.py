"""Rewriting in passages: order, white space, voices told, and the first faithful of several candidates."""

from collections.abc import Sequence

import torch

from app.evaluation.writing import joined, rewrite
from app.inference.types import prompt_for
from app.learning.types import Pair, Rollouts


class Scripted:
    """A policy that answers each prompt with the next of its lines, and remembers what it was asked."""

    def __init__(self, answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.helped: list[str] = []

    def sample(
        self,
        prompts: Sequence[str],
        group_size: int,
        *,
        max_tokens: int,
        temperature: float,
        seed: int,
        passages: Sequence[str] = (),
    ) -> Rollouts:
        self.helped += passages
        rows = [prompt for prompt in prompts for _ in range(group_size)]
        self.asked += rows
        texts = [self.answers.pop(0) for _ in rows]
        nothing = torch.zeros(len(rows), 1)
        return Rollouts(rows, texts, [[]] * len(rows), [[]] * len(rows), [True] * len(rows), nothing, nothing)

    def logprobs(self, rollouts: Rollouts, rows: Sequence[int], *, temperature: float = 1.0) -> torch.Tensor:
        raise NotImplementedError

    def imitation_logprobs(self, pairs: Sequence[Pair]) -> tuple[torch.Tensor, torch.Tensor]:
        raise NotImplementedError

    def parameters(self) -> None:
        raise NotImplementedError

    state_dict = load_state_dict = parameters


def written_by(policy: Scripted, texts: list[str], tags: list[str | None], candidates: int = 1) -> list[str]:
    return rewrite(policy, texts, tags, passage_words=4, seed=0, candidates=candidates).texts  # type: ignore[arg-type]


def test_passages_come_back_in_order_and_between_their_white_space() -> None:
    policy = Scripted(["Rewritten: one", "Rewritten: two", "Rewritten: three"])
    texts = ["The van came early.\n\nIt was quite blue.", "Anna drove it here."]
    assert written_by(policy, texts, ["work", None]) == ["one\n\ntwo", "three"]
    asked = [("The van came early.", "work"), ("It was quite blue.", "work"), ("Anna drove it here.", None)]
    assert policy.asked == [prompt_for(text, tag) for text, tag in asked]


def test_silence_leaves_a_passage_as_it_was_and_is_malformed() -> None:
    written = rewrite(
        Scripted(["Rewritten: ", "hm"]), ["Anna drove.", "So it was then."], [None, None], passage_words=4, seed=0
    )  # type: ignore[arg-type]
    assert written.texts == ["Anna drove.", "hm"]
    assert written.well_formed == [0.0, 0.0]


def test_the_first_faithful_candidate_is_taken() -> None:
    policy = Scripted(["Rewritten: drove", "Rewritten: Anna drove", "Rewritten: Anna, she drove"])
    assert written_by(policy, ["So Anna drove."], [None], candidates=3) == ["Anna drove"]
    assert policy.helped == ["So Anna drove."]


def test_a_text_written_once_is_the_policys_own() -> None:
    policy = Scripted(["Rewritten: drove"])
    written_by(policy, ["So Anna drove."], [None])
    assert policy.helped == []


def test_well_formed_is_a_share_of_the_passages() -> None:
    assert joined(["One two three four. Five six."], 4, ["a", "b"], [1.0, 0.0]).well_formed == [0.5]
