"""The model card of a bundle: README.md as the hub wants it, out of attrxfer.json alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from attrxfer.errors import AttrxferError
from attrxfer.model.bundle import differences
from attrxfer.report.markdown import conditions
from attrxfer.report.markdown import table as markdown_table
from attrxfer.report.score_text import shown

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry

TEMPLATE = Path(__file__).with_name("model_card.md")
RESTRICTED = re.compile(r"non-?commercial|not for commercial|\bNC\b", re.IGNORECASE)
ROLES = {
    "generator": "in the weights",
    "enhancer": "in the weights",
    "data": "trained on",
    "selection": "trained on",
    "discriminator": "trained with",
    "adversarial": "trained with",
    "identity": "trained with",
    "regularizer": "trained with",
    "metric": "scored with",
}
"""What a section of a recipe is to the model, in the order of the table."""


@dataclass(frozen=True)
class Source:
    """What is known of a data set. name: as people call it. licence: of its images. hub: its name on the hub, if it is
    there. limit: what its models cannot do."""

    name: str
    licence: str
    hub: str = ""
    limit: str = ""


SOURCES = {
    "celeba": Source(
        "CelebA (celebrities' faces, or other images in CelebA's layout)",
        "CelebA is **for non-commercial research only**, and so is what was trained on it: "
        "see [its agreement](https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html)",
        "flwrlabs/celeba",
        "CelebA shows celebrities, mostly young and light-skinned, made up and lit for the camera.",
    ),
    "synthetic_faces": Source(
        "attrxfer draws them itself, no image of a person took part",
        "MIT",
        limit="**It knows drawn faces only**: photographs come out spoilt.",
    ),
}
OWN = Source("images of whoever trained it", "the licence of the images is not recorded: ask whoever published this model")


def model_card(card: Mapping[str, Any], repo: str, registry: Registry) -> str:
    """The text of README.md for a bundle that is published as ``repo`` (OWNER/NAME). card: attrxfer.json as it leaves the
    machine. Needs huggingface_hub, which knows the schema of the head."""
    source = SOURCES.get(card["recipe"]["data"]["use"], OWN)
    name = repo.partition("/")[2]
    body = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=name,
        notice=_notice(card["licences"]),
        task=_task(card),
        repo=repo,
        name=name,
        size=card["size"],
        data=_data(card, source, registry),
        trained=_trained(card.get("trained", {})),
        scores=_scores(card["scores"]),
        settings=_settings(card),
        components=markdown_table(("component", "", "plugin", "licence"), _components(card, registry)),
        licences="\n".join(f"- {licence}" for licence in card["licences"]),
        limits=f"- {source.limit}\n" if source.limit else "",
    )
    return f"---\n{_head(card, repo, source)}\n---\n\n{body.rstrip()}\n"


def guided(card: Mapping[str, Any]) -> str:
    """What results look like: "Male = false"."""
    return conditions(card["task"]["guided"])


def _head(card: Mapping[str, Any], repo: str, source: Source) -> str:
    """The YAML at the top. The licence is MIT only where every part's and the images' is."""
    from huggingface_hub import ModelCardData

    free = set(card["licences"]) == {source.licence} == {"MIT"}
    results = list(_results(card, source))
    data = ModelCardData(
        license="mit" if free else "other",
        license_name=None if free else "see-licences",
        license_link=None if free else f"https://huggingface.co/{repo}#components-and-licences",
        library_name="attrxfer",
        pipeline_tag="image-to-image",
        tags=["attrxfer", "facial-attribute-transfer", card["task"]["name"]],
        datasets=[source.hub] if source.hub else None,
        model_name=repo.partition("/")[2] if results else None,  # only the model-index has a place for it
        eval_results=results or None,
    )
    return str(data.to_yaml())


def _results(card: Mapping[str, Any], source: Source) -> Iterator[Any]:
    """The scores as the hub's model-index has them; it has no place for intervals."""
    from huggingface_hub import EvalResult

    dataset = card["recipe"]["data"]["use"]
    for name, score in card["scores"].get("scores", {}).items():
        if score["value"] is not None:
            yield EvalResult(
                task_type="image-to-image",
                dataset_type=source.hub or dataset,
                dataset_name=dataset,
                dataset_split="test",
                metric_type=name.lower().replace(" ", "_"),
                metric_name=f"{name} ({score['unit']})" if score["unit"] else name,
                metric_value=round(score["value"], 6),
            )


