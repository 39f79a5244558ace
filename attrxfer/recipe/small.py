"""Any recipe with its networks narrow and its stages short, so that a whole run takes seconds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from annotated_types import Ge

from attrxfer.interfaces import HasSmallSettings
from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import Spec, plain, schema
from attrxfer.recipe.assembly import Assembly
from attrxfer.recipe.loading import complete, read
from attrxfer.recipe.merging import merge
from attrxfer.recipe.parsing import parse
from attrxfer.recipe.schema import ONE, Recipe

SMALL = {"width": 4, "blocks": 1, "hidden": 8, "steps": 3, "batch_size": 4, "dstep": 2, "tstep": 2, "pool": 3}
"""Settings of any component or stage that are lowered to this, as far as their own bounds allow. A component's own such
settings come with it (``HasSmallSettings``)."""
TRAIN = {"size": 16, "batch_size": 4, "checkpoint_every": 2, "threads": 1, "precision": "no", "trackers": [], "start": ""}
REPORT = {"samples_every": 2, "samples": 2, "evaluate": 8}


def small_recipe(recipe: str | Path | Mapping[str, Any], host: Host, **overrides: Any) -> Recipe:
    """A recipe (a name, a file, or a table that may say ``extends``) that trains in a second or two.

    Images have 16 px, stages 3 steps, and there is no metric; ``SMALL`` is lowered in every component. ``overrides`` are
    sections merged into the recipe's, as those of a recipe that extends it: ``identity={"use": "edges"}``. Their values
    are not lowered.
    Raises what ``attrxfer.recipe.load`` raises.
    """
    table = dict(recipe) if isinstance(recipe, Mapping) else read(recipe, host)
    base = table.pop("extends", None)
    if base is not None:
        table = merge(read(base, host), table, ())
    source = "the test's table" if isinstance(recipe, Mapping) else str(recipe)
    small = merge(table, {"metric": [], "train": TRAIN, "report": REPORT}, ())
    full = complete(merge(small, overrides, ()), source, host)
    filled = full.filled()
    for kind, spec in (("data", full.data), ("selection", full.selection)):
        if spec is not None:
            filled[kind] = _lowered(spec, overrides.get(kind, {}))
    for kind, specs in full.specs.items():
        if specs:
            filled[kind] = _lowered(specs[0] if kind in ONE else specs, overrides.get(kind, {}))
    own = overrides.get("train", {})
    for name in _stages(full):
        filled["train"][name] = {k: v for k, v in _lowered(full.stage(name), own.get(name, {})).items() if k != "use"}
    return parse(filled, host.registry, source)


def _stages(recipe: Recipe) -> list[str]:
    """The stages that this recipe runs or sets."""
    return list(dict.fromkeys([*recipe.stage_specs, *(stage.name for stage in Assembly(recipe).stages)]))


def _lowered(value: Any, given: Any) -> Any:
    """A spec's table, or a tuple's, with ``SMALL`` applied to all that ``given``, the author's own table, does not set."""
    if isinstance(value, tuple):
        tables = given if isinstance(given, list | tuple) else [given]
        return [_lowered(item, tables[i] if i < len(tables) else {}) for i, item in enumerate(value)]
    if not isinstance(value, Spec):
        return plain(value)
    loaded = value.component.load()
    fields = schema(loaded).model.model_fields
    small = {**SMALL, **loaded.small_settings} if isinstance(loaded, HasSmallSettings) else SMALL
    table: dict[str, Any] = {"use": value.name}
    for name, setting in value.values.items():
        own = given.get(name) if isinstance(given, Mapping) else None
        if own is None and name in small and isinstance(setting, int):
            bounds: list[Any] = [bound.ge for bound in fields[name].metadata if isinstance(bound, Ge)]
            table[name] = min(setting, max([small[name], *bounds]))
        elif setting is not None:
            table[name] = _lowered(setting, own or {})
    return table
