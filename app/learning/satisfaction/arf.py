"""The ARF scorer: how satisfied would this person be with this output? (ARF-RLHF, arXiv 2507.03069; formulas ours.)

S_arf(prompt, output) in [0, 1] sees no reply, so it can reward what nobody has reacted to yet. A small head of one
person's own on frozen shared features, trained online: whenever a few new replies have come, some steps of

    BCE(S_arf, score)  on soft labels, half of each batch from the recent and half from the long memory
    -log sigmoid(z_edited - z_output)  on what the person corrected, the strongest signal there is

Every update starts a fresh optimiser and draws by its number, so the state is the weights alone. The last layer starts
at zero: of a person nobody has heard, every score is .5.

Differences to the paper: a head instead of a whole encoder (minutes of CPU and megabytes per person would not do),
therefore larger learning rates and updates after 4 replies instead of 16 to 32.

_N trace, _F feature.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.learning.satisfaction import traces as augmentation
from app.learning.satisfaction.features import PairFeatures
from app.learning.satisfaction.replay import Replay
from app.learning.satisfaction.traces import FADES_AFTER, MOST_BIAS, SAID, Trace, bias
from app.learning.seeding import derive, generator
from app.learning.types import Metrics

HIDDEN: Final = 16


@dataclass(frozen=True)
class ArfConfig:
    """The defaults were chosen on simulated people of other seeds than those of any report."""

    every: int = 4
    """New replies that make an update worth while."""
    steps: int = 40
    batch_size: int = 32
    learning_rate: float = 5e-3
    weight_decay: float = 2.0
    pair_weight: float = 1.0
    most_bias: float = MOST_BIAS
    fades_after: float = FADES_AFTER
    rescore_every: int = 2
    """Updates from one rescoring to the next."""
    has_replay: bool = True
    """Off: only what is new is learned from."""
    has_rescoring: bool = True
    has_augmentation: bool = True


class ArfScorer(nn.Module):
    """Features [N, F] to log-odds of satisfaction [N]."""

    def __init__(self, feature_count: int, state: Mapping[str, Tensor] | None = None) -> None:
        super().__init__()
        self.hidden = nn.Linear(feature_count, HIDDEN)
        self.out = nn.Linear(HIDDEN, 1)
        if state is not None:
            self.load_state_dict(dict(state))
        else:
            random = torch.Generator().manual_seed(derive(feature_count, "arf"))
            with torch.no_grad():
                self.hidden.weight.copy_(torch.randn(HIDDEN, feature_count, generator=random) / feature_count**0.5)
                for zero in (self.hidden.bias, self.out.weight, self.out.bias):
                    zero.zero_()

    def forward(self, features_N_F: Tensor) -> Tensor:
        logits: Tensor = self.out(torch.tanh(self.hidden(features_N_F))).squeeze(-1)
        return logits

    @torch.no_grad()
    def satisfaction(self, features_N_F: Tensor) -> Tensor:
        return torch.sigmoid(self(features_N_F))


@dataclass(frozen=True)
class Heard:
    """What an update did."""

    added: list[Trace]
    """The new traces, and the copies made of them."""
    relabelled: list[Trace]
    """Older traces whose score was worked out anew."""
    metrics: Metrics
    """`loss` after the update; before it, on the new replies, `error` = mean |S_arf - s0| and `guess` = the same of
    always saying the mean of the replies heard before: how well it foretold what it had not heard."""


def hear(
    scorer: ArfScorer,
    replay: Replay,
    fresh: Sequence[Trace],
    features: PairFeatures,
    config: ArfConfig,
    *,
    update: int,
    seed: int = 0,
) -> Heard:
    """Learn from `fresh` (said, not yet in `replay`), which is `update`, counted from 1; `scorer` and `replay` change.

    Raises ValueError without fresh traces.
    """
    if not fresh:
        raise ValueError("there is nothing new to learn from: pass at least one trace")
    now = max(trace.reply for trace in fresh)
    share = bias(now, config.most_bias)
    metrics = _foretold(scorer, replay, fresh, features)
    copies = [copy for trace in fresh for copy in augmentation.augmented(trace)] if config.has_augmentation else []
    if copies:
        copies = augmentation.with_prefixes_scored(copies, believed(scorer, copies, features), share)
    added = [*fresh, *copies]
    if not config.has_replay:
        replay = Replay()
    replay.add(added)
    metrics["loss"] = _train(scorer, replay, features, config, now, derive(seed, "update", update))
    relabelled: list[Trace] = []
    if config.has_rescoring and update % config.rescore_every == 0:
        everything = replay.all()
        rescored = augmentation.rescored(everything, believed(scorer, everything, features), share)
        replay.replace(rescored)
        new = {trace.id: trace for trace in rescored}
        ids = {trace.id for trace in added}
        added = [new.get(trace.id, trace) for trace in added]
        relabelled = [trace for trace in rescored if trace.id not in ids]
    return Heard(added, relabelled, metrics)


def believed(scorer: ArfScorer, traces: Sequence[Trace], features: PairFeatures) -> list[float]:
    values: list[float] = scorer.satisfaction(
        features([trace.prompt for trace in traces], [trace.output for trace in traces])
    ).tolist()
    return values


def _foretold(scorer: ArfScorer, replay: Replay, fresh: Sequence[Trace], features: PairFeatures) -> Metrics:
    said = torch.tensor([trace.static for trace in fresh])
    earlier = [trace.static for trace in replay.all() if trace.origin in SAID] or [0.5]
    guess = sum(earlier) / len(earlier)
    return {
        "error": (torch.tensor(believed(scorer, fresh, features)) - said).abs().mean().item(),
        "guess": (guess - said).abs().mean().item(),
    }


def _train(scorer: ArfScorer, replay: Replay, features: PairFeatures, config: ArfConfig, now: int, seed: int) -> float:
    optimizer = torch.optim.AdamW(
        scorer.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, foreach=False
    )
    random = generator(seed, "batches")
    batches = [replay.batch(config.batch_size, now, random, config.fades_after) for _ in range(config.steps)]
    rows = _Rows([trace for batch in batches for trace in batch], features)
    loss = torch.zeros(())
    for batch in batches:
        loss = _loss(scorer, batch, rows, config)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return loss.item()


def _loss(scorer: ArfScorer, batch: Sequence[Trace], rows: "_Rows", config: ArfConfig) -> Tensor:
    targets_N = torch.tensor([trace.score for trace in batch])
    logits_N = scorer(rows.of([(trace.prompt, trace.output) for trace in batch]))
    loss = F.binary_cross_entropy_with_logits(logits_N, targets_N)
    pairs = [(place, trace) for place, trace in enumerate(batch) if trace.rejected is not None]
    if pairs:
        worse_N = scorer(rows.of([(trace.prompt, trace.rejected or "") for _, trace in pairs]))
        better_N = logits_N[[place for place, _ in pairs]]
        loss = loss + config.pair_weight * -F.logsigmoid(better_N - worse_N).sum() / len(batch)
    return loss


class _Rows:
    """The features of all texts of an update, computed at once."""

    def __init__(self, traces: Sequence[Trace], features: PairFeatures) -> None:
        pairs = [(trace.prompt, trace.output) for trace in traces]
        pairs += [(trace.prompt, trace.rejected) for trace in traces if trace.rejected is not None]
        pairs = list(dict.fromkeys(pairs))
        self._places = {pair: place for place, pair in enumerate(pairs)}
        self._rows_N_F = features([prompt for prompt, _ in pairs], [output for _, output in pairs])

    def of(self, pairs: Sequence[tuple[str, str]]) -> Tensor:
        return self._rows_N_F[[self._places[pair] for pair in pairs]]
