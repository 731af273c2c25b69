"""The trial before the gate: a new version and whoever speaks for the person now rewrite texts of the test.

Each is prompted as it is when it serves: a version knows the voices that it was trained with, the base none. A voice
that the person named is asked for by its name, and what does not know it writes as it would then. Nobody asks for a
cluster by its number, and two trainings may number them otherwise: there each side draws its own voices by their
shares, and is measured by the voice that is nearest to what it wrote.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.assets.neutral import neutral_prompts
from app.config import get_settings
from app.inference.candidates import Candidate, best
from app.inference.encoders import centred, evaluation_encoder
from app.inference.faithful import share_told
from app.inference.likelihood import base_likelihood
from app.inference.policy import LoraPolicy
from app.inference.types import DEFAULT_TEMPERATURE, prompt_for
from app.jobs.curation import Material
from app.jobs.lessons import Voice, max_tokens_of, seed_of
from app.jobs.prompting import Judges, plain_versions
from app.learning.assessment import Yardstick
from app.learning.evaluate import Comparison, compare, tags_by_share
from app.learning.neutralise import neutralise
from app.learning.recipes import Recipe
from app.learning.rewards.style import references
from app.learning.seeding import derive

NEUTRAL_TEXTS = 4
"""Rewritten where nothing is held out: enough to read, and to decide nothing by."""


@dataclass(frozen=True)
class Speaker:
    """A policy and its own voices, with the share of each; none for a version of one voice, and for the base."""

    policy: LoraPolicy
    shares: Mapping[str, float] = field(default_factory=dict)

    def told(self, asked: Sequence[str | None], seed: int) -> list[str | None]:
        """The tag that it is told of each text: what is asked for if it knows it, or else one of its own."""
        if not self.shares:
            return [None] * len(asked)
        own = tags_by_share(self.shares, len(asked), seed=seed)
        return [tag if tag in self.shares else drawn for tag, drawn in zip(asked, own, strict=True)]


def compared(
    candidate: Speaker,
    incumbent: Speaker,
    base: LoraPolicy,
    voice: Voice,
    material: Material,
    judges: Judges,
    recipe: Recipe,
) -> Comparison:
    """Both sides rewrite the held-out samples, made plain by the bare base."""
    held_out = [written.text for written in material.held_out]
    encoder = centred(evaluation_encoder(), neutral_prompts())
    yardstick = Yardstick(
        references(encoder, voice.modes, neutral_prompts()),
        judges.encode_meaning,
        neutralise,
        judges.find_entities,
        share_told,
        base_likelihood(base.model, base.tokens),
        training_samples=[written.text for written in material.train],
        held_out_samples=held_out,
    )
    texts = held_out or neutral_prompts()[:NEUTRAL_TEXTS]
    versions = plain_versions(base, texts, judges, max_tokens=max_tokens_of(recipe), seed=seed_of(recipe))
    inputs = [plain[-1] for plain in versions]
    asked: list[str | None] = [None] * len(inputs)
    if voice.is_named:
        asked = [*tags_by_share(yardstick.references.shares, len(inputs), seed=seed_of(recipe))]
    new, old = (rewritten(side, inputs, asked, recipe) for side in (candidate, incumbent))
    origins = [written.sample_id for written in material.held_out]
    return compare(inputs, new, old, asked, yardstick, seed=seed_of(recipe), origins=origins)


def rewritten(speaker: Speaker, inputs: Sequence[str], asked: Sequence[str | None], recipe: Recipe) -> list[str]:
    """What each side writes itself: what is not welcome is written again, as often as a rewrite is.

    The engine lets a text stay as it was if nothing was written for it. Here silence is an empty text, which keeps
    nothing of what was said: that the engine covers for a mute version is no merit of the version's.
    """
    tags = speaker.told(asked, seed_of(recipe))
    prompts = [prompt_for(text, tag) for text, tag in zip(inputs, tags, strict=True)]
    candidates: list[list[Candidate]] = [[] for _ in inputs]

    def write(places: Sequence[int], times: int, attempt: str) -> None:
        rollouts = speaker.policy.sample(
            [prompts[place] for place in places],
            times,
            max_tokens=max(96, max_tokens_of(recipe)),
            temperature=DEFAULT_TEMPERATURE,
            seed=derive(seed_of(recipe), attempt),
            passages=[inputs[place] for place in places],
        )
        for row, (text, is_finished) in enumerate(zip(rollouts.texts, rollouts.is_finished, strict=True)):
            place = places[row // times]
            candidates[place].append(Candidate.of(inputs[place], text, is_finished=is_finished))

    write(range(len(inputs)), 1, "evaluate")
    further = get_settings().rewrite_candidates - 1
    if further and (again := [place for place, [first] in enumerate(candidates) if not first.is_welcome]):
        write(again, further, "evaluate again")
    chosen = [best(written) for written in candidates]
    return ["" if each.finish == "empty" else each.text for each in chosen]
