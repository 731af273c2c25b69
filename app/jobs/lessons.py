"""What a training practises with: examples to imitate, pairs to prefer, passages to rewrite, and what pays for them."""

from dataclasses import dataclass

from app.assets.neutral import neutral_prompts
from app.config import PACKAGED, Settings
from app.inference.encoders import (
    centred,
    entity_finder,
    human_scorer,
    meaning_encoder,
    style_encoder,
    voice_encoder,
)
from app.inference.ends import CLOSING, STOPS
from app.inference.faithful import share_told
from app.inference.types import prompt_for
from app.jobs.context import TrainingFailure
from app.jobs.curation import Material, Written
from app.learning.configs import RlConfig
from app.learning.mimicry import imitations
from app.learning.neutralise import neutralise
from app.learning.recipes import Recipe
from app.learning.rewards.additions import vocabulary
from app.learning.rewards.compose import Reward, Satisfaction
from app.learning.rewards.endings import habits
from app.learning.rewards.fluency import Fluency
from app.learning.rewards.style import References, references
from app.learning.seeding import generator
from app.learning.tags import tag_of
from app.learning.types import Encoder, LanguageModelScore, Mode, Pair, Preference

UNTAGGED_PAIRS = 0.1
"""Share of the warm start's pairs that a person of several voices gives without a tag."""
IMITATIONS_PER_PAIR = 2.0
"""Rule-made imitations of the person for each pair of their own."""
PERSON_PROMPTS_SHARE = 0.5
"""Of the reinforcement's prompts, how many are the person's own passages made plain; the rest are about anything."""


@dataclass(frozen=True)
class Voice:
    """A person as a training sees them."""

    modes: list[Mode]
    written: list[Written]
    plain: list[list[str]]
    """Plain versions of each written passage, the rules' first."""
    pleased: Satisfaction | None = None
    """What their reactions have taught; None where nobody asked."""

    @property
    def has_tags(self) -> bool:
        return len(self.modes) > 1

    @property
    def shares(self) -> dict[str, float]:
        """Of the voices that can be told apart, by tag; none for a person of one."""
        return {mode.tag: mode.share for mode in self.modes} if self.has_tags else {}

    @property
    def tags(self) -> list[str]:
        return list(self.shares)

    @property
    def is_named(self) -> bool:
        """Whether the person named their voices. Clusters have numbers, which another training may deal otherwise."""
        return any(tag_of(written.context or "") in self.tags for written in self.written)

    def known(self, tag: str | None) -> str | None:
        """The tag that another version wrote with, if it means the same voice here."""
        return tag if self.is_named and tag in self.tags else None

    def tag_for(self, written: Written) -> str | None:
        if not self.has_tags:
            return None
        return next(mode.tag for mode in self.modes if written.text in mode.texts)

    def prompt(self, passage: str, tag: str | None) -> str:
        return prompt_for(passage, tag if self.has_tags else None)


def examples(voice: Voice, material: Material, recipe: Recipe) -> list[Pair]:
    """(plain -> written) for every plain version that differs from what was written, imitations, approved rewrites."""
    random = generator(seed_of(recipe), "pairs")
    pairs = []

    def add(plain: str, written: str, tag: str | None) -> None:
        told = None if random.random() < UNTAGGED_PAIRS else tag
        pairs.append(Pair(voice.prompt(plain, told), " ".join(written.split())))

    for written, versions in zip(voice.written, voice.plain, strict=True):
        for version in [version for version in versions if version != written.text] or versions[:1]:
            add(version, written.text, voice.tag_for(written))
    person = references_of(voice, recipe)
    count = round(IMITATIONS_PER_PAIR * len(pairs))
    own = _whole(voice)
    for plain, imitation, mode in imitations(person, neutral_prompts(), count, seed=seed_of(recipe), written=own):
        add(plain, imitation, mode)
    for liked in material.liked:
        add(liked.asked, liked.chosen, voice.known(liked.voice))
    return pairs


def _whole(voice: Voice) -> dict[str, list[str]]:
    """Their texts by voice, sentences that were cut into passages put together again."""
    whole: dict[str, list[str]] = {mode.tag: [] for mode in voice.modes}
    before: Written | None = None
    for written in voice.written:
        texts = whole[voice.tag_for(written) or voice.modes[0].tag]
        if before and texts and texts[-1].endswith(before.text) and _goes_on(before, written):
            texts[-1] += f" {written.text}"
        else:
            texts.append(written.text)
        before = written
    return whole


