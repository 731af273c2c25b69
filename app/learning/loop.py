"""What all loops share: the state a crash must not lose, the one optimizer step, and the learning-rate curves."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from app.learning import checkpoint
from app.learning.types import Metrics, Policy

GRADIENT_NORM = 1.0
MICRO_BATCH = 4
"""Rows per forward and backward pass: about a second on two cores, after which a training can give way."""
KEPT = "kept."
"""In a checkpoint, before the names of what an algorithm keeps."""

GiveWay = Callable[[], None]
"""Called before every micro-batch. It may wait, and it may raise to end the training."""


class Diverged(ValueError):
    """A loss or gradient is not finite. Raised before the optimizer steps: the parameters are the last good ones."""


@dataclass
class LoopState:
    """A policy, its AdamW, and how many steps both have seen. Save it between steps, load it after a crash."""

    policy: Policy
    optimizer: torch.optim.AdamW
    task: str = ""
    """The caller's name for what is learned, from what; a state of another task is not to go on with."""
    step: int = 0
    stage: str = ""
    """The stage under which it was saved; empty if it never was."""
    kept: dict[str, Tensor] = field(default_factory=dict)
    """What else an algorithm needs to go on, by names of its own: a reference, a critic."""

    @classmethod
    def new(cls, policy: Policy, task: str = "") -> Self:
        """Over the policy's trainable parameters. Loops set the learning rate of every step themselves."""
        trainable = [parameter for parameter in policy.parameters() if parameter.requires_grad]
        return cls(policy, torch.optim.AdamW(trainable, betas=(0.9, 0.99), weight_decay=0.0), task)

    def save(self, path: Path, *, stage: str) -> None:
        self.stage = stage
        kept = {f"{KEPT}{name}": checkpoint.copied(tensor) for name, tensor in self.kept.items()}
        notes = {"stage": stage, "step": str(self.step), "task": self.task}
        checkpoint.write(path, checkpoint.pack(self.optimizer) | kept, notes)

    @classmethod
    def load(cls, path: Path, policy: Policy, task: str = "") -> Self:
        """Put a saved state into `policy`. Raises checkpoint.UnusableCheckpoint, FileNotFoundError if there is none."""
        tensors, notes = checkpoint.read(path)
        if notes.get("task") != task:
            raise checkpoint.UnusableCheckpoint(f"{path.name} was made from other samples, voices or settings")
        state = cls.new(policy, task)
        state.kept = {name.removeprefix(KEPT): tensors.pop(name) for name in list(tensors) if name.startswith(KEPT)}
        checkpoint.unpack(tensors, state.optimizer)
        state.step, state.stage = int(notes["step"]), notes["stage"]
        return state

    def begin(self, stage: str) -> None:
        """Go on with another loop, from its first step. What the last one learned of its own gradients is forgotten."""
        self.stage, self.step = stage, 0
        self.optimizer.state.clear()
        self.kept.clear()

    def accumulate(self, loss: Tensor) -> None:
        """Add a micro-batch's gradient. Raises Diverged if the loss is not finite."""
        if not torch.isfinite(loss):
            raise Diverged(f"the loss became {loss.item()} at step {self.step + 1}")
        loss.backward()  # type: ignore[no-untyped-call]

    def descend(self, learning_rate: float, *, scale: float = 1.0) -> Metrics:
        """update(), and count the step."""
        metrics = self.update(learning_rate, scale=scale)
        self.step += 1
        return metrics

    def update(self, learning_rate: float, *, scale: float = 1.0) -> Metrics:
        """Scale and clip the accumulated gradient and follow it. Raises Diverged before touching anything."""
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.mul_(scale)
        norm = torch.nn.utils.clip_grad_norm_(parameters, GRADIENT_NORM).item()
        if not math.isfinite(norm):
            raise Diverged(f"the gradient became {norm} at step {self.step + 1}")
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {"learning_rate": learning_rate, "gradient_norm": norm}


def add_part(totals: Metrics, part: Metrics, weight: float) -> None:
    """Add the metrics of a part to those of the whole, of which it is this share."""
    for name, value in part.items():
        totals[name] = totals.get(name, 0.0) + weight * value


def linear_decay(step: int, total: int, warmup: int) -> float:
    """Share of the peak learning rate at 0-based `step`: up in `warmup` steps, then down to 0 after the last."""
    return min(1.0, (step + 1) / max(1, warmup)) * (1 - step / total)


def cosine_decay(step: int, total: int, warmup: int, final_share: float) -> float:
    """Share of the peak learning rate at 0-based `step`: up in `warmup` steps, then a half cosine to `final_share`."""
    if step < warmup:
        return (step + 1) / warmup
    progress = (step - warmup) / max(1, total - 1 - warmup)
    return final_share + (1 - final_share) * (1 + math.cos(math.pi * min(1.0, progress))) / 2
