"""One training, from a person's rows to a published version: curate, warm start, reinforce, evaluate, gate, publish.

Joins the database, the learning loops and the language model, so only workers import it. No transaction is open while
it computes. Everything it draws is a function of the recipe's seed, so a job that is killed goes on from its checkpoint
as if nothing had happened.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import torch

from app.adapters import service as adapters
from app.assets.neutral import neutral_prompts
from app.config import PACKAGED, Settings, get_settings
from app.db import transaction
from app.inference.base import BaseCard, ensure_base, read_card
from app.inference.encoders import entity_finder, meaning_encoder
from app.inference.language_model import load_model
from app.inference.likelihood import base_likelihood
from app.inference.memory import keep_large_blocks_apart
from app.inference.policy import LoraPolicy
from app.inference.sampling import NotFinite
from app.inference.tokens import Tokens
from app.jobs import curation, lessons
from app.jobs.context import JobContext, TrainingFailure, TrainingOutcome
from app.jobs.curation import Material
from app.jobs.lessons import Voice, max_tokens_of, seed_of
from app.jobs.policies import Policies, shaped
from app.jobs.prompting import Judges, plain_versions
from app.jobs.publishing import finished, publish
from app.jobs.reactions import satisfaction_for
from app.jobs.trial import Speaker, compared
from app.learning import dpo, reinforce, sft
from app.learning.checkpoint import UnusableCheckpoint
from app.learning.evaluate import Comparison
from app.learning.gate import Verdict, judge
from app.learning.loop import Diverged, LoopState
from app.learning.modes import find_modes
from app.learning.recipes import Recipe, as_dict, resolve
from app.learning.types import Step
from app.models import Adapter

WARM_START, PREFER, REINFORCE = "warm-start", "prefer", "reinforce"
_SPAN = {WARM_START: (0.08, 0.25), PREFER: (0.25, 0.9), REINFORCE: (0.25, 0.9)}
"""The part of the job's progress that each loop covers."""


def train(context: JobContext) -> TrainingOutcome:
    """Run the whole of a training. Raises TrainingFailure in the user's words, JobStopped as its context says."""
    if outcome := finished(context):
        return outcome
    settings = get_settings()
    keep_large_blocks_apart()
    torch.set_num_threads(settings.threads or torch.get_num_threads())
    context.stage("curate", 0.0)
    base = ensure_base(settings)
    card = read_card(base)
    recipe = resolve(context.job.recipe, context.job.config, card.parameters)
    lessons.check_detector(recipe, settings)
    with transaction(context.job.tenant_id, read_only=True) as session:
        told = curation.read(session, context.job.user_id)
        incumbent = adapters.active(session, context.job.user_id)
    material = curation.gather(told, card.passage_words, fewest=settings.min_training_samples, seed=seed_of(recipe))
    if recipe.dpo and not material.corrected:
        raise TrainingFailure(
            "None of the texts that you corrected can be learned from: they are longer than the "
            f"{card.passage_words} words that are learned at a time, no English, or kept for the test.",
            "Correct rewrites of other, shorter texts, or choose another recipe.",
        )
    with transaction(context.job.tenant_id) as session:
        curation.keep_dealt(session, told)
        context.fence(session)  # whoever took the job over has dealt by itself
    recipe, pleased = satisfaction_for(context, recipe)
    recipe, shape = shaped(context, recipe, settings, card.parameters)
    if recipe.sft is None and card.warmup is None and settings.base_model != PACKAGED:
        context.note(
            f"The recipe {recipe.name} does not imitate first, and {card.name} was never taught to rewrite without an "
            "instruction, so little may be there to reward. Whoever runs the server can teach it, once, with "
            "`idiolect models warm-up`."
        )

    # Not packed: while it learns, that memory is the activations'.
    model, tokens = load_model(base, device=settings.device, is_packed=False), Tokens.load(base)
    policies = Policies(settings, context, card, model, tokens, shape)
    bare = policies.fresh(seed_of(recipe))
    judges = Judges(meaning_encoder(), entity_finder())
    voice = replace(_listen(context, bare, material, recipe, judges), pleased=pleased)
    policy = policies.fresh(seed_of(recipe), voice.tags if recipe.lora.branches else ())
    try:
        state = _resume(context, policy, _task(card, voice, material, recipe))
        for stage, steps in _stages(context, policy, voice, material, recipe, state):
            _follow(context, settings, stage, steps, state)
        context.stage("evaluate", 0.9)
        candidate, speaking = Speaker(policy, voice.shares), _speaking(policies, incumbent, bare)
        comparison = compared(candidate, speaking, bare, voice, material, judges, recipe)
    except (Diverged, NotFinite) as error:
        raise TrainingFailure(
            f"The training became unstable and was stopped: {error}. The voice in use is unchanged.",
            "Train again with a smaller learning_rate of its sections sft, dpo and rl.",
        ) from error
    verdict = judge(comparison, is_first=incumbent is None)
    context.stage("publish", 0.98)
    return _publish(context, policy, card, voice, material, recipe, comparison, verdict, incumbent)


