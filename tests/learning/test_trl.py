"""The same batch through TRL's own losses: values and gradients agree to 1e-5.

TRL's loss methods run unchanged, on trainers that were never set up: they get a batch's log-probabilities in place of a
model's, and only the settings that a loss reads. PPO is not here by itself, as TRL has no such trainer any more: its
clipped policy loss is that of GRPO with advantages of tokens. TRL has nothing like TraceBias.
"""

from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from app.learning import losses

pytestmark = pytest.mark.slow

TOKENS, LIMIT, CLOSE = 9, 16, {"rtol": 1e-5, "atol": 1e-5}


class OneProcess:
    """What a loss asks of accelerate on a single process."""

    num_processes, process_index, sync_gradients, device = 1, 0, True, torch.device("cpu")

    def gather(self, tensor: Tensor) -> Tensor:
        return tensor

    gather_for_metrics = gather

    def reduce(self, tensor: Tensor, reduction: str = "sum") -> Tensor:
        return tensor


class Batch:
    """Rows of random log-probabilities, far enough apart for the clip to bite on some."""

    def __init__(self, seed: int, rows: int = 8) -> None:
        random = torch.Generator().manual_seed(seed)
        lengths = torch.randint(1, TOKENS + 1, (rows, 1), generator=random)
        self.mask = (torch.arange(TOKENS) < lengths).float()
        self.sampled = -torch.rand(rows, TOKENS, generator=random) * 3 * self.mask
        noise = 0.3 * torch.randn(rows, TOKENS, generator=random)
        self.logprobs = ((self.sampled + noise) * self.mask).requires_grad_()
        self.reference = (self.sampled + 0.3 * torch.randn(rows, TOKENS, generator=random)) * self.mask
        self.advantages = torch.randn(rows, generator=random)
        self.token_advantages = torch.randn(rows, TOKENS, generator=random)

    def gradient(self, value: Tensor) -> Tensor:
        self.logprobs.grad = None
        value.backward()
        return self.logprobs.grad.clone()


@pytest.fixture(params=[0, 1, 2])
def batch(request: pytest.FixtureRequest) -> Batch:
    return Batch(request.param)


def theirs(kind: type, method: str, batch: Batch, inputs: dict[str, Tensor], **settings: object) -> Tensor:
    """TRL's loss of this batch, by a trainer that has nothing but what the loss looks at."""
    trainer = kind.__new__(kind)
    shared = {
        "accelerator": OneProcess(),
        "model": SimpleNamespace(training=True),
        "_metrics": {"train": defaultdict(list)},
        "aux_loss_enabled": False,
        "_get_per_token_logps_and_entropies": lambda *args, **rest: (
            batch.logprobs, torch.zeros_like(batch.mask), None
        ),
    }  # fmt: skip
    trainer.__dict__.update(shared | settings)
    ids = torch.zeros_like(batch.mask, dtype=torch.long)
    asked = {"prompt_ids": ids[:, :1], "prompt_mask": ids[:, :1], "completion_ids": ids}
    return getattr(trainer, method)(None, asked | {"completion_mask": batch.mask} | inputs)


def grpo(batch: Batch, advantages: Tensor, **settings: object) -> Tensor:
    from trl import GRPOTrainer

    defaults = {
        "top_entropy_quantile": 1.0,
        "off_policy_mask_threshold": None,
        "importance_sampling_level": "token",
        "beta": 0.0,
        "epsilon_low": 0.2,
        "epsilon_high": 0.2,
        "use_vllm": False,
        "max_completion_length": LIMIT,
        "current_gradient_accumulation_steps": 1,
        "_entropy_bonus_enabled": False,
        "args": SimpleNamespace(delta=None, use_bias_correction_kl=False, steps_per_generation=1),
    }
    inputs = {
        "advantages": advantages,
        "old_per_token_logps": batch.sampled,
        "ref_per_token_logps": batch.reference,
        "num_items_in_batch": batch.mask.sum(),
    }
    return theirs(GRPOTrainer, "_compute_loss", batch, inputs, **(defaults | settings))


@pytest.mark.parametrize(
    ("loss_type", "average"), [("dr_grpo", "constant"), ("grpo", "rows"), ("dapo", "tokens"), ("bnpo", "tokens")]
)
@pytest.mark.parametrize("clip_high", [0.2, 0.28])
def test_dr_grpo_and_its_relatives(batch: Batch, loss_type: str, average: str, clip_high: float) -> None:
    weights = losses.row_weights(batch.mask, average, max_tokens=LIMIT)
    own = losses.policy_gradient(
        batch.logprobs, batch.sampled, batch.advantages, batch.mask, weights, clip=0.2, clip_high=clip_high
    )
    their = grpo(batch, batch.advantages, loss_type=loss_type, epsilon_high=clip_high)
    assert 0 < own.metrics["clipped"] < 1
    torch.testing.assert_close(own.value, their, **CLOSE)
    torch.testing.assert_close(batch.gradient(own.value), batch.gradient(their), **CLOSE)


