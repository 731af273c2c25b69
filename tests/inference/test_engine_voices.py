"""The voices of one adapter in the engine: each writes as trained, and in turn where slots are few."""

from collections.abc import Callable

import pytest
import torch

from app.inference import adapter_file
from app.inference.candidates import Candidate
from app.inference.engine import Engine
from app.inference.policy import LoraPolicy
from app.inference.residency import Speaker
from app.inference.types import EngineError, RewriteSpec, prompt_for
from tests.inference.voices import VOICES, WAIT_S, answer, of_voices, stored, together, two_voices


def test_a_voice_writes_what_its_policy_writes(engine: Engine) -> None:
    digest, made = two_voices(engine)
    policy = LoraPolicy.from_adapter(engine.model, engine.tokens, made)
    text = "The parcel arrived on Friday."
    asked = [*VOICES, None, "plain"]
    tickets = together(
        engine, [RewriteSpec(text, digest, tag, max_tokens=12, temperature=0.0) for tag in (*asked, "work")]
    )
    *texts, again = [ticket.answer.result(WAIT_S).texts[0] for ticket in tickets]
    rollouts = policy.sample(
        [prompt_for(text, tag) for tag in asked], 1, max_tokens=12, temperature=0.0, seed=0, passages=[text] * 4
    )
    written = [Candidate.of(text, said, is_finished=True).text for said in rollouts.texts]
    assert texts == written
    assert len(set(texts)) == 4
    assert again == texts[0]
    assert set(engine.seats.residency.resident) == {Speaker(digest, voice) for voice in (*VOICES, None)}


def test_voices_of_one_adapter_may_take_turns_in_one_slot(make: Callable[..., Engine]) -> None:
    engine = make(cache_bytes=1)
    digest, _ = two_voices(engine)
    specs = [RewriteSpec("It rained all day.", digest, tag, max_tokens=8, seed=1) for tag in VOICES * 2]
    texts = [ticket.answer.result(WAIT_S).texts for ticket in together(engine, specs)]
    assert texts[:2] == texts[2:]
    assert texts[0] != texts[1]


def test_a_voice_is_exported_as_it_speaks(engine: Engine) -> None:
    digest, made = two_voices(engine)
    for voice in VOICES:
        packed = engine.import_peft(engine.export_peft(digest, voice))
        back = adapter_file.unpack(packed, engine.model.architecture, base_digest=engine.card.digest)
        spoken = made.speaking(voice)
        assert (back.rank, back.scale) == (spoken.rank, spoken.scale)
        assert all(torch.equal(tensor, spoken.tensors[name]) for name, tensor in back.tensors.items())
    for nobody in ("family", None):
        with pytest.raises(EngineError) as caught:
            engine.export_peft(digest, nobody)
        assert caught.value.code == "unknown-voice"


def test_an_adapter_whose_voice_is_too_large_is_refused(engine: Engine) -> None:
    made = of_voices(engine.model.architecture, VOICES, rank=8, voice_rank=1, base=engine.card.digest)
    with pytest.raises(EngineError, match="rank is 8, allowed are whole numbers from 1 to 7") as caught:
        answer(engine, adapter_digest=stored(engine.seats.near.storage.folder, made))
    assert caught.value.code == "invalid-adapter"


def test_warming_loads_every_voice(engine: Engine) -> None:
    digest, _ = two_voices(engine)
    assert engine.warm(digest) > 0
    assert engine.seats.residency.resident == [Speaker(digest, voice) for voice in VOICES]
