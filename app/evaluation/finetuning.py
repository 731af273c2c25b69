"""Fine-tune the base to please one simulated person, by what a scorer has learned from that person's replies.

The protocol is the same for every algorithm: the person's scorer hears some replies, then the policy practises on plain
prompts with as many samples a step, as many steps and as many passes over all that a step sampled, paid by the learned
score. What counts in the end is the person's hidden utility of rewrites of prompts that were not practised on.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from app.assets.neutral import neutral_prompts
from app.evaluation.files import write_text
from app.evaluation.pleasing import Score
from app.evaluation.runner import Bench, Found
from app.evaluation.variety import vary
from app.evaluation.workshop import Workshop
from app.evaluation.writing import rewrite
from app.inference.encoders import meaning_encoder, mood_reader
from app.inference.faithful import loops
from app.inference.policy import LoraPolicy
from app.inference.types import prompt_for
from app.learning import dpo, reinforce
from app.learning.checkpoint import UnusableCheckpoint
from app.learning.configs import (
    DpoConfig,
    DrGrpoConfig,
    IterativeDpoConfig,
    PpoConfig,
    RlConfig,
    RlooConfig,
    TraceBiasConfig,
)
from app.learning.experience import experience
from app.learning.iterative_dpo import best_to_worst
from app.learning.loop import LoopState
from app.learning.neutralise import neutralise
from app.learning.rewards import meaning
from app.learning.rewards.format import stripped
from app.learning.satisfaction.arf import ArfConfig, ArfScorer, hear
from app.learning.satisfaction.features import PairFeatures
from app.learning.satisfaction.reading import read
from app.learning.satisfaction.replay import Replay
from app.learning.satisfaction.simulated import SimulatedPerson, variants
from app.learning.satisfaction.traces import REPLY, Trace
from app.learning.seeding import derive, generator
from app.learning.types import Preference, Step

BARE = "nothing (the base)"
CHECKPOINT, CURVE, PAIRS = "checkpoint.safetensors", "curve.json", "pairs.json"
OTHERS = 4
"""People whom the RLAIF-style scorer heard instead of the person."""


@dataclass(frozen=True)
class Task:
    """One person's fine-tuning, of a size that all algorithms share."""

    seed: int
    replies: int = 96
    held_out: int = 48
    config: RlConfig = RlConfig(  # noqa: RUF009 (frozen)
        steps=24, learning_rate=3e-4, temperature=1.0, max_tokens=64, epochs=2
    )
    varied_steps: int = 0
    """Of imitating many styles before; 0: the bare base begins."""

    @classmethod
    def quick(cls, seed: int) -> "Task":
        return cls(
            seed, replies=16, held_out=4, config=RlConfig(steps=2, prompts_per_step=2, group_size=2, max_tokens=32)
        )

    def by(self, name: str) -> RlConfig:
        """This algorithm, with as many samples, steps and passes over them as all others, or a trial of it."""
        config, changes = ALGORITHMS.get(name, ALGORITHMS[TRACE_BIAS]), TRIALS.get(name, {})
        shared = (
            "steps",
            "prompts_per_step",
            "group_size",
            "learning_rate",
            "temperature",
            "max_tokens",
            "epochs",
            "minibatches",
        )
        return replace(config, **{key: getattr(self.config, key) for key in shared} | changes, seed=self.seed)

    def recipe(self, name: str) -> dict[str, Any]:
        """All that the training by this algorithm is told."""
        own = {} if name == BARE else asdict(self.by(name))
        return {key: value for key, value in asdict(self).items() if key != "varied_steps" or value} | {"config": own}

    @property
    def prompts(self) -> tuple[list[str], list[str]]:
        """Those to practise on and the held-out ones."""
        everything = list(neutral_prompts())
        return everything[self.held_out :], everything[: self.held_out]

    @property
    def samples(self) -> int:
        return self.config.steps * self.config.prompts_per_step * self.config.group_size

    @property
    def updates(self) -> int:
        """Optimizer steps."""
        return self.config.steps * self.config.epochs


RLAIF, DPO = "Dr.GRPO, RLAIF-style", "DPO, on samples of the base"
TRACE_BIAS = "TraceBias"
ALGORITHMS: dict[str, RlConfig] = {
    "Dr.GRPO": DrGrpoConfig(),
    RLAIF: DrGrpoConfig(),
    "RLOO": RlooConfig(),
    TRACE_BIAS: TraceBiasConfig(),
    "PPO": PpoConfig(),
    "iterative DPO": IterativeDpoConfig(imitation=0.1),
    DPO: IterativeDpoConfig(imitation=0.1),
}
"""What is each one's own; all practise with the same prompts, samples, steps and passes."""

TRIALS: dict[str, dict[str, Any]] = {
    "TraceBias, three times the rate": {"learning_rate": 9e-4},
    "TraceBias, traces not cut": {"shortest": 1.0},
    "TraceBias, gains of prefixes": {"reading": "gains"},
    "TraceBias, running means": {"reading": "running"},
    "TraceBias, geometric ratios": {"ratio": "geometric"},
}
"""Whether another reading of TraceBias, or another size of its steps, does better: one thing changed in each. Where
many styles begin, as on the bare base every reading finds the same: nothing to choose from."""
VARIED_STEPS: Final = 36
"""As the warm start of a person has."""


