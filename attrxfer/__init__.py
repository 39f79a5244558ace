"""attrxfer turns images without an attribute into images with it, while the subject stays the same.

>>> import attrxfer
>>> transfer = attrxfer.load("runs/diat_a_gender")  # doctest: +SKIP
>>> results = transfer(images, strength=0.8)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attrxfer.model.loading import TorchModel, load

__all__ = ["TorchModel", "load"]


def __getattr__(name: str) -> Any:
    # torch takes seconds to import; ``attrxfer --help`` and plugins' registration must not wait for it
    if name in __all__:
        from attrxfer.model import loading as transfer

        return getattr(transfer, name)
    raise AttributeError(f"module 'attrxfer' has no attribute {name!r}")
