"""One training, from a person's rows to a published version: curate, warm start, reinforce, evaluate, gate, publish.

Joins the database, the learning loops and the language model, so only workers import it. No transaction is open while
it computes. Everything it draws is a function of the recipe's seed, so a job that is killed goes on from its checkpoint
as if nothing had happened.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from app.adapters import service as adapters
from app.assets.neutral import neutral_prompts
from app.config import Settings, get_settings
from app.db import transaction
from app.inference import adapter_file
from app.inference.adapter_file import InvalidAdapter
from app.inference.base import BaseCard, ensure_base, read_card
from app.inference.encoders import centred, entity_finder, evaluation_encoder, meaning_encoder, style_encoder
from app.inference.likelihood import base_likelihood
from app.inference.model import LlamaModel
from app.inference.policy import LoraPolicy
from app.inference.tokens import Tokens
from app.inference.types import DEFAULT_TEMPERATURE, prompt_for
from app.jobs.context import JobContext, TrainingFailure, TrainingOutcome
from app.jobs.curation import Material, Written, gather
from app.jobs.prompting import Judges, plain_versions
from app.learning import reinforce, sft
from app.learning.assessment import Yardstick
from app.learning.checkpoint import UnusableCheckpoint
from app.learning.configs import RlConfig
from app.learning.evaluate import Comparison, compare, tags_by_share
from app.learning.gate import Verdict, judge
from app.learning.loop import Diverged, LoopState
from app.learning.mimicry import imitations
from app.learning.modes import find_modes
from app.learning.neutralise import neutralise
from app.learning.recipes import Recipe, as_dict, resolve
from app.learning.rewards.compose import Reward
from app.learning.rewards.endings import habits
from app.learning.rewards.format import stripped
from app.learning.rewards.style import References, references
from app.learning.seeding import derive, generator
from app.learning.types import Encoder, Mode, Pair, Step
from app.models import Adapter
from app.storage import LocalStorage

WARM_START, REINFORCE = "warm-start", "reinforce"
_SPAN = {WARM_START: (0.08, 0.25), REINFORCE: (0.25, 0.9)}
"""The part of the job's progress that each loop covers."""
UNTAGGED_PAIRS = 0.1
"""Share of the warm start's pairs that a person of several voices gives without a tag."""
IMITATIONS_PER_PAIR = 2.0
"""Rule-made imitations of the person for each pair of their own."""
PERSON_PROMPTS_SHARE = 0.5
"""Of the reinforcement's prompts, how many are the person's own passages made plain; the rest are about anything."""
ALPHA_PER_RANK = 2


@dataclass(frozen=True)
class Voice:
    """A person as a training sees them."""

    modes: list[Mode]
    written: list[Written]
    plain: list[list[str]]
    """Plain versions of each written passage, the rules' first."""

    @property
    def has_tags(self) -> bool:
        return len(self.modes) > 1

    def tag_for(self, written: Written) -> str | None:
        if not self.has_tags:
            return None
        return next(mode.tag for mode in self.modes if written.text in mode.texts)

    def prompt(self, passage: str, tag: str | None) -> str:
        return prompt_for(passage, tag if self.has_tags else None)


def train(context: JobContext) -> TrainingOutcome:
    """Run the whole of a training. Raises TrainingFailure in the user's words, JobStopped as its context says."""
    settings = get_settings()
    torch.set_num_threads(settings.threads or torch.get_num_threads())
    context.stage("curate", 0.0)
    base = ensure_base(settings)
    card = read_card(base)
    recipe = resolve(context.job.recipe, context.job.config, card.parameters)
    with transaction(context.job.tenant_id, read_only=True) as session:
        material = gather(session, context.job.user_id, card.passage_words)
        incumbent = adapters.active(session, context.job.user_id)
    if len(material.train) < settings.min_training_samples:
        raise TrainingFailure(
            f"Only {len(material.train)} passages of your samples are long enough to learn from.",
            f"Add samples of a sentence or more until there are {settings.min_training_samples}.",
        )

    # Not packed: while it learns, that memory is the activations'.
    model, tokens = LlamaModel.load(base, device=settings.device, is_packed=False), Tokens.load(base)
    policy = _fresh(settings, model, tokens, _seed(recipe), context)
    judges = Judges(meaning_encoder(), entity_finder())
    voice = _listen(context, policy, material, recipe, judges)
    try:
        state = _resume(context, policy)
        for stage, steps in _stages(context, policy, voice, material, recipe, state):
            _follow(context, settings, stage, steps, state)
    except Diverged as error:
        raise TrainingFailure(
            f"The training became unstable and was stopped: {error}. The voice in use is unchanged.",
            "Train again with a smaller rl.learning_rate or sft.learning_rate.",
        ) from error

    context.stage("evaluate", 0.9)
    speaking = _incumbent_policy(context, settings, model, tokens, card, incumbent)
    plain_speaking = _fresh(settings, model, tokens, _seed(recipe), context)
    comparison = _compare(policy, voice, material, judges, speaking, plain_speaking, recipe)
    verdict = judge(comparison, is_first=incumbent is None)
    context.give_way()  # ends here if the lease was lost: two workers must not both publish
    context.stage("publish", 0.98)
    return _publish(context, settings, policy, card, voice, material, recipe, comparison, verdict, incumbent)