def practise(
    policy: LoraPolicy, passages: Sequence[str], score: Score, task: Task, name: str, bench: Bench
) -> list[dict[str, Any]]:
    """The curve of the training, which goes on from its checkpoint in the bench's folder if it has one."""
    told = sha256(json.dumps(task.recipe(name) | {"name": name}).encode()).hexdigest()
    saved, path = bench.folder / CHECKPOINT, bench.folder / CURVE
    try:
        state = LoopState.load(saved, policy, told)
    except (FileNotFoundError, UnusableCheckpoint):
        state = LoopState.new(policy, told)
    # What was learned after the last checkpoint is learned again.
    curve = json.loads(path.read_text(encoding="utf-8"))[: state.step] if state.step else []
    for step in _steps(policy, passages, score, task.by(name), name, state, bench.folder):
        curve.append({"step": step.index, "reward": step.metrics.get("reward")})
        write_text(path, json.dumps(curve))
        state.save(saved, stage=name)
        bench.watch(f"step {step.index}", 0.05 + 0.85 * step.index / step.total)
    return curve


def _steps(
    policy: LoraPolicy,
    passages: Sequence[str],
    score: Score,
    config: RlConfig,
    name: str,
    state: LoopState,
    folder: Path,
) -> Iterator[Step]:
    if name != DPO or not isinstance(config, IterativeDpoConfig):
        return reinforce.train(policy, passages, score, config, prompt_for=prompt_for, state=state)
    path = folder / PAIRS
    if not state.step:
        write_text(path, json.dumps([asdict(pair) for pair in _collected(policy, passages, score, config)]))
    collected = [Preference(**pair) for pair in json.loads(path.read_text(encoding="utf-8"))]
    # A base whose samples are all alike, as one that never meets the format, teaches nothing.
    return dpo.train(policy, collected, offline(config), state=state) if collected else iter(())


def offline(config: IterativeDpoConfig) -> DpoConfig:
    """As many optimizer steps over as many pairs, but all pairs are there before the first one."""
    return DpoConfig(
        steps=config.steps * config.epochs,
        batch_size=config.prompts_per_step,
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup_steps,
        beta=config.beta,
        imitation=config.imitation,
        seed=config.seed,
    )


def _collected(
    policy: LoraPolicy, passages: Sequence[str], score: Score, config: IterativeDpoConfig
) -> list[Preference]:
    """The best and the worst of every group that the untrained policy writes."""
    found = []
    for step in range(config.steps):
        seen = experience(policy, passages, score, config, step=step, prompt_for=prompt_for, give_way=lambda: None)
        for better, worse in best_to_worst(seen).items():
            chosen, rejected = (stripped(seen.rollouts.texts[row]) for row in (better, worse))
            found.append(Preference(seen.rollouts.prompts[better], chosen, rejected))
    return found


def finetune(shop: Workshop, name: str, task: Task, features: PairFeatures, bench: Bench) -> Found:
    """What the person thinks of what the policy writes, after training by `name` (or not at all)."""
    person = SimulatedPerson.drawn(task.seed)
    practised, held_out = task.prompts
    bench.watch("listen", 0.02)
    own = Score(_heard([task.seed], task, features), features)
    score = Score(_heard([derive(task.seed, "other", i) for i in range(OTHERS)], task, features), features)
    score = score if name == RLAIF else own
    policy = shop.policy()
    if task.varied_steps:
        bench.watch("many styles", 0.03)
        vary(policy, practised, task.varied_steps, seed=task.seed, folder=bench.folder)
    curve = practise(policy, practised, score, task, name, bench) if name != BARE else []
    written = rewrite(
        policy,
        held_out,
        [None] * len(held_out),
        passage_words=shop.card.passage_words,
        seed=derive(task.seed, "held out"),
        temperature=0.7,
    )
    texts = [text or "." for text in written.texts]
    return {
        "likes": ", ".join(f"{'more' if like > 0 else 'less'} {habit}" for habit, like in person.likes.items()),
        "utility": _average([worth(person, a, b) for a, b in zip(held_out, texts, strict=True)]),
        "score": own.pleased(held_out, texts).mean().item(),
        "meaning": meaning.similarity(meaning_encoder(), neutralise, held_out, texts).mean().item(),
        "format": _average(written.well_formed),
        "samples": float(task.samples if name != BARE else 0),
        "updates": float(task.updates if name != BARE else 0),
        "curve": curve,
        "sources": held_out,
        "outputs": texts,
    }


def worth(person: SimulatedPerson, prompt: str, output: str) -> float:
    """Their hidden utility of a text [0, 1]; none of one that loops, whatever habits it has."""
    return 0.0 if loops(prompt, output) else person.utility(prompt, output)


def _heard(people: Sequence[int], task: Task, features: PairFeatures) -> ArfScorer:
    """A scorer that has heard the replies of these people, taking turns, as many in all as of one."""
    config = ArfConfig()
    practised, _ = task.prompts
    listeners = [(seed, SimulatedPerson.drawn(seed), generator(seed, "fine-tuning")) for seed in people]
    scorer = ArfScorer(features(practised[:1], practised[:1]).shape[1])
    replay, fresh, updates = Replay(), list[Trace](), 0
    for number, (prompt, output) in enumerate(variants(practised, task.replies, task.seed), start=1):
        seed, person, random = listeners[number % len(listeners)]
        reading = read(person.reply(prompt, output, random), mood_reader())
        if reading.confidence:
            fresh.append(
                Trace(
                    f"{seed}-{number}", prompt, output, reading.value, reading.doubt, reading.confidence, REPLY, number,
                    reading.value,
                )
            )  # fmt: skip
        if len(fresh) >= config.every:
            updates += 1
            hear(scorer, replay, fresh, features, config, update=updates, seed=task.seed)
            fresh = []
    return scorer


def _average(values: Sequence[float]) -> float:
    return sum(values) / len(values)