def test_a_leash(batch: Batch) -> None:
    weights = losses.row_weights(batch.mask, "constant", max_tokens=LIMIT)
    own = losses.policy_gradient(batch.logprobs, batch.sampled, batch.advantages, batch.mask, weights, clip=0.2)
    own = own.plus(losses.divergence(batch.logprobs, batch.reference, batch.mask, weights), 0.04)
    their = grpo(batch, batch.advantages, loss_type="dr_grpo", beta=0.04)
    torch.testing.assert_close(own.value, their, **CLOSE)
    torch.testing.assert_close(batch.gradient(own.value), batch.gradient(their), **CLOSE)


def test_the_clipped_loss_of_ppo_on_advantages_of_tokens(batch: Batch) -> None:
    weights = losses.row_weights(batch.mask, "tokens", max_tokens=LIMIT)
    own = losses.policy_gradient(batch.logprobs, batch.sampled, batch.token_advantages, batch.mask, weights, clip=0.2)
    their = grpo(batch, batch.token_advantages, loss_type="bnpo")
    torch.testing.assert_close(own.value, their, **CLOSE)
    torch.testing.assert_close(batch.gradient(own.value), batch.gradient(their), **CLOSE)


def test_the_sequence_ratio_of_gspo_is_the_geometric_one_of_dam(batch: Batch) -> None:
    weights = torch.full((8,), 1 / 8)
    level = batch.advantages.unsqueeze(-1).expand_as(batch.mask)
    own = losses.double_average(batch.logprobs, batch.sampled, level, batch.mask, weights, ratio="geometric")
    unclipped = {"epsilon_low": 1e9, "epsilon_high": 1e9}
    their = grpo(batch, batch.advantages, loss_type="grpo", importance_sampling_level="sequence", **unclipped)
    torch.testing.assert_close(own.value, their, **CLOSE)
    torch.testing.assert_close(batch.gradient(own.value), batch.gradient(their), **CLOSE)


@pytest.mark.parametrize("clip_high", [0.2, 0.5])
def test_rloo(batch: Batch, clip_high: float) -> None:
    from trl import RLOOTrainer

    weights = torch.full((8,), 1 / 8)
    own = losses.sequence_policy_gradient(
        batch.logprobs, batch.sampled, batch.advantages, batch.mask, weights, clip=0.2, clip_high=clip_high
    )
    inputs = {"advantages": batch.advantages, "old_logps": batch.sampled.sum(-1)}
    their = theirs(RLOOTrainer, "_compute_loss", batch, inputs, epsilon_low=0.2, epsilon_high=clip_high)
    torch.testing.assert_close(own.value, their, **CLOSE)
    torch.testing.assert_close(batch.gradient(own.value), batch.gradient(their), **CLOSE)


@pytest.mark.parametrize("beta", [0.1, 2.0])
def test_dpo(batch: Batch, beta: float) -> None:
    from trl import DPOTrainer

    pairs = len(batch.mask) // 2
    before = losses.row_sums(batch.reference, batch.mask)
    own = losses.preferring(
        batch.logprobs, before, batch.mask, torch.full((pairs,), 1 / pairs), beta=beta, imitation_weight=0.0
    )
    settings = {
        "accelerator": OneProcess(),
        "model": SimpleNamespace(training=True),
        "_metrics": {"train": defaultdict(list)},
        "aux_loss_enabled": False,
        "precompute_ref_logps": True,
        "ld_alpha": None,
        "f_divergence_type": "reverse_kl",
        "loss_types": ["sigmoid"],
        "loss_weights": [1.0],
        "label_smoothing": 0.0,
        "use_weighting": False,
        "beta": beta,
        "_total_train_tokens": 0,
        "_tp_size": 1,
    }
    trainer = DPOTrainer.__new__(DPOTrainer)
    trainer.__dict__.update(settings)
    # A token of prompt in front: TRL predicts every token but the first.
    mask = torch.cat([torch.zeros(len(batch.mask), 1), batch.mask], dim=1).long()
    inputs = {
        "input_ids": torch.zeros_like(mask),
        "attention_mask": torch.ones_like(mask),
        "completion_mask": mask,
        "ref_chosen_logps": before[:pairs],
        "ref_rejected_logps": before[pairs:],
    }

    def model(**asked: object) -> SimpleNamespace:
        """As TRL's own head, which leaves what is no completion at 0."""
        unread = torch.zeros_like(batch.mask)
        told = {"entropy": unread, "entropies": unread, "mean_logits": unread, "is_top1": unread.bool(), "loss": None}
        return SimpleNamespace(log_probs=batch.logprobs * batch.mask, **told)

    their = trainer._compute_loss(model, inputs, return_outputs=False)
    torch.testing.assert_close(own.value, their, **CLOSE)
    torch.testing.assert_close(batch.gradient(own.value), batch.gradient(their), **CLOSE)
