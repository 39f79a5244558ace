"""The forms of the attribute loss: what D and T minimise, logit by logit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus

LossName = Literal["cross_entropy", "least_squares", "hinge", "wasserstein", "relativistic"]


class Formula(NamedTuple):
    """One form of the loss; each function maps logits of any shape to costs of the same shape.

    Attributes:
        real: What D pays for the logits of real images.
        generated: What D pays for those of generated images.
        fooled: What T pays for those of generated images.
        chance: What D pays where it guesses (all logits 0); None where that says nothing, since D's loss has no lower bound.
    """

    real: Callable[[Tensor], Tensor]
    generated: Callable[[Tensor], Tensor]
    fooled: Callable[[Tensor], Tensor]
    chance: float | None


def _against(logit: Tensor) -> Tensor:
    """Cross-entropy of logits that should be high."""
    return softplus(-logit)


FORMULAS: dict[LossName, Formula] = {
    "cross_entropy": Formula(_against, softplus, _against, 2 * math.log(2)),
    "least_squares": Formula(
        lambda logit: ((logit - 1) / 2).square(),
        lambda logit: ((logit + 1) / 2).square(),
        lambda logit: ((logit - 1) / 2).square(),
        0.5,
    ),
    "hinge": Formula(lambda logit: torch.relu(1 - logit), lambda logit: torch.relu(1 + logit), lambda logit: -logit, 2.0),
    "wasserstein": Formula(lambda logit: -logit, lambda logit: logit, lambda logit: -logit, None),
    # of pairs: the argument is the logit of an image minus that of its partner, and D pays once for a pair
    "relativistic": Formula(_against, torch.zeros_like, _against, math.log(2)),
}
"""Mao et al., ICCV 2017 (least squares, with targets 1 and -1); Lim and Ye, 2017 (hinge); Arjovsky et al., ICML 2017
(Wasserstein); Jolicoeur-Martineau, ICLR 2019, and Huang et al., NeurIPS 2024 (relativistic, of pairs)."""
