"""Losses on a recognition network: T(x) shows the same person (identity), with the wanted attribute (regularizer)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from attrxfer.errors import AttrxferError, Problem
from attrxfer.interfaces import Features, RecipeView, TransferStep
from attrxfer_diat.recognition.description import Recognition, read_output, read_source

Weight = Annotated[float, Field(ge=0)]
NO_PEOPLE = 'this loss compares people: network = {use = "recognition"} or {use = "onnx", path = "FILE"}'
NO_ATTRIBUTES = 'this loss reads attributes: network = {use = "recognition"}'


class Embedding:
    """The person in T(x) is the one in x: the mean of max(0, margin - cosine of the two embeddings).

    Only what falls below the margin costs anything, so T is free to change what the network does not need to know the person
    by. Not in the paper, whose identity loss (eq. 1-2) compares feature maps.

    Args:
        network: ``{use = "recognition"}``, or a file of yours: ``{use = "onnx", path = ...}``.
        margin: The cosine that is near enough.
        weight: Weight of the term in T's objective.
    """

    def __init__(self, *, network: Features, margin: Annotated[float, Field(gt=-1, le=1)] = 0.6, weight: Weight = 3.0) -> None:
        self.network = network
        self.margin = margin
        self.weight = weight

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """A problem when the network knows no people."""
        if not isinstance(self.network, Recognition):
            yield Problem("network", NO_PEOPLE)
        elif not self.network.embedding:
            yield Problem("network.embedding", "0: this loss compares embeddings; 128 is the default")

    def __call__(self, step: TransferStep) -> Tensor:
        """A scalar, not yet multiplied by ``weight``."""
        if not isinstance(self.network, Recognition):
            raise AttrxferError(NO_PEOPLE)
        before, after = read_source(self.network, step), read_output(self.network, step)
        cosine = (before.embedding * after.embedding).sum(1)
        return torch.relu(self.margin - cosine).mean()


class Classification:
    """The network sees the wanted attributes in T(x): binary cross-entropy of its logits.

    Not in the paper. x and T(x) are seen under the same random view as in ``embedding``.

    Args:
        network: ``{use = "recognition", attributes = [...]}``; the attributes include those of ``guided``.
        guided: Attribute -> value that results should have; the task's own where the recipe does not say.
        weight: Weight of the term in T's objective.
    """

    def __init__(
        self, *, network: Features, guided: Annotated[dict[str, bool], Field(min_length=1)], weight: Weight = 1.0
    ) -> None:
        self.network = network
        self.guided = guided
        self.weight = weight

    @classmethod
    def attributes_read(cls, **parameters: Any) -> Sequence[str]:
        """The attributes that results should have."""
        return list(parameters["guided"])

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """A problem when the network knows no attributes, or others."""
        if not isinstance(self.network, Recognition) or not self.network.attributes:
            yield Problem("network", NO_ATTRIBUTES)
            return
        missing = [name for name in self.guided if name not in self.network.attributes]
        if missing:
            yield Problem("network.attributes", f"{list(self.network.attributes)}: {', '.join(missing)} is missing")

    def __call__(self, step: TransferStep) -> Tensor:
        """A scalar, not yet multiplied by ``weight``."""
        network = self.network
        if not isinstance(network, Recognition):
            raise AttrxferError(NO_ATTRIBUTES)
        found = read_output(network, step).logits
        logits = [found[:, network.attributes.index(name)] for name in self.guided]
        wanted = [torch.full_like(logit, float(value)) for logit, value in zip(logits, self.guided.values(), strict=True)]
        return binary_cross_entropy_with_logits(torch.stack(logits, 1), torch.stack(wanted, 1))
