"""Judges: an endpoint that answers as agreed (or not), and the embedded proxy on a tiny base."""

import json
from collections.abc import Callable

import httpx
import pytest
import torch

from app.evaluation.judging import Endpoint, Proxy
from app.evaluation.problems import CannotEvaluate
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from app.learning.types import Mode
from tests.tiny import build_tiny_base

SAM = [Mode("work", 1.0, ["Report late.", "Call moved.", "Bring the figures."])]


def endpoint(answer: Callable[[str], str | httpx.Response]) -> Endpoint:
    def respond(request: httpx.Request) -> httpx.Response:
        assert request.url == "http://judge.test/v1/chat/completions"
        assert request.headers["Authorization"] == "Bearer secret"
        said = answer(json.loads(request.content)["messages"][0]["content"])
        if isinstance(said, httpx.Response):
            return said
        return httpx.Response(200, json={"choices": [{"message": {"content": said}}]})

    return Endpoint("http://judge.test/v1/", "reader", "secret", transport=httpx.MockTransport(respond))


def first_of(asked: str) -> str:
    return asked.partition("Rewrite A:\n")[2].partition("\n")[0]


def test_whoever_is_preferred_in_both_orders_wins() -> None:
    judge = endpoint(lambda asked: "A" if first_of(asked) == "Report late." else "The answer is B.")
    assert judge.wins(SAM, ["The report is late."], ["Report late."], ["The report, alas, is late."]) == [1.0]
    assert judge.wins(SAM, ["The report is late."], ["The report, alas, is late."], ["Report late."]) == [0.0]


def test_a_judge_who_always_says_a_decides_nothing() -> None:
    assert endpoint(lambda asked: "A").wins(SAM, ["x", "y"], ["one", "same"], ["two", "same"]) == [0.5, 0.5]


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(500), httpx.Response(200, json={"choices": []}), httpx.Response(200, text="no"), "neither"],
)
def test_an_endpoint_that_is_none_is_named(answer: str | httpx.Response) -> None:
    with pytest.raises(CannotEvaluate, match="judge"):
        endpoint(lambda asked: answer).wins(SAM, ["x"], ["one"], ["two"])


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Proxy:
    base = build_tiny_base(tmp_path_factory.mktemp("tiny"))

    def encode(texts: list[str]) -> torch.Tensor:
        """Two meanings: about reports, and not."""
        return torch.tensor([[1.0, 0.0] if "report" in text.lower() else [0.0, 1.0] for text in texts])

    return Proxy(LlamaModel.load(base, dtype=torch.float32), Tokens.load(base), encode, lambda text: text)  # type: ignore[arg-type]


def test_equal_texts_draw(proxy: Proxy) -> None:
    assert proxy.wins(SAM, ["The report is late."], ["Report late."], ["Report late."]) == [0.5]


def test_what_says_something_else_loses(proxy: Proxy) -> None:
    sources = ["The report is late."] * 2
    assert proxy.wins(SAM, sources, ["Report late.", "Nice tea."], ["Nice tea.", "Report late."]) == [1.0, 0.0]


def test_what_says_the_same_over_and_over_loses(proxy: Proxy) -> None:
    endless = "The report is late" + ", so late" * 20
    assert proxy.wins(SAM, ["The report is late."], [endless], ["Report late."]) == [0.0]
    assert proxy.wins(SAM, ["The report is late."], ["Report late."], [endless]) == [1.0]


def test_of_two_that_say_the_same_one_wins_whatever_the_order(proxy: Proxy) -> None:
    sources, ours, theirs = ["The report is late."], ["Report late."], ["lol the report is so late"]
    [there], [back] = proxy.wins(SAM, sources, ours, theirs), proxy.wins(SAM, sources, theirs, ours)
    assert {there, back} == {0.0, 1.0}


def test_likeness_is_what_the_samples_add(proxy: Proxy) -> None:
    """By hand: mean log-probability after the person's texts minus that after none."""
    before, after = "Messages:\n- ", "Messages:\n- Report late.\n- Call moved.\n- Bring the figures.\n- "
    text = proxy.tokens.completion("Report due.")

    def mean(prefix: str) -> float:
        ids = proxy.tokens.prompt(prefix)
        return proxy.model.logprobs([ids + text], [len(ids)]).mean().item()

    assert proxy.likeness(SAM, ["Report due."]) == pytest.approx([mean(after) - mean(before)], abs=1e-5)
