"""Good content spoilt at random: values of a tree, bytes of a file."""

from __future__ import annotations

import copy
import json
import random
import struct
from collections.abc import Iterator
from typing import Any

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 10**18, 10**400, 1.5, -1e308, float("nan"), float("inf")),
    *("", "x", "..", "../../x", "/dev/zero", "a\x1b[31mb", "a\nb", "\ud800", "\u202egnp", "<script>", "x" * 100_000),
    *([], {}, [[]], [0], ["a"], [None], {"use": "masked"}, {"use": "global"}, {"a": {"b": [1]}}, [1] * 20_000),
)
"""Values that replace a good one."""
NUMBERS = (0, 1, 2, 127, 128, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)
"""Numbers of four bytes at which programs stumble."""


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys of all values in a tree, as paths; long lists by their first two items."""
    keys: Any = value.keys() if isinstance(value, dict) else range(min(len(value), 2)) if isinstance(value, list) else ()
    for key in keys:
        yield (*place, key)
        yield from places(value[key], (*place, key))


def restructured(tree: dict[str, Any], chance: random.Random) -> tuple[dict[str, Any], str]:
    """A tree with one or two parts deleted, replaced, renamed, nested or multiplied, and what was done."""
    tree, said = copy.deepcopy(tree), []
    shallow = chance.random() < 0.6
    for _ in range(chance.choice((1, 1, 2))):
        found = [place for place in places(tree) if not shallow or len(place) <= 3]
        *above, key = chance.choice(found)
        parent: Any = tree
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
    return tree, ", ".join(said)


def spoilt_json(text: str, chance: random.Random) -> tuple[bytes, str]:
    """A JSON file with parts, bytes or numbers changed, and what was done."""
    kind = chance.choices(("structure", "bytes", "text"), (7, 1, 1))[0]
    if kind == "structure":
        tree, said = restructured(json.loads(text), chance)
        return json.dumps(tree).encode(), said
    if kind == "bytes":
        return with_other_bytes(text.encode(), chance), "bytes of the JSON"
    value = chance.choice(("9" * 5000, "9" * 4000, "[" * 5000 + "]" * 5000, '{"a":' * 5000, "NaN", "1e999", "-Infinity"))
    key = chance.choice(('"size": ', '"alignment": ', '"x": ', '"chain": '))
    spoilt = text.replace(key, f"{key}{value}, ", 1) if key in text else f"{{{key}{value}}}"
    return spoilt.encode(), f"text {key}{value[:10]}"


def with_other_bytes(content: bytes, chance: random.Random) -> bytes:
    """Content with one to ten bytes changed; some of it cut off in the middle."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 3, 10))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed[: chance.choice((None, None, len(changed) // 2))])


def spoilt_bytes(content: bytes, chance: random.Random, head: int = 512) -> tuple[bytes, str]:
    """A binary file changed in one to four places, most of them in its first ``head`` bytes, and what was done."""
    changed, said = bytearray(content), []
    for _ in range(chance.choice((1, 1, 2, 4))):
        end = len(changed) if chance.random() < 0.4 else min(head, len(changed))
        place = chance.randrange(max(1, end))
        length = chance.choice((1, 4, 16, 200))
        how = chance.choice(("byte", "bit", "number", "number", "cut", "remove", "repeat", "zeros", "swap", "append"))
        if how == "byte" and changed:
            changed[place] = chance.randrange(256)
        elif how == "bit" and changed:
            changed[place] ^= 1 << chance.randrange(8)
        elif how == "number":
            changed[place : place + 4] = struct.pack(chance.choice("<>") + "I", chance.choice(NUMBERS))
        elif how == "cut":
            del changed[place:]
        elif how == "remove":
            del changed[place : place + length]
        elif how == "repeat":
            changed[place:place] = changed[place : place + length] * chance.choice((1, 50))
        elif how == "zeros":
            changed[place : place + length] = bytes(length)
        elif how == "swap":
            other = chance.randrange(max(1, len(changed)))
            changed[place : place + length], changed[other : other + length] = (
                changed[other : other + length],
                changed[place : place + length],
            )
        else:
            changed += chance.randbytes(length)
        said.append(f"{how} at {place}")
    return bytes(changed), ", ".join(said)
