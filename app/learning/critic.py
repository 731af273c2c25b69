"""A critic: what will a row be paid, seen from each of its tokens? A linear head on the policy's hidden states.

The states come without gradient, so the critic never pulls at the voice, and are brought to length 1, so one learning
rate fits all bases. It starts out expecting nothing of anything.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from app.learning import checkpoint, losses
from app.learning.configs import PpoConfig
from app.learning.loop import LoopState
from app.learning.types import Metrics

NAME = "critic."


class Critic:
    """Values of tokens. Kept in a LoopState with its optimizer's moments, so that it survives with the policy."""

    def __init__(self, width: int) -> None:
        self.weight_E = torch.nn.Parameter(torch.zeros(width))
        self.bias = torch.nn.Parameter(torch.zeros(()))
        self.optimizer = torch.optim.AdamW([self.weight_E, self.bias], weight_decay=0.0)

    @classmethod
    def of(cls, state: LoopState, width: int) -> "Critic":
        """The one that is kept, or a new one."""
        critic = cls(width)
        kept = {name.removeprefix(NAME): value for name, value in state.kept.items() if name.startswith(NAME)}
        if kept:
            checkpoint.unpack(kept, critic.optimizer)
        return critic

    def keep(self, state: LoopState) -> None:
        state.kept |= {f"{NAME}{name}": value for name, value in checkpoint.pack(self.optimizer).items()}

    def values(self, states_N_T_E: Tensor) -> Tensor:
        """What each token is expected to lead to [N, T], without gradient."""
        with torch.no_grad():
            return self._of(normalize(states_N_T_E, dim=-1))

    def fit(self, states_N_T_E: Tensor, returns_N_T: Tensor, mask_N_T: Tensor, config: PpoConfig) -> Metrics:
        """Learn what these tokens led to. Metric: `value_error` before the last of its steps."""
        before_N_T, directions_N_T_E = self.values(states_N_T_E), normalize(states_N_T_E, dim=-1)
        weights_N = losses.row_weights(mask_N_T, "tokens", max_tokens=config.max_tokens)
        metrics: Metrics = {}
        for group in self.optimizer.param_groups:
            group["lr"] = config.value_learning_rate
        for _ in range(config.value_steps):
            loss = losses.squared_error(
                self._of(directions_N_T_E), before_N_T, returns_N_T, mask_N_T, weights_N, clip=config.value_clip
            )
            loss.value.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            metrics = loss.metrics
        return metrics

    def _of(self, directions_N_T_E: Tensor) -> Tensor:
        return directions_N_T_E @ self.weight_E + self.bias