def _listen(context: JobContext, policy: LoraPolicy, material: Material, recipe: Recipe, judges: Judges) -> Voice:
    texts = [written.text for written in material.train]
    style = _reward_encoder(recipe)
    contexts = [written.context for written in material.train]
    modes = find_modes(texts, contexts, style, neutral_texts=neutral_prompts(), seed=_seed(recipe))
    plain = plain_versions(policy, texts, judges, max_tokens=_max_tokens(recipe), seed=_seed(recipe))
    context.note(
        f"{len(texts)} passages to learn from, {len(material.held_out)} kept for the test, {len(modes)} "
        f"{'voice' if len(modes) == 1 else 'voices'}, {len(material.liked)} approved rewrites",
        modes={mode.tag: round(mode.share, 3) for mode in modes},
    )
    return Voice(modes, material.train, plain)


def _stages(
    context: JobContext, policy: LoraPolicy, voice: Voice, material: Material, recipe: Recipe, state: LoopState
) -> Iterator[tuple[str, Iterator[Step]]]:
    if recipe.sft and state.stage != REINFORCE:
        pairs = _pairs(voice, material, recipe)
        yield WARM_START, sft.train(policy, pairs, recipe.sft, state=state, give_way=context.give_way)
        state.begin(REINFORCE)
    if recipe.rl:
        state.stage = REINFORCE
        reward = _reward(voice, recipe)
        passages = _passages(voice, material, recipe.rl)
        yield (
            REINFORCE,
            reinforce.train(
                policy, passages, reward, recipe.rl, prompt_for=voice.prompt, state=state, give_way=context.give_way
            ),
        )


def _follow(context: JobContext, settings: Settings, stage: str, steps: Iterator[Step], state: LoopState) -> None:
    first, last = _SPAN[stage]
    context.stage(stage, first)
    path = context.folder / "state.safetensors"
    for step in steps:
        context.metrics(stage, step.index, step.metrics, first + (last - first) * step.index / step.total)
        if step.texts:
            context.sample(step.texts)
        if step.index % settings.checkpoint_every_steps == 0 or step.index == step.total:
            state.save(path, stage=stage)


def _resume(context: JobContext, policy: LoraPolicy) -> LoopState:
    path = context.folder / "state.safetensors"
    try:
        state = LoopState.load(path, policy)
    except FileNotFoundError:
        return LoopState.new(policy)
    except UnusableCheckpoint as error:
        context.note(f"The checkpoint cannot be used, so the training starts over: {error}")
        return LoopState.new(policy)
    context.note(f"Resumed from its checkpoint at step {state.step} of {state.stage}.")
    return state


def _pairs(voice: Voice, material: Material, recipe: Recipe) -> list[Pair]:
    """(plain -> written) for every plain version that differs from what was written, imitations, approved rewrites."""
    random = generator(_seed(recipe), "pairs")
    pairs = []

    def add(plain: str, written: str, tag: str | None) -> None:
        told = None if random.random() < UNTAGGED_PAIRS else tag
        pairs.append(Pair(voice.prompt(plain, told), " ".join(written.split())))

    for written, versions in zip(voice.written, voice.plain, strict=True):
        for version in [version for version in versions if version != written.text] or versions[:1]:
            add(version, written.text, voice.tag_for(written))
    person = _references(voice, recipe)
    count = round(IMITATIONS_PER_PAIR * len(pairs))
    own = [written.text for written in voice.written]
    for plain, imitation, mode in imitations(person, neutral_prompts(), count, seed=_seed(recipe), written=own):
        add(plain, imitation, mode)
    for asked, chosen in material.liked:
        add(asked, chosen, None)
    return pairs


def _passages(voice: Voice, material: Material, config: RlConfig) -> list[str]:
    """Plain texts to practise on: the person's own, about anything, and those whose rewrite displeased (twice)."""
    own = [versions[-1] for versions in voice.plain] + material.disliked * 2
    others = list(neutral_prompts())
    generator(config.seed, "passages").shuffle(others)
    return own + others[: max(8, round(len(own) * (1 - PERSON_PROMPTS_SHARE) / PERSON_PROMPTS_SHARE))]


def _reward_encoder(recipe: Recipe) -> Encoder:
    return centred(style_encoder(), neutral_prompts()) if recipe.reward.calibrated else style_encoder()


def _references(voice: Voice, recipe: Recipe) -> References:
    return references(
        _reward_encoder(recipe),
        voice.modes,
        neutral_prompts(),
        kind=recipe.reward.references,
        is_calibrated=recipe.reward.calibrated,
    )


def _reward(voice: Voice, recipe: Recipe) -> Reward:
    return Reward(
        recipe.reward,
        _references(voice, recipe),
        meaning_encoder(),
        neutralise,
        entity_finder(),
        own_endings=habits([written.text for written in voice.written]),
    )


