"""The arms that write in somebody's voice: not at all, by prompting, by training, and as the server would answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.assets.neutral import neutral_prompts
from app.evaluation.arms import Training
from app.evaluation.files import SCRATCH
from app.evaluation.measuring import measured, modes_of, voices_of
from app.evaluation.runner import Arm, ArmFailed, Bench, Found
from app.evaluation.subjects import Subject
from app.evaluation.training import train
from app.evaluation.workshop import Workshop
from app.evaluation.writing import Choose, Written, as_answered, joined, rewrite
from app.inference.candidates import Candidate, best
from app.inference.encoders import centred, voice_encoder
from app.inference.passages import split
from app.inference.types import DEFAULT_TEMPERATURE
from app.learning.evaluate import tags_by_share
from app.learning.neutralise import neutralise
from app.learning.prompting import Prompting, contrastive, few_shot, role_play
from app.learning.recipes import as_dict, resolve
from app.learning.rewards.format import PREFIX
from app.learning.rewards.style import references
from app.learning.seeding import derive

INPUT, REAL, FEW_SHOT, LARGER_MODEL = "input", "real text", "few-shot prompt", "far larger model"
PROMPTED: dict[str, Prompting] = {
    FEW_SHOT: few_shot,
    "role-play prompt": role_play,
    "contrastive in-context": contrastive(neutralise),
}
AT_ONCE = 8
ROOM_TOKENS = 140
SERVED = ", as served"
BEST_OF = 8
BEST_PAID = ", best paid of eight"
TOLD_SEED = 7
"""Which voices are told for which inputs: the same for all arms and seeds."""

Also = Callable[[Sequence[str]], dict[str, Any]]
"""Outputs to more findings about them."""


@dataclass(frozen=True)
class Scribe:
    """Makes the arms of one person."""

    shop: Workshop
    subject: Subject
    adapters: Path
    """Where trained adapters are kept for arms that only write differently with them."""
    is_quick: bool = False
    is_judged: bool = True
    """Whether every arm is judged against the few-shot prompt, which must then have run before it."""
    also: Also = lambda outputs: {}
    kept_from: int = 0
    """The first input that is nobody's own: of those before it figures are kept and no texts."""

    def given(self, name: str, texts: Sequence[str]) -> Arm:
        """Texts that nobody had to write: the inputs themselves, or real ones."""
        return self._arm(name, lambda bench: (Written(list(texts), [1.0] * len(texts)), self._untold(), {}))

    def input(self) -> Arm:
        """Nothing was done: the zero of every column."""
        return self.given(INPUT, self.subject.inputs)

    def larger_model(self) -> Arm:
        """What a far larger model wrote, told the same voices as whoever is told any."""
        texts = list(self.subject.larger_model)
        return self._arm(
            LARGER_MODEL, lambda bench: (Written(texts, [1.0] * len(texts)), told_by_share(self.subject), {})
        )

    def prompted(self, name: str) -> Arm:
        arm = self._arm(name, lambda bench: (self._prompt(PROMPTED[name], bench), self._untold(), {}))
        return replace(arm, is_rival=name == FEW_SHOT)

    def trained(self, training: Training, seed: int) -> Arm:
        def write(bench: Bench) -> "_Draft":
            config = training.config(seed, self.shop.card.parameters, is_quick=self.is_quick)
            result = train(self.subject, training.recipe, config, bench)
            adapter = self._adapter(training, seed)
            adapter.parent.mkdir(parents=True, exist_ok=True)
            result.adapter.replace(adapter)
            told = self._told(result.modes) if learns_tags(training, self.shop.card.parameters) else self._untold()
            more = {
                "curves": result.curves,
                "decision": result.decision,
                "failed_checks": result.failed_checks,
                "train_seconds": result.seconds,
                "recipe": training.recipe,
                "config": config,
            }
            return self._rewrite(adapter, told, seed, bench), told, more

        return self._arm(training.name, write, seed, self._recipe(training, seed))

    def served(self, training: Training, seed: int) -> Arm:
        """The adapter of a trained arm, with the candidates that the engine writes to answer with a faithful one."""

        def write(bench: Bench) -> "_Draft":
            told = self._told_before(training, seed, bench)
            candidates = self.shop.settings.rewrite_candidates
            return self._rewrite(self._adapter(training, seed), told, seed, bench, candidates), told, {}

        return self._arm(training.name + SERVED, write, seed, self._recipe(training, seed))

    def best_paid(self, training: Training, seed: int) -> Arm:
        """What practice for reward has to choose from: a trained arm's best of eight candidates."""

        def write(bench: Bench) -> "_Draft":
            told, adapter = self._told_before(training, seed, bench), self._adapter(training, seed)
            return self._rewrite(adapter, told, seed, bench, BEST_OF, most_like(self.subject)), told, {}

        return self._arm(training.name + BEST_PAID, write, seed, self._recipe(training, seed))

    def _told_before(self, training: Training, seed: int, bench: Bench) -> list[str | None]:
        trained = [r for r in bench.earlier.of(training.name, self.subject.name) if r.arm.seed == seed]
        if not trained:
            raise ArmFailed("the training whose adapter it writes with was not run, or failed")
        if not self._adapter(training, seed).exists():
            raise ArmFailed(
                f"the adapter that it writes with, {self._adapter(training, seed).name}, is not in the folder's "
                f"{SCRATCH} any more: take {trained[0].arm.key}.json out of arms to train it again"
            )
        return list(trained[0].found["told"])

    def _recipe(self, training: Training, seed: int) -> dict[str, Any]:
        parameters = self.shop.card.parameters
        return as_dict(resolve(training.recipe, training.config(seed, parameters, is_quick=self.is_quick), parameters))

    def _arm(
        self, name: str, write: "Callable[[Bench], _Draft]", seed: int = 0, recipe: Mapping[str, Any] | None = None
    ) -> Arm:
        def work(bench: Bench) -> Found:
            written, told, more = write(bench)
            bench.watch("measure", 0.9)
            found = measured(self.shop, self.subject, self.subject.inputs, written, told)
            if self.is_judged and (rivals := bench.earlier.of(FEW_SHOT, self.subject.name)):
                bench.watch("judge", 0.95)
                theirs = rivals[0].found["outputs"]
                modes = modes_of(self.subject)
                found["values"]["wins"] = self.shop.judge.wins(modes, self.subject.inputs, written.texts, theirs)
            texts = {name: found[name][self.kept_from :] for name in ("sources", "outputs")}
            return found | texts | more | self.also(written.texts)

        return Arm(name, work, self.subject.name, seed, recipe or {})

    def _rewrite(
        self,
        adapter: Path,
        told: Sequence[str | None],
        seed: int,
        bench: Bench,
        candidates: int = 1,
        choose: Choose = as_answered,
    ) -> Written:
        return rewrite(
            self.shop.policy(adapter),
            self.subject.inputs,
            told,
            passage_words=self.shop.card.passage_words,
            seed=derive(seed, "inputs"),
            candidates=candidates,
            choose=choose,
            each=lambda share: bench.watch("rewrite", share),
        )

    def _prompt(self, prompting: Prompting, bench: Bench) -> Written:
        modes, words = modes_of(self.subject), self.shop.card.passage_words
        passages = [passage for text in self.subject.inputs for passage in split(text, words).passages]
        texts: list[str] = []
        formed: list[float] = []
        for start in range(0, len(passages), AT_ONCE):
            batch = passages[start : start + AT_ONCE]
            try:
                answers, is_finished = self.shop.chat.answer(
                    [prompting(modes, passage) for passage in batch],
                    max_tokens=ROOM_TOKENS,
                    temperature=DEFAULT_TEMPERATURE,
                    seed=derive(0, "prompted", start),
                )
            except ValueError as error:
                raise ArmFailed(f"this base cannot be asked so: {error}") from error
            for passage, answer, finished in zip(batch, answers, is_finished, strict=True):
                texts.append(answered(answer) or passage)
                formed.append(float(finished and answer.startswith(PREFIX.strip())))
            bench.watch("write", min(1.0, (start + len(batch)) / len(passages)))
        return joined(self.subject.inputs, words, texts, formed)

    def _adapter(self, training: Training, seed: int) -> Path:
        name = Arm(training.name, lambda bench: {}, self.subject.name, seed).key
        return self.adapters / f"{name}.safetensors"

    def _told(self, taught: dict[str, float]) -> list[str | None]:
        """A voice for every input, each as often as the person uses it; none for a person of one."""
        if not taught or set(taught) != set(voices_of(self.subject).shares):
            return self._untold()
        return told_by_share(self.subject)

    def _untold(self) -> list[str | None]:
        return [None] * len(self.subject.inputs)


