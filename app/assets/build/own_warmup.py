"""A warm-up for a base that is not the packaged one: what the shipped adapter does there, learned once where it runs.

The sizes are the article's for bases of a billion parameters and more (Roman S, "The Right Approach to Personalize LLM
Style": 1,000 steps of one pair, learning rate 2e-5, rank 32), and the packaged base's own for smaller ones.
"""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from app.assets.build import warmup
from app.assets.build.messages import message
from app.config import PACKAGED, Settings
from app.errors import AppError
from app.inference.adapter_file import InvalidAdapter
from app.inference.base import BaseCard, ensure_base, read_card, warmed
from app.inference.language_model import load_model
from app.inference.policy import LoraPolicy
from app.inference.sampling import NotFinite
from app.inference.tokens import Tokens
from app.inference.types import DEFAULT_TEMPERATURE, prompt_for
from app.learning import sft
from app.learning.configs import SftConfig
from app.learning.copying import is_copy
from app.learning.loop import Diverged
from app.learning.recipes import SMALL_BASE_PARAMETERS
from app.learning.rewards.format import stripped, well_formed
from app.learning.seeding import generator
from app.learning.types import Step
from app.storage.files import write_whole

ARTICLE_RANK, ARTICLE_ALPHA = 32, 16.0
FEWEST_WORDS, MOST_WORDS = 4, 40
TRIED, ROOM_TOKENS = 24, 120


class CannotWarmUp(AppError):
    """There is nothing to do, or nothing to do it with."""


@dataclass(frozen=True)
class Tried:
    """What the warmed base makes of messages that it did not learn from."""

    well_formed: float
    copies: float
    texts: list[tuple[str, str]]


@dataclass(frozen=True)
class Sizes:
    sft: SftConfig
    rank: int
    alpha: float

    @classmethod
    def of(cls, card: BaseCard) -> "Sizes":
        if card.parameters < SMALL_BASE_PARAMETERS:
            return cls(warmup.CONFIG, warmup.RANK, warmup.ALPHA)
        return cls(SftConfig(seed=warmup.CONFIG.seed), ARTICLE_RANK, ARTICLE_ALPHA)


def texts_of(file: Path) -> list[str]:
    """People's own texts, a line each, as far as they are of a length to learn from. Raises CannotWarmUp."""
    lines = [" ".join(line.split()) for line in file.read_text(encoding="utf-8-sig").splitlines()]
    if texts := [line for line in lines if FEWEST_WORDS <= len(line.split()) <= MOST_WORDS]:
        return texts
    raise CannotWarmUp(
        f"{file} has no line of {FEWEST_WORDS} to {MOST_WORDS} words",
        remedy="Give a text per line, or leave --texts out: everyday messages are put together then.",
    )


def warm_up(
    settings: Settings, texts: Sequence[str], steps: int | None, each: Callable[[Step], None] = lambda step: None
) -> tuple[Path, Tried]:
    """Teach the base that `settings` names to rewrite without an instruction: a folder to name in its place.

    Without `texts` it learns from everyday messages alone. Raises CannotWarmUp, BaseUnavailable, UnsupportedModel.
    What was learned is kept until it is merged: asked again, a warm-up whose merge failed is not learned again.
    """
    if settings.base_model == PACKAGED:
        raise CannotWarmUp(
            "the packaged base comes with its warm-up",
            remedy="Name the base that lacks one in IDIOLECT_BASE_MODEL.",
        )
    base = ensure_base(settings)
    card = read_card(base)
    if card.warmup:
        raise CannotWarmUp(
            f"{base} has been warmed up already", remedy="Name the base that it was made from in IDIOLECT_BASE_MODEL."
        )
    torch.set_num_threads(settings.threads or torch.get_num_threads())
    sizes = Sizes.of(card)
    if steps is not None:
        sizes = replace(sizes, sft=replace(sizes.sft, steps=steps))
    asked = hashlib.sha256(repr((card.digest, sizes, list(texts))).encode()).hexdigest()
    adapter = settings.data_dir / "models" / f".warm-up-{asked[:12]}.safetensors"
    try:
        if not adapter.exists():
            write_whole(adapter, _learned(settings, base, card, sizes, list(texts), each), is_lasting=True)
        # By now the model is out of memory, of which merging needs as much.
        folder = warmed(settings, base.name, lambda: base, adapter)
        try:
            tried = _try(settings, folder)
        except NotFinite:
            shutil.rmtree(folder)
            raise
    except (Diverged, NotFinite, InvalidAdapter) as error:
        adapter.unlink(missing_ok=True)
        raise CannotWarmUp(
            f"the warm-up became unstable and was stopped: {error}",
            remedy="IDIOLECT_BASE_MODEL is as it was; try fewer --steps.",
        ) from error
    adapter.unlink()
    return folder, tried


def _learned(
    settings: Settings, base: Path, card: BaseCard, sizes: Sizes, texts: list[str], each: Callable[[Step], None]
) -> bytes:
    """The adapter's file."""
    config = sizes.sft
    model, tokens = load_model(base, device=settings.device, is_packed=False), Tokens.load(base)
    policy = LoraPolicy(model, tokens, rank=sizes.rank, alpha=sizes.alpha, seed=config.seed)
    for step in sft.train(policy, warmup.pairs(texts, config.steps * config.batch_size, config.seed), config):
        each(step)
    return policy.adapter_bytes(card.digest)[0]


def _try(settings: Settings, folder: Path) -> Tried:
    """The merged base itself: an adapter that has learned nothing changes nothing."""
    model = load_model(folder, device=settings.device, is_packed=False)
    policy = LoraPolicy(model, Tokens.load(folder), rank=1, alpha=1)
    rng = generator(warmup.CONFIG.seed, "tried")
    texts = [message(rng) for _ in range(TRIED)]
    rollouts = policy.sample(
        [prompt_for(text, None) for text in texts],
        1,
        max_tokens=ROOM_TOKENS,
        temperature=DEFAULT_TEMPERATURE,
        seed=warmup.CONFIG.seed,
    )
    formed = well_formed(rollouts.texts, rollouts.is_finished, texts)
    pairs = [(text, stripped(written)) for text, written in zip(texts, rollouts.texts, strict=True)]
    return Tried(formed.mean().item(), sum(is_copy(*pair) for pair in pairs) / TRIED, pairs)
