"""Recipe of the warm-up rewriter: an adapter that teaches a bare base model what rewriting is, merged into the base.

Half the sentences are people's own comments, half are everyday messages put together from parts
(`build.messages`), which are full of names and numbers to be carried over. Two kinds of pairs:
- plain -> the same content in one of very many random styles (or as its writer wrote it), with no tag;
- any style -> plain, asked for by the tag `plain`. So samples become prompts where rules fall short:
  no rule turns "Report late." into "The report is late.", but the clipped style was made from whole sentences.

Other tags are not taught: they belong to people and are learned from their samples.
Identical pairs are left out and those that differ little are rare, or the model learns to copy.
"""

import random
import re
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from pathlib import Path

from app.assets.build.corpora import human_texts
from app.assets.build.messages import message
from app.config import Settings
from app.inference.base import read_card, unmerged_base
from app.inference.model import LlamaModel
from app.inference.policy import LoraPolicy
from app.inference.tokens import Tokens
from app.inference.types import PLAIN_TAG, prompt_for
from app.learning import sft
from app.learning.configs import SftConfig
from app.learning.neutralise import neutralise
from app.learning.restyle import restyle
from app.learning.styles import FORMAL_OPENERS, Style, random_style
from app.learning.types import Pair

CONFIG = SftConfig(steps=420, batch_size=16, learning_rate=1e-3, warmup_steps=20, seed=11)
RANK, ALPHA = 16, 32
MESSAGE_SHARE, AS_WRITTEN_SHARE, TO_PLAIN_SHARE = 0.5, 0.25, 0.18
USUAL_WORDS, MOST_WORDS, LONG_SHARE = 20, 42, 0.15
LITTLE, KEPT_OF_LITTLE = 0.2, 0.15
"""Pairs of which less than this share of the words differs, and how many of them stay."""
HARD_TO_PLAIN = 0.6
"""Of the pairs towards plain, those from clipped or formal text, where rules fall short."""


def pairs(texts: list[str], count: int, seed: int) -> list[Pair]:
    """Of people's own texts and everyday messages; without texts, of messages alone."""
    rng = random.Random(seed)
    return [pair for pair, _ in zip(_pairs(texts, rng), range(count), strict=False)]


def _pairs(texts: list[str], rng: random.Random) -> Iterator[Pair]:
    while True:
        is_message = rng.random() < MESSAGE_SHARE or not texts
        draw = (lambda: message(rng)) if is_message else (lambda: rng.choice(texts))
        text, most = _some_sentences(draw, rng)
        plain = text if is_message else neutralise(text)
        if not 4 <= len(plain.split()) <= most or not _is_readable(plain):
            continue
        as_written = not is_message and rng.random() < AS_WRITTEN_SHARE
        styled = text if as_written else restyle(plain, random_style(rng), rng)
        if rng.random() < TO_PLAIN_SHARE:
            if rng.random() < HARD_TO_PLAIN:
                styled = restyle(plain, _hard_to_plain(rng), rng)
            source, target, tag = styled, plain, PLAIN_TAG
        else:
            source, target, tag = plain, styled, None
        change = _change(source, target)
        if change == 0 or (tag is None and change < LITTLE and rng.random() > KEPT_OF_LITTLE):
            continue
        yield Pair(prompt_for(source, tag), " ".join(target.split()))


def _some_sentences(draw: Callable[[], str], rng: random.Random) -> tuple[str, int]:
    """A text and the words it may have; short ones are joined, so that passages of two and three sentences occur."""
    most = MOST_WORDS if rng.random() < LONG_SHARE else USUAL_WORDS
    text = draw()
    while len(text.split()) < 0.6 * most and rng.random() < 0.6:
        text = f"{text if text[-1:] in '.!?' else text + '.'} {draw()}"
    return text, most


def _hard_to_plain(rng: random.Random) -> Style:
    if rng.random() < 0.5:
        return Style(clipped=rng.choice((0.7, 0.9, 1.0)))
    return Style(formal=1.0, links=True, semicolons=True, opener=FORMAL_OPENERS if rng.random() < 0.3 else ())


def _is_readable(text: str) -> bool:
    return not re.search(r"\b(\w+) \1\b|[.,?] [.,?]", text) and text.count('"') % 2 == 0


def _change(source: str, target: str) -> float:
    """Share of the words that differ."""
    return 1 - SequenceMatcher(None, source.split(), target.split(), autojunk=False).ratio()


def fresh_policy(settings: Settings) -> tuple[LoraPolicy, str]:
    """An untrained adapter over the base as it comes, without any warm-up, and that base's digest."""
    base = unmerged_base(settings)
    model = LlamaModel.load(base, device=settings.device)
    policy = LoraPolicy(model, Tokens.load(base), rank=RANK, alpha=ALPHA, seed=CONFIG.seed)
    return policy, read_card(base).digest


def build(
    policy: LoraPolicy,
    base_digest: str,
    data: Path,
    target: Path,
    report: Callable[[str], None] = print,
    config: SftConfig = CONFIG,
) -> dict[str, float]:
    """Train on `policy` (over the unmerged base) and write `warmup/adapter.safetensors` under `target`."""
    examples = pairs(human_texts(data, config.seed), config.steps * config.batch_size, config.seed)
    report(f"{len(examples)} pairs")
    losses = []
    for step in sft.train(policy, examples, config):
        losses.append(step.metrics["nll"])
        if step.index % 20 == 0:
            report(f"step {step.index}/{step.total}  nll {sum(losses[-20:]) / len(losses[-20:]):.3f}")
    content, digest = policy.adapter_bytes(base_digest)
    path = target / "warmup" / "adapter.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    report(f"{path}  sha256 {digest}")
    return {"last_nll": round(sum(losses[-50:]) / len(losses[-50:]), 4), "steps": float(config.steps)}
