"""Everything an engine does for people, on models that only transformers knows."""

import threading
from pathlib import Path

import pytest
import torch

from app.inference import adapter_file
from app.inference.card import read_card
from app.inference.engine import Engine
from app.inference.general_model import GeneralModel
from app.inference.policy import LoraPolicy
from app.inference.selfcheck import prove
from app.inference.tokens import Tokens
from app.inference.types import EngineError, Heard, RewriteSpec, prompt_for
from app.learning import sft
from app.learning.configs import SftConfig
from app.learning.types import Pair
from tests.inference.test_interference import PROMPTS, company
from tests.inference.voices import WAIT_S, answer, together, two_voices, voice

TEXT = "The parcel arrived on Friday."
PAIRS = [
    Pair(prompt_for(TEXT, None), "parcel came friday lol"),
    Pair(prompt_for("It rained all day.", None), "rain again!!"),
]


def test_people_in_one_batch_get_what_they_get_alone(general_engine: Engine) -> None:
    digests: list[str | None] = [None, voice(general_engine, 1), voice(general_engine, 2)]
    alone = [answer(general_engine, adapter_digest=digest, seed=5, temperature=1.0).texts for digest in digests]
    specs = [RewriteSpec(TEXT, digest, max_tokens=12, seed=5, temperature=1.0) for digest in digests]
    tickets = together(general_engine, [*specs, RewriteSpec("It rained all day.", max_tokens=40)])
    assert [ticket.answer.result(WAIT_S).texts for ticket in tickets[:3]] == alone
    assert len({tuple(texts) for texts in alone}) == 3


def test_in_float32_a_text_is_the_same_alone_and_among_others(general_model: GeneralModel) -> None:
    found = company(general_model, PROMPTS, 20, mixes=10)
    assert found.parted == 0
    assert found.largest < 1e-3


def test_it_proves_that_it_tells_people_apart_and_says_which_way_it_goes(general_engine: Engine) -> None:
    prove(general_engine.model, general_engine.tokens.prompt(TEXT))
    assert general_engine.info.route == "general"
    assert general_engine.info.parameters == general_engine.card.parameters


def test_a_text_is_heard_while_it_is_written_stopped_and_given_up(general_engine: Engine) -> None:
    heard: list[Heard] = []
    is_heard = threading.Event()

    def tell(news: Heard) -> None:
        heard.append(news)
        if news.text:
            is_heard.set()

    spec = RewriteSpec(TEXT, seed=3, temperature=1.0, max_tokens=40)
    whole = general_engine.submit(spec, tell).answer.result(WAIT_S)
    told = ""
    for news in heard:
        told = news.text if news.is_replacement else told + news.text
    assert told == whole.texts[0]
    word = whole.texts[0].split()[2]
    cut = answer(general_engine, text=TEXT, seed=3, temperature=1.0, max_tokens=40, stop=[word], wants_logprobs=True)
    assert cut.texts[0] == whole.texts[0][: whole.texts[0].index(word)].rstrip()
    assert cut.logprobs is not None
    is_heard.clear()
    endless = general_engine.submit(RewriteSpec(TEXT, seed=1, max_tokens=400), tell)
    assert is_heard.wait(WAIT_S)
    endless.cancel()
    assert answer(general_engine).texts
    assert not endless.answer.done() or endless.answer.cancelled()


def test_what_does_not_fit_the_context_is_refused(general_engine: Engine) -> None:
    with pytest.raises(EngineError) as caught:
        answer(general_engine, text="x" * 4000)
    assert caught.value.code == "too-long"


def test_a_voice_is_exported_as_it_speaks_and_comes_back(general_engine: Engine) -> None:
    digest, made = two_voices(general_engine)
    packed = general_engine.import_peft(general_engine.export_peft(digest, "work"))
    back = adapter_file.unpack(packed, general_engine.model.architecture, base_digest=general_engine.card.digest)
    spoken = made.speaking("work")
    assert (back.rank, back.scale) == (spoken.rank, spoken.scale)
    assert all(torch.equal(tensor, spoken.tensors[name]) for name, tensor in back.tensors.items())
    tagged, other = (answer(general_engine, adapter_digest=digest, tag=tag).texts for tag in ("work", "friends"))
    assert tagged != other


def test_what_was_learned_is_what_is_served(general_engine: Engine, general_base: Path) -> None:
    model = general_engine.model
    policy = LoraPolicy(model, Tokens.load(general_base), rank=4, alpha=8, seed=1, voices=["work"], voice_rank=2)
    losses = [
        step.metrics["nll"] for step in sft.train(policy, PAIRS, SftConfig(steps=40, batch_size=2, learning_rate=2e-2))
    ]
    assert losses[-1] < 0.3 * losses[0]
    data, digest = policy.adapter_bytes(read_card(general_base).digest)
    (general_engine.seats.near.storage.folder / f"{digest}.safetensors").write_bytes(data)
    before = answer(general_engine, text=TEXT, temperature=0.0, max_tokens=30)
    after = answer(general_engine, text=TEXT, temperature=0.0, max_tokens=30, adapter_digest=digest)
    assert after.texts != before.texts
    assert after.texts == ["parcel came friday lol"]


def test_rollouts_are_what_the_policy_computes(general_model: GeneralModel, general_base: Path) -> None:
    policy = LoraPolicy(general_model, Tokens.load(general_base), rank=4, alpha=8, seed=1, voices=["work"])
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    prompts = [prompt_for(TEXT, "work"), prompt_for("It rained all day.", None)]
    rollouts = policy.sample(prompts, 3, max_tokens=12, temperature=0.8, seed=3)
    rows = [4, 0, 5]
    again = policy.logprobs(rollouts, rows, temperature=0.8)
    assert again.requires_grad
    assert torch.allclose(again, rollouts.logprobs_B_T[rows], atol=1e-4)
    assert policy.states(rollouts, rows).shape == (3, rollouts.mask_B_T.shape[1], 64)
