"""A person's voice while it is being learned: the frozen base, one trainable adapter, and texts in and out.

A person of several voices has a trunk, which learns from everything, and a branch for each voice, which learns from
what that voice was told to write. A prompt's tag says which branch is added to the trunk; without one it is none. So
voices cannot be averaged into one.
"""

from collections.abc import Callable, Sequence
from typing import Self

import torch
from torch import Tensor, nn

from app.inference import adapter_file
from app.inference.adapter_file import Adapter, Branch
from app.inference.generate import generate
from app.inference.guide import Guides
from app.inference.language_model import LanguageModel
from app.inference.lora import Lora, LoraDelta, branched
from app.inference.memory import give_back
from app.inference.tokens import Tokens
from app.inference.types import PREFIX, told
from app.learning.seeding import derive
from app.learning.types import Pair, Rollouts


class LoraPolicy(nn.Module):
    """Implements app.learning.types.Policy. Only the adapter is a parameter; every tensor handed out is on the CPU."""

    def __init__(
        self,
        model: LanguageModel,
        tokens: Tokens,
        *,
        rank: int,
        alpha: float,
        seed: int = 0,
        voices: Sequence[str] = (),
        voice_rank: int = 4,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        """`seed` decides the start of the adapter. `voices` are the tags that have a branch, of rank `voice_rank`.

        `between` is called before every pass of sampling.
        """
        super().__init__()
        self.model, self.tokens, self.between = model, tokens, between
        self._guides = Guides(tokens, model.device)
        self.voices, self.voice_rank = tuple(voices), voice_rank
        self.lora = Lora(model.architecture, rank=rank, alpha=alpha, seed=seed).to(model.device)
        self.branches = nn.ModuleList(
            Lora(
                model.architecture,
                rank=voice_rank,
                alpha=alpha * voice_rank / rank,
                seed=derive(seed, "voice", voice),
            ).to(model.device)
            for voice in self.voices
        )

    @classmethod
    def from_adapter(
        cls, model: LanguageModel, tokens: Tokens, adapter: Adapter, *, between: Callable[[], None] = lambda: None
    ) -> Self:
        """Go on from a trained adapter and its voices; groups that it does not adapt start fresh."""
        self = cls(
            model,
            tokens,
            rank=adapter.rank,
            alpha=adapter.alpha,
            voices=list(adapter.voices),
            voice_rank=adapter.voice_rank,
            between=between,
        )
        trained: list[Adapter | Branch] = [adapter, *adapter.voices.values()]
        with torch.no_grad():
            for lora, given in zip(self._loras, trained, strict=True):
                for group in given.down:
                    lora.A[group].copy_(given.down[group])
                    lora.B[group].copy_(given.up[group])
        return self

    def adapter_bytes(self, base_digest: str) -> tuple[bytes, str]:
        """The adapter's file, in bfloat16, and its digest. Raises InvalidAdapter if a number is not finite."""
        groups = self.model.architecture.fused
        trunk, *branches = [
            Branch(
                {group: lora.A[group].detach().to("cpu", torch.bfloat16) for group in groups},
                {group: lora.B[group].detach().to("cpu", torch.bfloat16) for group in groups},
            )
            for lora in self._loras
        ]
        adapter = Adapter(
            rank=self.lora.rank,
            alpha=self.lora.alpha,
            base_digest=base_digest,
            down=trunk.down,
            up=trunk.up,
            voice_rank=self.voice_rank if branches else 0,
            voices=dict(zip(self.voices, branches, strict=True)),
        )
        data = adapter_file.pack(adapter)
        # Read back what will be read back: a broken adapter must fail here, not at the first request.
        adapter_file.unpack(data, self.model.architecture, base_digest=base_digest)
        return data, adapter_file.digest_of(data)

    def sample(
        self,
        prompts: Sequence[str],
        group_size: int,
        *,
        max_tokens: int,
        temperature: float,
        seed: int,
        passages: Sequence[str] = (),
    ) -> Rollouts:
        """Write `group_size` completions of each prompt. Row i draws from its own stream of (seed, i).

        With the `passages` that the prompts ask to rewrite, their names are helped as when serving (guide.py); then
        the log-probabilities are no longer the policy's own, so it is for listening and not for learning.
        """
        rows = len(prompts) * group_size
        read = [self._read(prompt) for prompt in prompts]
        prompt_ids = [ids for ids, _ in read]
        with torch.no_grad():
            delta = self._delta().select(torch.tensor([kind for _, kind in read], device=self.model.device))
        if not self.model.is_packed:
            # What learning freed goes first: blocks of its sizes are of no use to the copy that decodes.
            give_back()
        written = generate(
            self.model.packed(),
            prompt_ids,
            seeds=[derive(seed, "row", row) for row in range(rows)],
            max_tokens=max_tokens,
            temperature=temperature,
            group_size=group_size,
            delta=delta,
            between=self.between,
            helpers=[self._guides.of(passage).help for passage in passages for _ in range(group_size)],
        )
        if not self.model.is_packed:
            give_back()
        logprobs_B_T, mask_B_T = _padded([torch.tensor(row) for row in written.logprobs])
        return Rollouts(
            prompts=[prompt for prompt in prompts for _ in range(group_size)],
            texts=self.texts(written.ids),
            prompt_ids=[ids for ids in prompt_ids for _ in range(group_size)],
            completion_ids=written.ids,
            is_finished=written.is_finished,
            logprobs_B_T=logprobs_B_T,
            mask_B_T=mask_B_T,
        )

    def texts(self, completion_ids: Sequence[Sequence[int]]) -> list[str]:
        return [self.tokens.text(list(ids)) for ids in completion_ids]

    def logprobs(self, rollouts: Rollouts, rows: Sequence[int], *, temperature: float = 1.0) -> Tensor:
        """Log-probabilities [len(rows), T] of the sampled tokens now, with gradient; T and padding as in `rollouts`."""
        logprobs_B_T, _ = self._logprobs(
            [rollouts.prompts[row] for row in rows], [rollouts.completion_ids[row] for row in rows], temperature
        )
        missing = rollouts.mask_B_T.shape[1] - logprobs_B_T.shape[1]
        return nn.functional.pad(logprobs_B_T, (0, missing))

    def states(self, rollouts: Rollouts, rows: Sequence[int]) -> Tensor:
        """The final hidden state that predicts each sampled token [len(rows), T, E], float32; 0 on padding."""
        read = [self._read(rollouts.prompts[row]) for row in rows]
        completions = [rollouts.completion_ids[row] for row in rows]
        with torch.no_grad():
            states_N_E = self.model.states(
                [ids + completion for (ids, _), completion in zip(read, completions, strict=True)],
                [len(ids) for ids, _ in read],
                self._delta(),
                kinds=[kind for _, kind in read],
            )
        states_B_T_E, _ = _padded(list(torch.split(states_N_E.float().cpu(), [len(ids) for ids in completions])))
        return nn.functional.pad(states_B_T_E, (0, 0, 0, rollouts.mask_B_T.shape[1] - states_B_T_E.shape[1]))

    def imitation_logprobs(self, pairs: Sequence[Pair]) -> tuple[Tensor, Tensor]:
        """Log-probabilities and mask [B, T] of `prefix + completion + end` given each prompt, with gradient."""
        end = [self.model.architecture.end_id]
        return self._logprobs(
            [pair.prompt for pair in pairs],
            [self.tokens.completion(PREFIX + pair.completion) + end for pair in pairs],
            temperature=1.0,
        )

    def _logprobs(
        self, prompts: Sequence[str], completions: Sequence[list[int]], temperature: float
    ) -> tuple[Tensor, Tensor]:
        read = [self._read(prompt) for prompt in prompts]
        logprobs_N = self.model.logprobs(
            [ids + completion for (ids, _), completion in zip(read, completions, strict=True)],
            [len(ids) for ids, _ in read],
            self._delta(),
            kinds=[kind for _, kind in read],
            temperature=temperature,
        )
        return _padded(list(torch.split(logprobs_N.cpu(), [len(ids) for ids in completions])))

    def _read(self, prompt: str) -> tuple[list[int], int]:
        """The tokens of a prompt, and the row of the delta that answers it: 0 is the trunk, then come the voices."""
        text, voice = told(prompt, self.voices)
        return self.tokens.prompt(text), 0 if voice is None else 1 + self.voices.index(voice)

    @property
    def _loras(self) -> list[Lora]:
        """The trunk, then the branches in the order of the voices."""
        return [self.lora, *(branch for branch in self.branches if isinstance(branch, Lora))]

    def _delta(self) -> LoraDelta:
        trunk, *branches = self._loras
        return branched(trunk, branches, self.model.dtype)


def _padded(rows: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Rows of different length as [B, T] with zeros on the right, and a mask that is 1.0 where they are."""
    values_B_T = nn.utils.rnn.pad_sequence(rows, batch_first=True)
    lengths_B = torch.tensor([len(row) for row in rows])
    return values_B_T, (torch.arange(values_B_T.shape[1]) < lengths_B.unsqueeze(-1)).float()