_Draft = tuple[Written, list[str | None], dict[str, Any]]
"""What was written, which voice was told for each text, and what else there is to say."""


def told_by_share(subject: Subject) -> list[str | None]:
    """A voice for every input, each as often as the person uses it."""
    return list(tags_by_share(voices_of(subject).shares, len(subject.inputs), seed=TOLD_SEED))


def most_like(subject: Subject) -> Choose:
    """The candidate that the reward's encoder finds most like the voice that was told, of those that say everything."""
    plain = neutral_prompts()
    paid = references(centred(voice_encoder(), plain), modes_of(subject), plain)
    tags = list(paid.shares)

    def choose(tried: Sequence[Candidate], tag: str | None) -> Candidate:
        whole = [each for each in tried if each.is_welcome] or [best(tried)]
        style_N_M = paid.by_mode(paid.scaled(paid.cosine([each.text for each in whole])))
        style_N = style_N_M.amax(-1) if tag is None else style_N_M[:, tags.index(tag)]
        return whole[int(style_N.argmax())]

    return choose


def answered(said: str) -> str:
    """The rewrite in what an instructed model said, on one line.

    It may put words in front of the agreed one, and some repeat it endlessly: the first rewrite counts.
    """
    word = PREFIX.strip()
    rest = said.partition(word)[2] or said
    return " ".join(rest.partition(word)[0].split())


def learns_tags(training: Training, base_parameters: int) -> bool:
    """Whether any stage of it tells the policy a voice; else telling one at the end would only confuse it."""
    recipe = resolve(training.recipe, {name: dict(part) for name, part in training.changes.items()}, base_parameters)
    return recipe.sft is not None or recipe.reward.untagged_share < 1
