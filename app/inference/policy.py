"""A person's voice while it is being learned: the frozen base, one trainable adapter, and texts in and out."""

from collections.abc import Callable, Sequence
from typing import Self

import torch
from torch import Tensor, nn

from app.inference import adapter_file
from app.inference.adapter_file import Adapter
from app.inference.delta import GROUPS
from app.inference.generate import generate
from app.inference.guide import Guide
from app.inference.lora import Lora
from app.inference.memory import give_back
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from app.inference.types import PREFIX
from app.learning.seeding import derive
from app.learning.types import Pair, Rollouts


class LoraPolicy(nn.Module):
    """Implements app.learning.types.Policy. Only the adapter is a parameter; every tensor handed out is on the CPU."""

    def __init__(
        self,
        model: LlamaModel,
        tokens: Tokens,
        *,
        rank: int,
        alpha: float,
        seed: int = 0,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        """`seed` decides the start of the adapter. `between` is called before every pass of sampling."""
        super().__init__()
        self.model, self.tokens, self.between = model, tokens, between
        self.lora = Lora(model.architecture, rank=rank, alpha=alpha, seed=seed).to(model.device)

    @classmethod
    def from_adapter(
        cls, model: LlamaModel, tokens: Tokens, adapter: Adapter, *, between: Callable[[], None] = lambda: None
    ) -> Self:
        """Go on from a trained adapter; groups that it does not adapt start fresh."""
        self = cls(model, tokens, rank=adapter.rank, alpha=adapter.alpha, between=between)
        with torch.no_grad():
            for group in adapter.down:
                self.lora.A[group].copy_(adapter.down[group])
                self.lora.B[group].copy_(adapter.up[group])
        return self

    def adapter_bytes(self, base_digest: str) -> tuple[bytes, str]:
        """The adapter's file, in bfloat16, and its digest. Raises InvalidAdapter if a number is not finite."""
        adapter = Adapter(
            rank=self.lora.rank,
            alpha=self.lora.alpha,
            base_digest=base_digest,
            down={group: self.lora.A[group].detach().to("cpu", torch.bfloat16) for group in GROUPS},
            up={group: self.lora.B[group].detach().to("cpu", torch.bfloat16) for group in GROUPS},
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
        prompt_ids = [self.tokens.prompt(prompt) for prompt in prompts]
        with torch.no_grad():
            delta = self.lora.delta(self.model.dtype)
        written = generate(
            self.model.packed(),
            prompt_ids,
            seeds=[derive(seed, "row", row) for row in range(rows)],
            max_tokens=max_tokens,
            temperature=temperature,
            group_size=group_size,
            delta=delta,
            between=self.between,
            likelier=[Guide.of(passage, self.tokens).likelier for passage in passages for _ in range(group_size)],
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
            [rollouts.prompt_ids[row] for row in rows], [rollouts.completion_ids[row] for row in rows], temperature
        )
        missing = rollouts.mask_B_T.shape[1] - logprobs_B_T.shape[1]
        return nn.functional.pad(logprobs_B_T, (0, missing))

    def states(self, rollouts: Rollouts, rows: Sequence[int]) -> Tensor:
        """The final hidden state that predicts each sampled token [len(rows), T, E], float32; 0 on padding."""
        prompts = [rollouts.prompt_ids[row] for row in rows]
        completions = [rollouts.completion_ids[row] for row in rows]
        with torch.no_grad():
            states_N_E = self.model.states(
                [prompt + completion for prompt, completion in zip(prompts, completions, strict=True)],
                [len(prompt) for prompt in prompts],
                self.lora.delta(self.model.dtype),
            )
        states_B_T_E, _ = _padded(list(torch.split(states_N_E.float().cpu(), [len(ids) for ids in completions])))
        return nn.functional.pad(states_B_T_E, (0, 0, 0, rollouts.mask_B_T.shape[1] - states_B_T_E.shape[1]))

    def imitation_logprobs(self, pairs: Sequence[Pair]) -> tuple[Tensor, Tensor]:
        """Log-probabilities and mask [B, T] of `prefix + completion + end` given each prompt, with gradient."""
        end = [self.model.architecture.end_id]
        return self._logprobs(
            [self.tokens.prompt(pair.prompt) for pair in pairs],
            [self.tokens.completion(PREFIX + pair.completion) + end for pair in pairs],
            temperature=1.0,
        )

    def _logprobs(
        self, prompts: Sequence[list[int]], completions: Sequence[list[int]], temperature: float
    ) -> tuple[Tensor, Tensor]:
        logprobs_N = self.model.logprobs(
            [prompt + completion for prompt, completion in zip(prompts, completions, strict=True)],
            [len(prompt) for prompt in prompts],
            self.lora.delta(self.model.dtype),
            temperature=temperature,
        )
        return _padded(list(torch.split(logprobs_N.cpu(), [len(ids) for ids in completions])))


def _padded(rows: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Rows of different length as [B, T] with zeros on the right, and a mask that is 1.0 where they are."""
    values_B_T = nn.utils.rnn.pad_sequence(rows, batch_first=True)
    lengths_B = torch.tensor([len(row) for row in rows])
    return values_B_T, (torch.arange(values_B_T.shape[1]) < lengths_B.unsqueeze(-1)).float()
