"""The model card of a bundle: README.md in the hub's form, written from attrxfer.json only."""

from __future__ import annotations

import html
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
from attrxfer.report.score_text import cell, shown

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry

TEMPLATE = Path(__file__).with_name("model_card.md")
RESTRICTED = re.compile(r"non-?commercial|not for commercial|\bNC\b", re.IGNORECASE)
MARKUP = re.compile(r"[`*]|\](?=[(:\[])")
"""What begins code, emphasis or a link's target in Markdown."""
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
"""How a section of the recipe took part in the model, in the order of the table."""


@dataclass(frozen=True)
class Source:
    """A known data set.

    Attributes:
        name: Its usual name.
        licence: The licence of its images.
        hub: Its name on the hub; "" if it is not there.
        limit: What models trained on it cannot do, as a sentence; "" if nothing is known.
    """

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
        "images that attrxfer draws; no photograph of a person was used",
        "MIT",
        limit="**It works on drawn faces only**: photographs come out damaged.",
    ),
}
OWN = Source("the trainer's own images", "the licence of the images is not recorded: ask who published this model")


GET = """```sh
pip install 'attrxfer[hub]'
attrxfer pull $repo
attrxfer transfer $name photos/ -o out --strength 0.8
```"""
"""How a bundle on the hub is fetched and used."""
USE = """```sh
attrxfer transfer $name photos/ -o out --strength 0.8
```"""
"""How a bundle that lies in a folder, or that a plugin ships, is used."""


def model_card(metadata: Mapping[str, Any], repo: str, registry: Registry) -> str:
    """The text of README.md for a bundle that is published on the hub.

    Args:
        metadata: attrxfer.json as it is uploaded.
        repo: OWNER/NAME on the hub.
        registry: The installed components.
    """
    source = SOURCES.get(metadata["recipe"]["data"]["use"], OWN)
    name = repo.partition("/")[2]
    body = _body(metadata, name, Template(GET).substitute(repo=repo, name=name), registry)
    return f"---\n{_head(metadata, repo, source)}\n---\n\n{body}"


def packed_card(metadata: Mapping[str, Any], name: str, registry: Registry) -> str:
    """The text of README.md for a bundle in a folder of this name; without the hub's head."""
    return _body(metadata, name, Template(USE).substitute(name=name), registry)


def _body(original: Mapping[str, Any], name: str, use: str, registry: Registry) -> str:
    metadata = escaped(original)
    source = SOURCES.get(metadata["recipe"]["data"]["use"], OWN)
    body = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=name,
        notice=_notice(metadata["licences"]),
        task=_task(metadata),
        use=use,
        name=name,
        size=metadata["size"],
        data=_data(metadata, source, registry),
        trained=_trained(metadata.get("trained") or {}),
        scores=_scores(metadata["scores"]),
        settings=_settings(original),
        components=markdown_table(("component", "", "plugin", "licence"), _components(metadata, registry)),
        licences="\n".join(f"- {licence}" for licence in metadata["licences"]),
        limits=f"- {source.limit}\n" if source.limit else "",
    )
    return f"{body.rstrip()}\n"


