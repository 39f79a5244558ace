"""One Protocol for each kind: what a component must offer, and what it may use.

Images are float32 tensors, NCHW, RGB, -1..1, unless a name says uint8 (HWC, 0..255, RGB). A component's parameters are
its annotated, keyword-only constructor arguments. A parameter annotated with one of these Protocols is filled from a nested
table (``network = {use = "NAME"}``). Equal tables are one object, which is trained once; only a nested generator or
discriminator belongs to the component that names it, and is never shared.

Optional abilities are Protocols too: ``attrxfer.interfaces.abilities``.
"""

from __future__ import annotations

from attrxfer.interfaces.abilities import (
    BringsStages,
    Calibrated,
    ChecksData,
    ChecksRecipe,
    ChosenAutomatically,
    HasFraming,
    HasParts,
    HasPreview,
    HasSmallSettings,
    NamesWeights,
    PicksImages,
    PlaysAdversarially,
    ReadsAttributes,
    RecipeView,
    Recognises,
    ReferenceMethod,
    SameSubject,
    StatesMissing,
    SupervisesDiscriminator,
    TransfersImages,
)
from attrxfer.interfaces.data import (
    SPLITS,
    Batch,
    Broken,
    Counterfactuals,
    Dataset,
    DatasetView,
    Detector,
    Framing,
    Locator,
    Records,
    Selection,
    SetName,
)
from attrxfer.interfaces.evaluation import AggregateScore, Better, Evaluation, Method, Metric, PerImageScore, Role, Unit
from attrxfer.interfaces.inference import Backend, Exporter, Runner
from attrxfer.interfaces.losses import (
    SLOTS,
    Adversarial,
    DiscriminatorTerms,
    Enhancer,
    Failure,
    Identity,
    Loss,
    Regularizer,
    Slot,
    TransferStep,
)
from attrxfer.interfaces.model import ChoosesBackend, Model
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
    "BringsStages",
    "Broken",
    "Calibrated",
    "ChecksData",
    "ChecksRecipe",
    "ChoosesBackend",
    "ChosenAutomatically",
    "Counterfactuals",
    "Dataset",
    "DatasetView",
    "Detector",
    "Devices",
    "Discrimination",
    "Discriminator",
    "DiscriminatorTerms",
    "Enhancer",
    "Evaluation",
    "Exporter",
    "Failure",
    "Features",
    "Framing",
    "Generator",
    "HasFraming",
    "HasParts",
    "HasPreview",
    "HasSmallSettings",
    "Identity",
    "Locator",
    "Loss",
    "Method",
    "Metric",
    "Model",
    "NamesWeights",
    "PerImageScore",
    "PicksImages",
    "PlaysAdversarially",
    "ReadsAttributes",
    "RecipeView",
    "Recognises",
    "Records",
    "ReferenceMethod",
    "Regularizer",
    "Role",
    "Run",
    "Runner",
    "SameSubject",
    "Selection",
    "SetName",
    "Slot",
    "Stage",
    "StatesMissing",
    "SupervisesDiscriminator",
    "TransferStep",
    "TransfersImages",
    "Unit",
]
