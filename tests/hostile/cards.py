"""Bundles spoilt at random, and what the product makes of them."""

from __future__ import annotations

import copy
import json
import random
import resource
import shutil
import struct
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import attrxfer
from attrxfer.errors import AttrxferError
from attrxfer.storage.files import sha256
from tests.conftest import attrxfer as command

METADATA, WEIGHTS = "attrxfer.json", "model.safetensors"
LONGEST_LINE = 1000
"""Characters of an error, at most."""
ACTIONS = ("info", "load", "transfer", "pack")
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 10**18, 10**400, 1.5, -1e308, float("nan"), float("inf")),
    *("", "x", "..", "../../x", "/dev/zero", "a\x1b[31mb", "a\nb", "\ud800", "\u202egnp", "<script>", "x" * 100_000),
    *([], {}, [[]], [0], ["a"], [None], {"use": "masked"}, {"use": "global"}, {"a": {"b": [1]}}, [1] * 20_000),
)
"""Values that replace a good one."""


@dataclass(frozen=True)
class Outcome:
    """What one action made of one spoilt bundle.

    Attributes:
        case: Its number, from which it can be made again.
        action: One of ``ACTIONS``.
        spoilt: What was done to the bundle.
        result: "works", "refused", or the name of an exception that should not have happened.
        seconds: Processor time that it took.
        message: The error's message.
    """

    case: int
    action: str
    spoilt: str
    result: str
    seconds: float
    message: str


