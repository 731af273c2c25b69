"""Recipe of the static satisfaction scorer: two opinions on an encoder whose last layers learn to hear moods.

GoEmotions' labels train the first opinion (its 28 labels and its four groups at once) and a little of the second, rated
snippets and remarks about rewrites the second. The three lower layers never change, so every text goes through them
once; then the heads learn for two rounds on the encoder as it is, and adapters of rank 16 with them for one more. Both
temperatures are fitted on one half of the development texts, and the figures told are those of the other half.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from app.assets.build.reactions import MOODS, Example, comments, examples, messages, ratings
from app.inference.minilm import LAYERS, LINEARS, WIDTH, MiniLm
from app.inference.moods import FIRST_ADAPTED, FIRST_POOLED, HEAD, pooled
from app.inference.places import MEANING, verified_folder
from app.learning.satisfaction.static import (
    EMOTIONS,
    GROUPS,
    LABELS,
    SatisfactionHead,
    group_probabilities,
    satisfaction,
    words,
)

RANK, LONGEST = 16, 64
HEAD_ROUNDS, BATCH = 2, 64
ADAPTER_RATE, HEAD_RATE, LEXICON_RATE, WARM_STEPS = 1e-3, 1e-3, 2e-3, 60
WORDS_DROPPED = 0.3
"""Share of a text's words hidden from the lexicon, so that it does not learn texts by heart."""


@dataclass(frozen=True)
class Reading:
    """Texts as the frozen lower layers leave them, float16: token states one after the other, and pooled rows."""

    states_X_E: Tensor
    starts: Tensor
    """Where each text's tokens begin, and the end [N + 1]."""
    rows_N_P_E: Tensor
    """As `moods.pooled` of the encoder without adapters."""
    words_N: list[list[int]]

    def lengths(self) -> list[int]:
        counts: list[int] = self.starts.diff().tolist()
        return counts

    def batch(self, places: Sequence[int]) -> tuple[Tensor, Tensor]:
        """States after the frozen layers [N, T, 384] and the mask [N, T]."""
        parts = [self.states_X_E[self.starts[place] : self.starts[place + 1]].float() for place in places]
        lengths_N = torch.tensor([len(part) for part in parts])
        states_N_T_E = nn.utils.rnn.pad_sequence(parts, batch_first=True)
        return states_N_T_E, torch.arange(states_N_T_E.shape[1]) < lengths_N.unsqueeze(1)


class Adapter(nn.Module):
    """Rank-16 changes to every linear of the last three layers."""

    def __init__(self, encoder: MiniLm) -> None:
        super().__init__()
        self.encoder = encoder
        self.down, self.up = nn.ParameterDict(), nn.ParameterDict()
        for layer in range(FIRST_ADAPTED, LAYERS):
            for name in LINEARS:
                out_size, in_size = encoder.weights[f"encoder.layer.{layer}.{name}.weight"].shape
                key = self._key(layer, name)
                self.down[key] = nn.Parameter(torch.randn(RANK, in_size) / in_size**0.5)
                self.up[key] = nn.Parameter(torch.zeros(out_size, RANK))

    def forward(self, reading: Reading, places: Sequence[int]) -> Tensor:
        """Pooled rows [N, 6, 384] with the adapters at work."""
        states_N_T_E, mask_N_T = reading.batch(places)
        layers = [states_N_T_E]
        for layer in range(FIRST_ADAPTED, LAYERS):
            layers.append(self.encoder.layer(layer, layers[-1], mask_N_T, self._add))
        rows_N_P_E = pooled(layers, mask_N_T)
        # The lowest pooled layer lies below what was kept of every token.
        return torch.cat([reading.rows_N_P_E[list(places), :1].float(), rows_N_P_E], 1)

    def _add(self, layer: int, name: str, x: Tensor, y: Tensor) -> Tensor:
        key = self._key(layer, name)
        added: Tensor = x @ self.down[key].T @ self.up[key].T
        return y + added

    @staticmethod
    def _key(layer: int, name: str) -> str:
        return f"{layer}.{name}".replace(".", "/")

    def tensors(self) -> dict[str, Tensor]:
        both = (("a", self.down), ("b", self.up))
        return {f"{side}.{key.replace('/', '.')}": x.detach() for side, table in both for key, x in table.items()}


