"""Were one author's texts turned into another's? Away, Towards, Sim and Joint, as STYLL and TinyStyler measure it.

    asim(a, b) = 1 - arccos(cos(a, b) clipped to [0, 1]) / pi
    away(e, s) = 1 - (asim(e, s) + 1) / 2        towards(e, t) = (asim(e, t) + 1) / 2
    AWAY       = min(away(o, s), away(t, s)) / away(t, s)                     1: as far from the source as the target is
    TOWARDS    = max(towards(o, t) - towards(s, t), 0) / (1 - towards(s, t))  0: no nearer to the target than the source
    SIM        = max(sim(o, s) - sim(t, s), 0) / (1 - sim(t, s))              1: says the same; 0: says what t says
    JOINT      = sqrt(sqrt(AWAY * TOWARDS) * SIM)

o, s, t are the output's, source's and target's author vectors: unit rows, each of all texts of a side. The papers use
LUAR vectors and the mutual implication score; here the evaluation encoder and sentence cosines stand for them, so the
figures compare methods with each other and not with theirs.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize


@dataclass(frozen=True)
class Transfer:
    away: float
    towards: float
    sim: float

    @property
    def joint(self) -> float:
        return math.sqrt(math.sqrt(self.away * self.towards) * self.sim)


def author(rows_N_D: Tensor) -> Tensor:
    """The unit vector of somebody's texts [D]."""
    return normalize(rows_N_D.mean(0), dim=-1)


def transfer(output_D: Tensor, source_D: Tensor, target_D: Tensor, *, kept: float, alike: float) -> Transfer:
    """`kept`: mean similarity of meaning of outputs and their sources; `alike`: of the target's texts and the sources.

    Where source and target are the same already there is nowhere to go: away and towards are 0.
    """
    distance = _away(target_D, source_D)
    near = _towards(source_D, target_D)
    return Transfer(
        away=min(_away(output_D, source_D), distance) / distance if distance > 0 else 0.0,
        towards=max(_towards(output_D, target_D) - near, 0.0) / (1 - near) if near < 1 else 0.0,
        sim=max(kept - alike, 0.0) / (1 - alike) if alike < 1 else 0.0,
    )


def _asim(a_D: Tensor, b_D: Tensor) -> float:
    # Normalised again in double precision: near 1 the angle would show what single precision has lost.
    a_D, b_D = (normalize(vector.double(), dim=-1) for vector in (a_D, b_D))
    return 1 - torch.arccos((a_D @ b_D).clamp(0, 1)).item() / math.pi


def _away(a_D: Tensor, b_D: Tensor) -> float:
    return 1 - (_asim(a_D, b_D) + 1) / 2


def _towards(a_D: Tensor, b_D: Tensor) -> float:
    return (_asim(a_D, b_D) + 1) / 2