def _goes_on(before: Written, written: Written) -> bool:
    is_same = bool(written.sample_id) and written.sample_id == before.sample_id
    return is_same and not before.text.rstrip(CLOSING).endswith(tuple(STOPS))


def preferences(voice: Voice, material: Material) -> list[Preference]:
    """What the person made of rewrites, over what they were given, each told the voice that it was written in."""
    return [
        Preference(
            voice.prompt(pair.prompt, voice.known(pair.voice)),
            " ".join(pair.chosen.split()),
            " ".join(pair.rejected.split()),
        )
        for pair in material.corrected
    ]


def passages(voice: Voice, material: Material, config: RlConfig) -> list[str]:
    """Plain texts to practise on: the person's own, about anything, and those whose rewrite displeased (twice)."""
    own = [versions[-1] for versions in voice.plain] + material.disliked * 2
    others = list(neutral_prompts())
    generator(config.seed, "passages").shuffle(others)
    return own + others[: max(8, round(len(own) * (1 - PERSON_PROMPTS_SHARE) / PERSON_PROMPTS_SHARE))]


def mode_encoder(recipe: Recipe) -> Encoder:
    """What tells a person's voices apart."""
    return _seen(style_encoder(), recipe)


def reward_encoder(recipe: Recipe) -> Encoder:
    return _seen(voice_encoder(), recipe)


def _seen(encoder: Encoder, recipe: Recipe) -> Encoder:
    return centred(encoder, neutral_prompts()) if recipe.reward.calibrated else encoder


def references_of(voice: Voice, recipe: Recipe) -> References:
    return references(
        reward_encoder(recipe),
        voice.modes,
        neutral_prompts(),
        kind=recipe.reward.references,
        is_calibrated=recipe.reward.calibrated,
    )


def check_detector(recipe: Recipe, settings: Settings) -> None:
    """Have the detector there before anything is learned. Raises TrainingFailure, ModelUnavailable."""
    if not recipe.pays_for_humanity:
        return
    if settings.detector_model == PACKAGED:
        raise TrainingFailure(
            "This training is to be paid for reading as if a person had written it, and the worker has no detector "
            "that can tell on texts so short.",
            "Set IDIOLECT_DETECTOR_MODEL for the workers as for the web, or train with human of the section reward 0.",
        )
    human_scorer()


def reward_of(voice: Voice, recipe: Recipe, log_likelihood: LanguageModelScore) -> Reward:
    return Reward(
        recipe.reward,
        references_of(voice, recipe),
        meaning_encoder(),
        neutralise,
        entity_finder(),
        own_endings={None: habits([written.text for written in voice.written])}
        | {mode.tag: habits(mode.texts) for mode in voice.modes},
        own_words=vocabulary([written.text for written in voice.written]),
        share_told=share_told,
        fluency=Fluency.measured(log_likelihood, _beside_plain(voice)) if recipe.reward.fluency else None,
        p_human=human_scorer() if recipe.pays_for_humanity else None,
        pleased=voice.pleased,
    )


def _beside_plain(voice: Voice) -> dict[str, list[tuple[str, str]]]:
    """(plain, written) of every voice's passages."""
    pairs: dict[str, list[tuple[str, str]]] = {mode.tag: [] for mode in voice.modes}
    for written, versions in zip(voice.written, voice.plain, strict=True):
        pairs[voice.tag_for(written) or voice.modes[0].tag].append((versions[0], written.text))
    return pairs


def dropout_of(voice: Voice, recipe: Recipe) -> str:
    """What reward dropout does for this person, in a sentence; empty where nothing is reinforced."""
    if not recipe.rl:
        return ""
    if not recipe.reward.dropout or not recipe.reward.untagged_share:
        return "Reward dropout is off."
    is_by_voice = recipe.reward.references == "modes"
    count, what = (len(voice.modes), "voices") if is_by_voice else (len(voice.written), "passages")
    if count == 1:
        return "Reward dropout has nothing to drop: there is one voice."
    often = f"{recipe.reward.dropout:.0%} of the time"
    return f"Where no voice is told, reward dropout leaves out each of the {count} {what} {often}."


def seed_of(recipe: Recipe) -> int:
    config = recipe.rl or recipe.dpo or recipe.sft
    return config.seed if config else 0


def max_tokens_of(recipe: Recipe) -> int:
    return recipe.rl.max_tokens if recipe.rl else 96
