"""Reads Torch7's binary files (``.t7``): numbers, strings, tables, tensors. Nothing in them is executed."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

NIL, NUMBER, STRING, TABLE, TORCH, BOOLEAN = range(6)
TYPES = {"Float": np.float32, "Double": np.float64, "Int": np.int32, "Long": np.int64, "Byte": np.uint8}


class Reader:
    """Reads the objects of a file in order. An object that is referred to twice becomes one Python object."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.objects: dict[int, Any] = {}

    def unpack(self, form: str) -> Any:
        size = struct.calcsize(form)
        data = self.file.read(size)
        if len(data) < size:
            raise ValueError("ends too early")
        return struct.unpack(f"<{form}", data)[0]

    def string(self) -> str:
        length = self.unpack("i")
        return self.file.read(length).decode("utf-8", "replace")

    def longs(self, count: int) -> list[int]:
        return [self.unpack("q") for _ in range(count)]

    def read(self) -> Any:
        """Read the next object.

        Raises:
            ValueError: The file ends too early, or the object's type is not supported (functions).
        """
        kind = self.unpack("i")
        if kind == NIL:
            return None
        if kind == NUMBER:
            return self.unpack("d")
        if kind == STRING:
            return self.string()
        if kind == BOOLEAN:
            return bool(self.unpack("i"))
        if kind not in (TABLE, TORCH):
            raise ValueError(f"object of type {kind} is not understood")
        index = self.unpack("i")
        if index not in self.objects:
            self._table(index) if kind == TABLE else self._torch(index)
        return self.objects[index]

    def _table(self, index: int) -> None:
        self.objects[index] = table = {}
        for _ in range(self.unpack("i")):
            key, value = self.read(), self.read()
            table[int(key) if isinstance(key, float) and key.is_integer() else key] = value

    def _torch(self, index: int) -> None:
        name = self.string()
        if name.startswith("V "):
            name = self.string()
        kind = name.removeprefix("torch.").removeprefix("Cuda") or "Float"
        if kind.endswith("Storage"):
            dtype = np.dtype(TYPES.get(kind.removesuffix("Storage") or "Float", np.float32))
            count = self.unpack("q")
            self.objects[index] = np.frombuffer(self.file.read(count * dtype.itemsize), dtype)
        elif kind.endswith("Tensor"):
            dimensions = self.unpack("i")
            sizes, strides = self.longs(dimensions), self.longs(dimensions)
            offset = self.unpack("q") - 1
            storage = self.read()
            self.objects[index] = self._tensor(storage, sizes, strides, offset)
        else:  # a module: its fields are a table
            self.objects[index] = {}
            fields = self.read()
            self.objects[index].update(fields if isinstance(fields, dict) else {})

    @staticmethod
    def _tensor(storage: Any, sizes: list[int], strides: list[int], offset: int) -> Any:
        if storage is None or not sizes:
            return np.zeros(sizes or (0,), np.float32)
        if min(offset, *strides) < 0 or offset + sum((s - 1) * t for s, t in zip(sizes, strides, strict=True)) >= len(storage):
            raise ValueError("a tensor reaches beyond its storage")
        steps = [stride * storage.itemsize for stride in strides]
        return np.lib.stride_tricks.as_strided(storage[offset:], sizes, steps).copy()


def read_torch7(path: Path) -> Any:
    """Read the object in a file: dicts, NumPy arrays, numbers, strings.

    Raises:
        ValueError: It is not a Torch7 file.
    """
    with path.open("rb") as file:
        return Reader(file).read()