def complete(bundle: Path) -> None:
    """Give a bundle what only longer runs have: scores, and what its training images look like."""
    score = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 8, "unit": "share", "better": "higher", "role": "attribute accuracy"}
    card = json.loads((bundle / METADATA).read_text())
    card |= {
        "scores": {"images": 8, "people": 8, "scores": {"a": score}, "slices": {"some": {"a": score}}},
        "response": {"strengths": [0, 0.5, 1], "shares": [0, 0.5, 1]},
        "texture": {"mean": [0.0] * 9, "precision": np.eye(9).tolist(), "limit": 10.0},
        "attribute": {"weights": [0.0] * 704, "bias": 0.0, "accuracy": 0.75},
        "weights": {"features of somebody": "0" * 64},
    }
    (bundle / METADATA).write_text(json.dumps(card))


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys of all values in a card, as paths; long lists by their first two items."""
    keys: Any = value.keys() if isinstance(value, dict) else range(min(len(value), 2)) if isinstance(value, list) else ()
    for key in keys:
        yield (*place, key)
        yield from places(value[key], (*place, key))


def _restructured(card: dict[str, Any], chance: random.Random) -> tuple[str, str]:
    """A card with one or two parts deleted, replaced, renamed, nested or multiplied, as JSON, and what was done."""
    card, said = copy.deepcopy(card), []
    shallow = chance.random() < 0.6
    for _ in range(chance.choice((1, 1, 2))):
        found = [place for place in places(card) if not shallow or len(place) <= 3]
        *above, key = chance.choice(found)
        parent: Any = card
        for step in above:
            parent = parent[step]
        how = chance.choice(("delete", "retype", "retype", "retype", "nest", "rename", "multiply", "huge"))
        if how == "delete":
            del parent[key]
        elif how == "retype":
            parent[key] = copy.deepcopy(chance.choice(ODD))
        elif how == "nest":
            for _ in range(chance.choice((1, 40, 400))):
                parent[key] = [parent[key]] if chance.random() < 0.5 else {"a": parent[key]}
        elif how == "rename" and isinstance(parent, dict):
            parent[chance.choice(("x", "\x1b]0;x\x07", "y" * 1000, "a\nb"))] = parent.pop(key)
        elif how == "multiply" and isinstance(parent[key], list):
            parent[key] = parent[key] * chance.choice((2, 1000))
        elif how == "huge" and isinstance(parent[key], int):
            parent[key] = parent[key] * chance.choice((2, 16, 10**6, 10**12)) + chance.choice((0, 1))
        said.append(f"{how} {'.'.join(map(str, (*above, key)))}"[:80])
    return json.dumps(card), ", ".join(said)


def spoil(bundle: Path, seed: int) -> str:
    """Spoil a bundle in place.

    Args:
        bundle: A good bundle.
        seed: Decides how.

    Returns:
        What was done.
    """
    chance = random.Random(seed)
    text = (bundle / METADATA).read_text()
    kind = chance.choices(("structure", "bytes", "text", "weights"), (7, 1, 1, 2))[0]
    if kind == "structure":
        text, said = _restructured(json.loads(text), chance)
        (bundle / METADATA).write_text(text)
    elif kind == "bytes":
        content = _with_other_bytes(text.encode(), chance)
        (bundle / METADATA).write_bytes(content)
        said = "bytes of the card"
    elif kind == "text":
        value = chance.choice(("9" * 5000, "9" * 4000, "[" * 5000 + "]" * 5000, '{"a":' * 5000, "NaN", "1e999", "-Infinity"))
        key = chance.choice(('"size": ', '"alignment": ', '"x": ', '"chain": '))
        (bundle / METADATA).write_text(text.replace(key, f"{key}{value}, ", 1) if key in text else f"{{{key}{value}}}")
        said = f"text {key}{value[:10]}"
    else:
        weights = (bundle / WEIGHTS).read_bytes()
        (length,) = struct.unpack("<Q", weights[:8])
        if chance.random() < 0.3:
            head = struct.pack("<Q", chance.choice((0, 1, length - 1, length + 1, 2**40, 2**63)))
        else:
            head = weights[:8]
        header = weights[8 : 8 + length]
        if chance.random() < 0.8:
            old, new = chance.choice(
                (
                    (b'"F32"', b'"I64"'),
                    (b'"F32"', b'"F99"'),
                    (b"[4", b"[8"),
                    (b"weight", b"height"),
                    (b"0.", b"1."),
                    (b",", b" "),
                )
            )
            header = header.replace(old, new, chance.choice((1, 1000)))
        else:
            header = _with_other_bytes(header, chance)
        (bundle / WEIGHTS).write_bytes(head + header + weights[8 + length :][: chance.choice((None, 100))])
        card = json.loads(text)
        card["sha256"][WEIGHTS] = sha256(bundle / WEIGHTS)
        (bundle / METADATA).write_text(json.dumps(card))
        said = "header of the weights"
    return said


def _with_other_bytes(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 3, 10))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed[: chance.choice((None, None, len(changed) // 2))])


def run(good: Path, folder: Path, cases: range, actions: tuple[str, ...] = ACTIONS) -> Iterator[Outcome]:
    """Spoil a bundle in many ways, and do with each what a user does with a stranger's bundle.

    Args:
        good: A good bundle.
        folder: For what is written.
        cases: Seeds of the spoilt bundles. Case n runs info, and of the other actions the n-th.
        actions: What is done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    photo = folder / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)).save(photo)
    spoilt, out = folder / "spoilt", folder / "out"
    does: dict[str, Callable[[], object]] = {
        "info": lambda: _printed("info", spoilt),
        "load": lambda: attrxfer.load(spoilt),
        "transfer": lambda: _printed("transfer", "--aligned", spoilt, photo, "-o", out),
        "pack": lambda: _printed("pack", spoilt, out),
    }
    others = [action for action in actions if action != "info"]
    for case in cases:
        shutil.copytree(good, spoilt)
        said = spoil(spoilt, case)
        for action in dict.fromkeys(("info", others[case % len(others)])):
            begun = time.process_time()
            result, message = _tried(does[action])
            yield Outcome(case, action, said, result, time.process_time() - begun, message)
            shutil.rmtree(out, ignore_errors=True)
        shutil.rmtree(spoilt)


def _printed(*arguments: str | Path) -> None:
    """Run a command; what it prints is safe for a terminal, and an error is one line."""
    done = command(*arguments)
    shown = (done.stdout + done.stderr).replace("\n", "")
    if not shown.isprintable():
        raise ValueError(f"prints control characters: {shown!r}")
    if done.returncode == 2:
        raise AttrxferError(done.stderr.removesuffix("\n"))
    if done.returncode != 0:
        raise ValueError(f"exit code {done.returncode}: {done.stderr}")


def _tried(action: Callable[[], object]) -> tuple[str, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            action()
    except AttrxferError as error:
        message = str(error)
        return (
            "refused" if "\n" not in message and message.isprintable() and len(message) < 1000 else "no short line"
        ), message
    except Exception as error:  # the fault that is looked for
        return type(error).__name__, str(error)[:300]
    return "works", ""


def peak() -> float:
    """The largest memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
