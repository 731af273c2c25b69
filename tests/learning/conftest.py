"""A language model small enough to be understood: it draws each word by its place and by the tag of its prompt."""

from collections.abc import Callable, Iterator, Sequence

import pytest
import torch
from torch import Tensor

from app.learning.configs import RewardConfig
from app.learning.rewards.compose import Reward, Satisfaction
from app.learning.rewards.format import PREFIX
from app.learning.rewards.style import references
from app.learning.types import Encoder, Mode, Pair, Rollouts

WORDS = ("tea", "berry", "cherry", "<end>")
END = len(WORDS) - 1
TAGS = (None, "berries", "cherries")
VOICE = RewardConfig(human=0.0, meaning=0.0, entities=0.0, length=0.5)


class WordPolicy(torch.nn.Module):
    """Logits per tag and place (the last place repeats). Starts out with every word as likely as the end."""

    PLACES = 6

    def __init__(self) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(torch.zeros(len(TAGS), self.PLACES, len(WORDS)))
        self.bias = torch.nn.Parameter(torch.zeros(len(WORDS)))

    def sample(
        self, prompts: Sequence[str], group_size: int, *, max_tokens: int, temperature: float, seed: int
    ) -> Rollouts:
        random = torch.Generator().manual_seed(seed)
        repeated = [prompt for prompt in prompts for _ in range(group_size)]
        rows = [context_of(prompt) for prompt in repeated]
        with torch.no_grad():
            probability_B_T_V = self._logprobs(rows, max_tokens, temperature).exp()
        flat = torch.multinomial(probability_B_T_V.flatten(0, 1), 1, generator=random)
        drawn = flat.view(len(rows), max_tokens).tolist()
        ids = [row[: row.index(END) + 1] if END in row else row for row in drawn]
        mask_B_T = torch.tensor([[float(t < len(row)) for t in range(max_tokens)] for row in ids])
        rollouts = Rollouts(
            prompts=repeated,
            texts=self.texts(ids),
            prompt_ids=[[row] for row in rows],
            completion_ids=ids,
            is_finished=[row[-1] == END for row in ids],
            logprobs_B_T=torch.zeros(len(ids), max_tokens),
            mask_B_T=mask_B_T,
        )
        with torch.no_grad():
            rollouts.logprobs_B_T.copy_(self.logprobs(rollouts, range(len(ids)), temperature=temperature))
        return rollouts

    def logprobs(self, rollouts: Rollouts, rows: Sequence[int], *, temperature: float = 1.0) -> Tensor:
        contexts = [rollouts.prompt_ids[row][0] for row in rows]
        return self._gather(
            contexts, [rollouts.completion_ids[row] for row in rows], rollouts.mask_B_T.shape[1], temperature
        )[0]

    def texts(self, completion_ids: Sequence[Sequence[int]]) -> list[str]:
        return [PREFIX + " ".join(WORDS[i] for i in row if i != END) for row in completion_ids]

    def states(self, rollouts: Rollouts, rows: Sequence[int]) -> Tensor:
        """Which prompt it answers, at which place."""
        shape = (len(rows), rollouts.mask_B_T.shape[1], len(TAGS) + self.PLACES)
        states = torch.zeros(shape)
        for i, row in enumerate(rows):
            for t in range(len(rollouts.completion_ids[row])):
                states[i, t, rollouts.prompt_ids[row][0]] = states[i, t, len(TAGS) + min(t, self.PLACES - 1)] = 1
        return states

    def imitation_logprobs(self, pairs: Sequence[Pair]) -> tuple[Tensor, Tensor]:
        ids = [[WORDS.index(word) for word in pair.completion.split()] + [END] for pair in pairs]
        return self._gather([context_of(pair.prompt) for pair in pairs], ids, max(map(len, ids)), 1.0)

    def probability(self, word: str, tag: str | None) -> float:
        """Of being the first word."""
        return self._logprobs([TAGS.index(tag)], 1, 1.0)[0, 0, WORDS.index(word)].exp().item()

    def _logprobs(self, contexts: Sequence[int], width: int, temperature: float) -> Tensor:
        places = [min(t, self.PLACES - 1) for t in range(width)]
        return ((self.logits[list(contexts)][:, places] + self.bias) / temperature).log_softmax(-1)

    def _gather(
        self, contexts: Sequence[int], ids: Sequence[Sequence[int]], width: int, temperature: float
    ) -> tuple[Tensor, Tensor]:
        padded_B_T = torch.tensor([[*row, *[END] * (width - len(row))] for row in ids])
        mask_B_T = torch.tensor([[float(t < len(row)) for t in range(width)] for row in ids])
        logprobs_B_T_V = self._logprobs(contexts, width, temperature)
        return logprobs_B_T_V.gather(-1, padded_B_T.unsqueeze(-1)).squeeze(-1) * mask_B_T, mask_B_T


def context_of(prompt: str) -> int:
    lines = prompt.splitlines()
    return TAGS.index(lines[1].strip("[]")) if len(lines) > 1 else 0


def prompt_for(passage: str, tag: str | None) -> str:
    return f"{passage}\n" if tag is None else f"{passage}\n[{tag}]\n"


def count_words(texts: Sequence[str]) -> Tensor:
    """A style encoder: how often each word of the vocabulary occurs, and a little of everything else."""
    counts = torch.tensor([[float(text.split().count(word)) for word in WORDS[:END]] + [0.1] for text in texts])
    return torch.nn.functional.normalize(counts, dim=-1)


@pytest.fixture
def new_policy() -> Callable[[], WordPolicy]:
    return WordPolicy


@pytest.fixture
def policy() -> WordPolicy:
    return WordPolicy()


@pytest.fixture
def sampled(policy: WordPolicy, monkeypatch: pytest.MonkeyPatch) -> list[Rollouts]:
    """All that the policy samples from now on."""
    seen: list[Rollouts] = []
    sample = policy.sample
    monkeypatch.setattr(policy, "sample", lambda *args, **rest: seen.append(sample(*args, **rest)) or seen[-1])
    return seen


@pytest.fixture
def prompt() -> Callable[[str, str | None], str]:
    return prompt_for


@pytest.fixture
def word_encoder() -> Callable[[Sequence[str]], Tensor]:
    return count_words


@pytest.fixture
def two_modes() -> list[Mode]:
    return [
        Mode("berries", 0.5, ["berry berry tea berry", "berry berry", "berry tea berry", "berry berry berry", "berry"]),
        Mode("cherries", 0.5, ["cherry cherry", "cherry tea cherry", "cherry", "cherry cherry cherry", "cherry tea"]),
    ]


@pytest.fixture
def reward_for(word_encoder: Encoder, two_modes: list[Mode]) -> Callable[..., Reward]:
    """A reward by style and length, in a world without entities and where everything means the same."""

    def build(config: RewardConfig = VOICE, pleased: Satisfaction | None = None) -> Reward:
        return Reward(
            config,
            references(
                word_encoder, two_modes, ["tea tea tea"] * 3, kind=config.references, is_calibrated=config.calibrated
            ),
            encode_meaning=lambda texts: torch.ones(len(texts), 1),
            neutralise=lambda text: text,
            find_entities=lambda texts: [frozenset()] * len(texts),
            pleased=pleased,
        )

    return build


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
