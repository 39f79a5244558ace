"""One Protocol a kind: what a component must offer to be registered, and what it may rely on.

Images are float32 tensors, NCHW, RGB, -1..1, unless a name says uint8 (HWC, 0..255, RGB). A component's parameters are
its annotated, keyword-only constructor arguments. A parameter annotated with one of these Protocols is filled from a nested
table (``network = {use = "diat"}``). Equal tables are one object, which trains once; only a nested generator or
discriminator belongs to the component that names it.

A class may have a classmethod ``needs(**parameters) -> Sequence[str]``: what is missing on this machine before a component
with these parameters can be built (a file, an extra), each with its remedy. A run stops on all of them before its first stage.
So it does when a component's method ``check_data(data)``, given the opened data set, raises DataError.
"""

from __future__ import annotations

from attrxfer.interfaces.data import (
    SPLITS,
    Batch,
    Broken,
    Counterfactuals,
    Dataset,
    Detector,
    Framing,
    Locator,
    Records,
    Selection,
    SetName,
)
from attrxfer.interfaces.evaluation import AggregateScore, Better, Evaluation, Method, Metric, PerImageScore, Unit
from attrxfer.interfaces.inference import Backend, Exporter, Runner
from attrxfer.interfaces.losses import SLOTS, Adversarial, Enhancer, Identity, Loss, Regularizer, Slot, TransferStep
from attrxfer.interfaces.networks import Discrimination, Discriminator, Features, Generator
from attrxfer.interfaces.training import Devices, Run, Stage

KINDS: dict[str, type] = {
    "generator": Generator,
    "discriminator": Discriminator,
    "features": Features,
    "adversarial": Adversarial,
    "identity": Identity,
    "regularizer": Regularizer,
    "enhancer": Enhancer,
    "dataset": Dataset,
    "selection": Selection,
    "locator": Locator,
    "stage": Stage,
    "metric": Metric,
    "method": Method,
    "backend": Backend,
    "exporter": Exporter,
}
"""Every kind by its name. Adding one is its Protocol and one line here."""

__all__ = [
    "KINDS",
    "SLOTS",
    "SPLITS",
    "Adversarial",
    "AggregateScore",
    "Backend",
    "Batch",
    "Better",
    "Broken",
    "Counterfactuals",
    "Dataset",
    "Detector",
    "Devices",
    "Discrimination",
    "Discriminator",
    "Enhancer",
    "Evaluation",
    "Exporter",
    "Features",
    "Framing",
    "Generator",
    "Identity",
    "Locator",
    "Loss",
    "Method",
    "Metric",
    "PerImageScore",
    "Records",
    "Regularizer",
    "Run",
    "Runner",
    "Selection",
    "SetName",
    "Slot",
    "Stage",
    "TransferStep",
    "Unit",
]