def _listen(context: JobContext, policy: LoraPolicy, material: Material, recipe: Recipe, judges: Judges) -> Voice:
    texts = [written.text for written in material.train]
    style = lessons.mode_encoder(recipe)
    contexts = [written.context for written in material.train]
    modes = find_modes(texts, contexts, style, neutral_texts=neutral_prompts(), seed=seed_of(recipe))
    plain = plain_versions(policy, texts, judges, max_tokens=max_tokens_of(recipe), seed=seed_of(recipe))
    voice = Voice(modes, material.train, plain)
    found = (
        f"{len(texts)} passages to learn from, {len(material.held_out)} kept for the test, {len(modes)} "
        f"{'voice' if len(modes) == 1 else 'voices'}, {len(material.liked)} approved rewrites."
    )
    context.note(
        " ".join(filter(None, [found, *material.remarks, lessons.dropout_of(voice, recipe)])),
        modes={mode.tag: round(mode.share, 3) for mode in modes},
    )
    return voice


def _stages(
    context: JobContext, policy: LoraPolicy, voice: Voice, material: Material, recipe: Recipe, state: LoopState
) -> Iterator[tuple[str, Iterator[Step]]]:
    if recipe.sft and state.stage not in (PREFER, REINFORCE):
        examples = lessons.examples(voice, material, recipe)
        yield WARM_START, sft.train(policy, examples, recipe.sft, state=state, give_way=context.give_way)
        state.begin(PREFER if recipe.dpo else REINFORCE)
    if recipe.dpo:
        state.stage = PREFER
        preferences = lessons.preferences(voice, material)
        yield PREFER, dpo.train(policy, preferences, recipe.dpo, state=state, give_way=context.give_way)
    if recipe.rl:
        state.stage = REINFORCE
        reward = lessons.reward_of(voice, recipe, base_likelihood(policy.model, policy.tokens))
        passages = lessons.passages(voice, material, recipe.rl)
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


def _task(card: BaseCard, voice: Voice, material: Material, recipe: Recipe) -> str:
    """What a checkpoint belongs to: of other samples, or voices in another order, it would be another training's."""
    parts = (card.digest, material.digest, as_dict(recipe), voice.tags)
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _resume(context: JobContext, policy: LoraPolicy, task: str) -> LoopState:
    path = context.folder / "state.safetensors"
    try:
        state = LoopState.load(path, policy, task)
    except FileNotFoundError:
        return LoopState.new(policy, task)
    except UnusableCheckpoint as error:
        context.note(f"The checkpoint cannot be used, so the training starts over: {error}")
        return LoopState.new(policy, task)
    context.note(f"Resumed from its checkpoint at step {state.step} of {state.stage}.")
    return state


def _speaking(policies: Policies, incumbent: Adapter | None, bare: LoraPolicy) -> Speaker:
    if incumbent is None:
        return Speaker(bare)
    return Speaker(policies.of(incumbent), {str(mode["tag"]): float(mode["share"]) for mode in incumbent.modes})


def _publish(
    context: JobContext,
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
    report = comparison.report()
    texts = report.pop("texts")
    context.sample([text["candidate"] for text in texts[:3]])
    return publish(
        context,
        content,
        base_digest=card.digest,
        parent_version=incumbent.version if incumbent else None,
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
