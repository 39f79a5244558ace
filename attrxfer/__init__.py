"""attrxfer turns images without an attribute into images with it, while the subject stays the same.

>>> import attrxfer
>>> run = attrxfer.train("recipe.toml", "train.size=128")  # doctest: +SKIP
>>> model = attrxfer.load(run)  # doctest: +SKIP
>>> results = model(images, strength=0.8)  # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from attrxfer.model.calling import CallableModel
    from attrxfer.recipe.schema import Recipe
    from attrxfer.workflows.evaluate import ScoredTask

__all__ = ["Recipe", "evaluate", "export", "load", "train"]


def train(recipe: str | Path | Recipe, *overrides: str, data: str | Path | None = None, out: str | Path | None = None) -> Path:
    """Train a recipe, score the result and write a report: ``attrxfer run``.

    Args:
        recipe: A recipe's file, a name of ``attrxfer recipe ls``, or a ``Recipe``; with the last, no ``overrides`` or ``data``.
        overrides: Settings as ``"a.b=c"``.
        data: Your images, in any layout that an installed data set understands.
        out: The run's folder; ``runs/RECIPE`` where it is left out.

    Returns:
        The run's folder, which ``load`` opens.

    Raises:
        AttrxferError: The recipe is invalid, something is missing, or training failed.
    """
    from attrxfer.plugin import host
    from attrxfer.training.threads import limit_spinning

    limit_spinning()
    from attrxfer.workflows.train import begin

    paths = [None if path is None else Path(path) for path in (data, out)]
    named = str(recipe) if isinstance(recipe, Path) else recipe
    return begin(named, host.load(), overrides=overrides, data=paths[0], out=paths[1]).path


def load(
    path_or_name: str | Path, device: str | torch.device = "cpu", attributes: Mapping[str, bool] | None = None
) -> CallableModel:
    """Open a model.

    Args:
        path_or_name: A bundle, the folder of a finished run, an exported file, a method's name, or a shipped model's name.
        device: Where the networks of a bundle are placed.
        attributes: What a bundle for many attributes makes of images, e.g. {"Young": True}; None: what its recipe says.

    Raises:
        AttrxferError: There is no such model, or it cannot be read.
    """
    from attrxfer.model.loading import load_model

    return load_model(path_or_name, device=device, attributes=attributes)


def evaluate(
    *candidates: str | Path, recipe: str | Path | None = None, data: str | Path | None = None, out: str | Path | None = None
) -> ScoredTask:
    """Score candidates side by side on the held-out inputs of a task: ``attrxfer evaluate``.

    Args:
        candidates: Bundles, finished runs, exported files, methods and shipped models by name, folders of results named as
            the inputs.
        recipe: A recipe whose task, data, metrics and size are used; where it is left out that of the first model, of models
            of several sizes that of the largest.
        data: Images to score on instead of the recipe's.
        out: A folder for scores.json, scores.csv, scores.tex, table.md and page.html; nothing is written where it is left out.

    Raises:
        AttrxferError: A candidate is unknown or does not fit the task, or something is missing.
    """
    from attrxfer.workflows.evaluate import evaluate as score

    paths = [None if path is None else Path(path) for path in (data, out)]
    return score(candidates, recipe=recipe, data=paths[0], out=paths[1])


def export(
    model: str | Path | Sequence[str | Path],
    form: str = "onnx",
    *settings: str,
    out: str | Path | None = None,
    sample: str | Path | None = None,
) -> Path:
    """Write a bundle into one file that runs without torch, and compare it with torch.

    Args:
        model: A bundle, the folder of a finished run, or a shipped model's name; several for a page ("web").
        form: An exporter: see ``attrxfer components exporter``.
        *settings: The exporter's settings, as "name=value".
        out: The file or folder; beside the bundle (of a shipped model: in the current folder) where it is left out.
        sample: Images to compare on; noise where they are left out.

    Returns:
        The file, which ``load`` opens, or the folder.

    Raises:
        AttrxferError: The model cannot be exported, or what the exporter needs is not installed.
    """
    from attrxfer.plugin import host
    from attrxfer.workflows.export import export as write

    models = [model] if isinstance(model, str | Path) else list(model)
    paths = [None if path is None else Path(path) for path in (out, sample)]
    return write(models, form, paths[0], paths[1], host.load(), None, settings)[0]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        # NumPy and pydantic take a while to import; ``attrxfer --help`` must not wait for them
        if name == "Recipe":
            from attrxfer.recipe.schema import Recipe

            return Recipe
        raise AttributeError(f"module 'attrxfer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