def _compare(
    policy: LoraPolicy,
    voice: Voice,
    material: Material,
    judges: Judges,
    incumbent: LoraPolicy,
    base: LoraPolicy,
    recipe: Recipe,
) -> Comparison:
    """Both sides rewrite the held-out samples, made plain by the bare base, each told the same voices."""
    held_out = [written.text for written in material.held_out] or list(neutral_prompts()[:4])
    encoder = centred(evaluation_encoder(), neutral_prompts())
    yardstick = Yardstick(
        references(encoder, voice.modes, neutral_prompts()),
        judges.encode_meaning,
        neutralise,
        judges.find_entities,
        base_likelihood(policy.model, policy.tokens),
        training_samples=[written.text for written in material.train],
        held_out_samples=held_out,
    )
    versions = plain_versions(base, held_out, judges, max_tokens=_max_tokens(recipe), seed=_seed(recipe))
    inputs = [plain[-1] for plain in versions]
    tags = tags_by_share(yardstick.references, len(inputs), seed=_seed(recipe))
    candidate, spoken = (_rewrite(side, inputs, tags, voice, recipe) for side in (policy, incumbent))
    return compare(inputs, candidate, spoken, tags, yardstick, seed=_seed(recipe))


def _rewrite(policy: LoraPolicy, inputs: Sequence[str], tags: Sequence[str], voice: Voice, recipe: Recipe) -> list[str]:
    rollouts = policy.sample(
        [voice.prompt(text, tag) for text, tag in zip(inputs, tags, strict=True)],
        1,
        max_tokens=max(96, _max_tokens(recipe)),
        temperature=DEFAULT_TEMPERATURE,
        seed=derive(_seed(recipe), "evaluate"),
    )
    return [stripped(text) for text in rollouts.texts]


def _fresh(settings: Settings, model: LlamaModel, tokens: Tokens, seed: int, context: JobContext) -> LoraPolicy:
    """An adapter that changes nothing yet: as a policy, the bare base."""
    rank = settings.adapter_rank
    return LoraPolicy(model, tokens, rank=rank, alpha=ALPHA_PER_RANK * rank, seed=seed, between=context.give_way)


def _incumbent_policy(
    context: JobContext,
    settings: Settings,
    model: LlamaModel,
    tokens: Tokens,
    card: BaseCard,
    incumbent: Adapter | None,
) -> LoraPolicy:
    if incumbent is None:
        return _fresh(settings, model, tokens, 0, context)
    try:
        content = LocalStorage(settings).path(incumbent.digest).read_bytes()
        adapter = adapter_file.unpack(content, model.architecture, base_digest=card.digest)
    except (InvalidAdapter, OSError) as error:
        raise TrainingFailure(
            f"The version in use ({incumbent.version}) cannot be read, so nothing can be compared with it: {error}",
            "Roll back to an earlier version, then train again.",
        ) from error
    return LoraPolicy.from_adapter(model, tokens, adapter, between=context.give_way)


def _publish(
    context: JobContext,
    settings: Settings,
    policy: LoraPolicy,
    card: BaseCard,
    voice: Voice,
    material: Material,
    recipe: Recipe,
    comparison: Comparison,
    verdict: Verdict,
    incumbent: Adapter | None,
) -> TrainingOutcome:
    content, _ = policy.adapter_bytes(card.digest)
    digest = LocalStorage(settings).put(content)
    report = comparison.report()
    texts = report.pop("texts")
    with transaction(context.job.tenant_id) as session:
        version = adapters.publish(
            session,
            user_id=context.job.user_id,
            digest=digest,
            base_digest=card.digest,
            size_bytes=len(content),
            parent_version=incumbent.version if incumbent else None,
            job_id=context.job.id,
            metrics=report,
            gate=verdict.report(),
            modes=[{"tag": mode.tag, "share": mode.share} for mode in voice.modes] if voice.has_tags else [],
            manifest={
                "recipe": as_dict(recipe),
                "samples": material.sample_ids,
                "feedback": material.feedback_ids,
                "origin": context.job.origin,
            },
        )
        number = version.version
    context.sample([text["candidate"] for text in texts[:3]])
    decision: str = verdict.decision
    if decision == "promoted":
        decision = _promote(context, number, incumbent)
    return TrainingOutcome(number, decision, {"gate": verdict.report(), "metrics": report})


def _promote(context: JobContext, version: int, incumbent: Adapter | None) -> str:
    """In a transaction of its own: a pointer that somebody else moved meanwhile must not cost the trained version."""
    try:
        with transaction(context.job.tenant_id) as session:
            adapters.promote(session, context.job.user_id, version, expected=incumbent.version if incumbent else None)
    except adapters.StalePointer:
        context.note("Another version was promoted during this training; this one waits as a candidate.")
        return "undecided"
    return "promoted"


def _seed(recipe: Recipe) -> int:
    config = recipe.rl or recipe.sft
    return config.seed if config else 0


def _max_tokens(recipe: Recipe) -> int:
    return recipe.rl.max_tokens if recipe.rl else 96