def escaped(value: Any) -> Any:
    """Texts of a bundle, which may come from anywhere, without HTML, links, images, code or emphasis of Markdown.

    >>> escaped({"licences": ["<b>MIT</b>", "[MIT](http://x)"], "layers": [4, 5]})
    {'licences': ['&lt;b&gt;MIT&lt;/b&gt;', '[MIT&#93;(http://x)'], 'layers': [4, 5]}
    """
    if isinstance(value, Mapping):
        return {escaped(key): escaped(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [escaped(inner) for inner in value]
    return MARKUP.sub(lambda found: f"&#{ord(found[0])};", html.escape(value, quote=False)) if isinstance(value, str) else value


def guided(metadata: Mapping[str, Any]) -> str:
    """The attributes of results: "Male = false"."""
    return conditions(metadata["task"]["guided"])


def _head(metadata: Mapping[str, Any], repo: str, source: Source) -> str:
    """The YAML at the top. Its licence is MIT only if all components and the images have the MIT licence."""
    from huggingface_hub import ModelCardData

    free = set(metadata["licences"]) == {source.licence} == {"MIT"}
    results = list(_results(metadata, source))
    data = ModelCardData(
        license="mit" if free else "other",
        license_name=None if free else "see-licences",
        license_link=None if free else f"https://huggingface.co/{repo}#components-and-licences",
        library_name="attrxfer",
        pipeline_tag="image-to-image",
        tags=["attrxfer", "facial-attribute-transfer", metadata["task"]["name"]],
        datasets=[source.hub] if source.hub else None,
        model_name=repo.partition("/")[2] if results else None,  # the name is written in the model-index only
        eval_results=results or None,
    )
    return str(data.to_yaml())


def _results(metadata: Mapping[str, Any], source: Source) -> Iterator[Any]:
    """The scores for the hub's model-index, which has no intervals."""
    from huggingface_hub import EvalResult

    dataset = metadata["recipe"]["data"]["use"]
    for name, score in metadata["scores"].get("scores", {}).items():
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
    return f"> **Not for commercial use.** Parts of it restrict its use: {found}.\n\n" if found else ""


def _task(metadata: Mapping[str, Any]) -> str:
    given = metadata["recipe"]["task"].get("input")
    target = f"**{guided(metadata)}**"
    first, then = (f"with **{conditions(given)}**", f"with {target}") if given else (f"without {target}", "with it")
    return (
        f"Task *{metadata['task']['name']}*: images {first} in, the same images {then} out; the person is meant to stay the "
        f"same. Images are {metadata['size']} px a side."
    )


def _data(metadata: Mapping[str, Any], source: Source, registry: Registry) -> str:
    use = metadata["recipe"]["data"]["use"]
    _, summary, _ = _registered("dataset", use, registry)
    what = f" ({summary})" if summary else ""
    return f"Data set `{use}`{what}: {source.name}.\nLicence: {source.licence}."


def _trained(known: Mapping[str, Any]) -> str:
    if "seconds" not in known:
        return "The bundle does not record how long it was trained, nor on what machine."
    where = [str(known["device"])] if "device" in known else []
    where += [f"{known[name]} {name}" for name in ("threads", "processes") if name in known]
    where += [f"precision {known['precision']}"] if "precision" in known else []
    return f"Training took {known['seconds'] / 60:.1f} minutes ({', '.join(where)})."


def _scores(scores: Mapping[str, Any]) -> str:
    if not scores.get("scores"):
        return "None: the model was not scored."
    rows = []
    for name, score in scores["scores"].items():
        value, bounds = shown(score)
        better = {"higher": "more", "lower": "less"}.get(score["better"], "")
        rows.append((name, value, bounds, str(score["n"]), better))
    return (
        f"{scores['images']} held-out images of {scores['people']} people. Intervals are 95%, by bootstrap over people; "
        f"the networks that score were not used in training.\n\n"
        + markdown_table(("score", "value", "95% interval", "images", "better"), rows)
        + _slices(scores.get("slices", {}))
    )


def _slices(slices: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """The scores by groups of images; empty where there are none."""
    if not slices:
        return ""
    labels = list(dict.fromkeys(label for scores in slices.values() for label in scores))
    rows = [
        (group, str(max(score["n"] for score in scores.values())), *(cell(scores.get(label)) for label in labels))
        for group, scores in slices.items()
        if scores
    ]
    table = markdown_table(("group", "images", *labels), rows)
    return (
        f"\n\n### By groups\n\n<details><summary>{len(rows)} groups of ten people and more</summary>\n\n{table}\n\n</details>"
    )


def _settings(metadata: Mapping[str, Any]) -> str:
    """The section on differences from the reference recipe; empty where there is none, or it is not installed."""
    try:
        found = differences(metadata)
    except AttrxferError:
        found = []
    found = [row for row in found if not row[0].startswith("metric")]  # scoring is no property of the model
    if not found:
        return ""
    reference = escaped(metadata["recipe"]["reference"])
    table = markdown_table(("setting", "here", "there"), escaped(found))
    return (
        f"## Where it differs from `{reference}`\n\n<details><summary>{len(found)} settings; none: not set</summary>\n\n"
        f"{table}\n\n</details>\n\n"
    )


def _components(metadata: Mapping[str, Any], registry: Registry) -> Iterator[tuple[str, str, str, str]]:
    for section, role in ROLES.items():
        tables = metadata["recipe"].get(section) or []
        for table in tables if isinstance(tables, list) else [tables]:
            owner, _, licence = _registered("dataset" if section == "data" else section, table["use"], registry)
            plugin = f"{owner} {metadata['plugins'].get(owner, '')}".rstrip() or "not installed where this was written"
            yield f"{section} `{table['use']}`", role, plugin, licence


def _registered(kind: str, name: str, registry: Registry) -> tuple[str, str, str]:
    """Plugin, summary and licence of a component; empty texts where it is not installed."""
    try:
        component = registry.get(kind, name)
    except AttrxferError:
        return "", "", ""
    return component.owner, component.summary, component.licence