@dataclass(frozen=True)
class Targets:
    labels_N_28: Tensor
    groups_N_4: Tensor
    moods_N_3: Tensor
    weight_N: Tensor
    """Of the mood; a text without emotions has only that."""

    @classmethod
    def of(cls, found: Sequence[Example]) -> Self:
        labels_N_28 = torch.zeros(len(found), len(LABELS))
        for row, example in zip(labels_N_28, found, strict=True):
            for label in example.emotions:
                row[LABELS.index(label)] = 1 / len(example.emotions)
        membership_28_4 = torch.tensor([[float(label in EMOTIONS[group]) for group in GROUPS] for label in LABELS])
        moods = torch.tensor([example.moods for example in found])
        weights = torch.tensor([example.weight for example in found])
        return cls(labels_N_28, labels_N_28 @ membership_28_4, moods, weights)

    def loss(self, head: SatisfactionHead, rows: Tensor, said: list[list[int]], places: Sequence[int]) -> Tensor:
        index = list(places)
        mood_N = _cross_entropy(head.reply(rows, said), self.moods_N_3[index])
        emotions = head.emotions(rows, said)
        labels_N_28, groups_N_4 = emotions.split([len(LABELS), len(GROUPS)], -1)  # type: ignore[no-untyped-call]
        emotion_N = _cross_entropy(labels_N_28, self.labels_N_28[index])
        emotion_N = emotion_N + _cross_entropy(groups_N_4, self.groups_N_4[index])
        return (emotion_N + self.weight_N[index] * mood_N).mean()