def _notice(licences: Sequence[str]) -> str:
    found = "; ".join(licence for licence in licences if RESTRICTED.search(licence))
    return f"> **Not for commercial use.** What took part restricts its use: {found}.\n\n" if found else ""


def _task(card: Mapping[str, Any]) -> str:
    given = card["recipe"]["task"].get("input")
    first, then = (
        (f"with **{conditions(given)}**", f"with **{guided(card)}**") if given else (f"without **{guided(card)}**", "with it")
    )
    return (
        f"Task *{card['task']['name']}*: images {first} in, the same images {then} out; who is shown is meant to stay the "
        f"same. Images are {card['size']} px a side."
    )


def _data(card: Mapping[str, Any], source: Source, registry: Registry) -> str:
    use = card["recipe"]["data"]["use"]
    _, summary, _ = _registered("dataset", use, registry)
    what = f" ({summary})" if summary else ""
    return f"Data set `{use}`{what}: {source.name}.\nLicence: {source.licence}."


def _trained(known: Mapping[str, Any]) -> str:
    if not known:
        return "How long and on what machine, the bundle does not say."
    where = [str(known["device"])] if "device" in known else []
    where += [f"{known[name]} {name}" for name in ("threads", "processes") if name in known]
    where += [f"precision {known['precision']}"] if "precision" in known else []
    return f"Training took {known['seconds'] / 60:.1f} minutes ({', '.join(where)})."


def _scores(scores: Mapping[str, Any]) -> str:
    if not scores.get("scores"):
        return "None: it was not scored."
    rows = []
    for name, score in scores["scores"].items():
        value, bounds = shown(score)
        better = {"higher": "more", "lower": "less"}.get(score["better"], "")
        rows.append((name, value, bounds, str(score["n"]), better))
    return (
        f"{scores['images']} held-out images of {scores['people']} people. Intervals are 95%, by bootstrap over people; "
        f"the networks that score took no part in training.\n\n"
        + markdown_table(("score", "value", "95% interval", "images", "better"), rows)
    )


def _settings(card: Mapping[str, Any]) -> str:
    """The section on what differs from the recipe it stands for, where it stands for one that is installed."""
    try:
        found = differences(card)
    except AttrxferError:
        found = []
    found = [row for row in found if not row[0].startswith("metric")]  # how it is scored is nothing that it is
    if not found:
        return ""
    reference = card["recipe"]["reference"]
    table = markdown_table(("setting", "here", "there"), found)
    return (
        f"## Where it differs from `{reference}`\n\n<details><summary>{len(found)} settings; none: not there</summary>\n\n"
        f"{table}\n\n</details>\n\n"
    )


def _components(card: Mapping[str, Any], registry: Registry) -> Iterator[tuple[str, str, str, str]]:
    for section, role in ROLES.items():
        tables = card["recipe"].get(section, [])
        for table in tables if isinstance(tables, list) else [tables]:
            owner, _, licence = _registered("dataset" if section == "data" else section, table["use"], registry)
            plugin = f"{owner} {card['plugins'].get(owner, '')}".rstrip() or "not installed where this was written"
            yield f"{section} `{table['use']}`", role, plugin, licence


def _registered(kind: str, name: str, registry: Registry) -> tuple[str, str, str]:
    """Plugin, summary and licence of a component; nothing where it is not installed."""
    try:
        component = registry.get(kind, name)
    except AttrxferError:
        return "", "", ""
    return component.owner, component.summary, component.licence