def build(data: Path, target: Path, report: Callable[[str], None] = print, seed: int = 0) -> dict[str, float]:
    """Write `satisfaction/scorer.safetensors` under `target`; return dev figures. Ten minutes on one slow core."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    encoder = MiniLm.load(verified_folder(MEANING) / "model")
    found, _ = examples(data, seed)
    report(f"reading {len(found)} texts")
    reading, targets = read(encoder, [example.text for example in found]), Targets.of(found)
    head, adapter = SatisfactionHead(), Adapter(encoder)
    for _ in _learn(head, reading, targets, None, rng):
        pass
    report("the heads have learned; now with adapters")
    for step, steps, loss in _learn(head, reading, targets, adapter, rng):
        if step % 100 == 0:
            report(f"step {step}/{steps}  loss {loss:.3f}")
    figures = _calibrate(head.eval(), adapter, encoder, data, seed)
    path = target / "satisfaction" / "scorer.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = adapter.tensors() | {f"{HEAD}{name}": tensor for name, tensor in head.state_dict().items()}
    save_file({name: tensor.half().contiguous() for name, tensor in tensors.items()}, path)
    return {name: round(value, 4) for name, value in figures.items()}


@torch.inference_mode()
def read(encoder: MiniLm, texts: Sequence[str], at_once: int = 128) -> Reading:
    ids = encoder.tokens(texts, LONGEST)
    starts = torch.tensor([0, *map(len, ids)]).cumsum(0)
    states_X_E = torch.zeros(int(starts[-1]), WIDTH, dtype=torch.float16)
    rows_N_P_E: list[Tensor] = [torch.empty(0)] * len(texts)
    order = sorted(range(len(texts)), key=lambda place: len(ids[place]))
    for start in range(0, len(order), at_once):
        places = order[start : start + at_once]
        states, mask_N_T = encoder.states([ids[place] for place in places])
        rows = pooled(states[FIRST_POOLED:], mask_N_T).half()
        for row, place in enumerate(places):
            rows_N_P_E[place] = rows[row].clone()
            states_X_E[starts[place] : starts[place + 1]] = states[FIRST_ADAPTED][row, : len(ids[place])].half()
    return Reading(states_X_E, starts, torch.stack(rows_N_P_E), [words(text) for text in texts])


def _learn(
    head: SatisfactionHead, reading: Reading, targets: Targets, adapter: Adapter | None, rng: random.Random
) -> Iterator[tuple[int, int, float]]:
    """(step, of how many, loss). Without an adapter on the rows as they are, twice as fast and for two rounds."""
    rounds, rate = (HEAD_ROUNDS, 2 * HEAD_RATE) if adapter is None else (1, HEAD_RATE)
    lexicons = [head.emotions.lexicon.weight, head.reply.lexicon.weight]
    others = [
        p for opinion in (head.emotions, head.reply) for p in (*opinion.hidden.parameters(), *opinion.out.parameters())
    ]
    groups = [
        {"params": others, "lr": rate, "weight_decay": 0.02},
        {"params": lexicons, "lr": LEXICON_RATE, "weight_decay": 0.0},
        {"params": [] if adapter is None else list(adapter.parameters()), "lr": ADAPTER_RATE, "weight_decay": 0.01},
    ]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]])
    batches = [batch for _ in range(rounds) for batch in _batches(reading.lengths(), rng)]
    steps = len(batches)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / WARM_STEPS) * max(0.02, 1 - step / steps)
    )
    head.train()
    for step, places in enumerate(batches, 1):
        rows = reading.rows_N_P_E[places].float() if adapter is None else adapter(reading, places)
        said = [[word for word in reading.words_N[place] if rng.random() > WORDS_DROPPED] for place in places]
        loss = targets.loss(head, rows, said, places)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        yield step, steps, loss.item()


def _batches(lengths: Sequence[int], rng: random.Random) -> list[list[int]]:
    """All places once, in batches of texts of like length, in random order."""
    places = list(range(len(lengths)))
    rng.shuffle(places)
    batches = []
    for start in range(0, len(places), 40 * BATCH):
        chunk = sorted(places[start : start + 40 * BATCH], key=lambda place: lengths[place])
        batches += [chunk[at : at + BATCH] for at in range(0, len(chunk), BATCH)]
    rng.shuffle(batches)
    return batches


def _cross_entropy(log_odds: Tensor, targets: Tensor) -> Tensor:
    return -(targets * log_odds.log_softmax(-1)).sum(-1)


@torch.no_grad()
def _calibrate(head: SatisfactionHead, adapter: Adapter, encoder: MiniLm, data: Path, seed: int) -> dict[str, float]:
    def seen(texts: Sequence[str]) -> tuple[Tensor, list[list[int]]]:
        reading = read(encoder, texts)
        parts = [adapter(reading, range(at, min(at + 256, len(texts)))) for at in range(0, len(texts), 256)]
        return torch.cat(parts), reading.words_N

    single = [(text, labels[0]) for text, labels in comments(data, "dev") if len(labels) == 1]
    rows, said = seen([text for text, _ in single])
    group_N = torch.tensor([next(i for i, g in enumerate(GROUPS) if label in EMOTIONS[g]) for _, label in single])
    emotions_N_32 = head.emotions(rows, said)
    head.emotions.temperature.fill_(_temperature(lambda t: _likelihood(emotions_N_32[::2] / t, group_N[::2])))
    groups_N_4 = head.groups(rows, said)
    _, held_out = messages(seed)
    message_rows, message_words = seen([text for text, _ in held_out])
    mood_N = torch.tensor([MOODS[label] for _, label in held_out]).argmax(-1)
    replies_N_3 = head.reply(message_rows, message_words)
    head.reply.temperature.fill_(_temperature(lambda t: -F.cross_entropy(replies_N_3[::2] / t, mood_N[::2])))
    moods_N_3 = head.moods(message_rows, message_words)
    tweets = [(text, value) for source, text, value in ratings(data)[1] if source == "tweets"]
    scores_N = satisfaction(head.moods(*seen([text for text, _ in tweets])))
    truth_N = torch.tensor([value for _, value in tweets])
    return {
        "goemotions_4_groups_single_label": float((groups_N_4.argmax(-1) == group_N).float().mean()),
        "goemotions_calibration_error": _calibration_error(groups_N_4[1::2], group_N[1::2]),
        "tweets_pearson": float(torch.corrcoef(torch.stack([scores_N, truth_N]))[0, 1]),
        "messages_held_out": float((moods_N_3.argmax(-1) == mood_N).float().mean()),
        "messages_held_out_by_score": _by_score(satisfaction(moods_N_3), mood_N),
        "messages_calibration_error": _calibration_error(moods_N_3[1::2], mood_N[1::2]),
        "temperature_emotions": head.emotions.temperature.item(),
        "temperature_reply": head.reply.temperature.item(),
    }


def _temperature(likelihood: Callable[[float], Tensor]) -> float:
    grid = [0.5 + 0.05 * step for step in range(51)]
    return max(grid, key=lambda t: float(likelihood(t)))


def _likelihood(emotions_N_32: Tensor, group_N: Tensor) -> Tensor:
    return group_probabilities(emotions_N_32).log().gather(-1, group_N.unsqueeze(-1)).mean()


def _calibration_error(probabilities: Tensor, truth: Tensor, bins: int = 10) -> float:
    """Expected: how far, on average, confidence and share of right answers lie apart in bins of equal width."""
    confidence, said = probabilities.max(-1)
    right = (said == truth).float()
    of_bin = (confidence * bins).long().clamp(max=bins - 1)
    return sum(
        float((of_bin == b).float().mean() * (confidence[of_bin == b].mean() - right[of_bin == b].mean()).abs())
        for b in set(of_bin.tolist())
    )


def _by_score(scores_N: Tensor, mood_N: Tensor) -> float:
    """Right when above .55 is called satisfied, below .45 dissatisfied, and what lies between neither."""
    said_N = (scores_N > 0.45).long() + (scores_N > 0.55).long()
    return float((said_N == mood_N).float().mean())
