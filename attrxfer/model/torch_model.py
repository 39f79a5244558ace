"""A bundle that is run by torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import Conditional, Framing, Runner
from attrxfer.model.attribute_words import in_words
from attrxfer.model.bundle import Bundle, read_alignment
from attrxfer.model.calling import CallableModel
from attrxfer.model.condition import Fixed, change_of, changing
from attrxfer.model.exported import BATCH, in_batches
from attrxfer.model.inference import Graph, graph_key, prepare, through
from attrxfer.plugin.registry import Registry
from attrxfer.storage.conversion import to_tensor, to_uint8


def blend(source: Tensor, result: Tensor, strength: float) -> Tensor:
    """source + strength * (result - source), clipped to -1..1."""
    return result.clamp(-1, 1) if strength == 1 else torch.lerp(source, result, strength).clamp(-1, 1)


class TorchModel(CallableModel):
    """A bundle ready to use.

    size: the side in pixels the bundle was trained at (the networks also take other sizes divisible by 16).
    guided: the attributes that results have. metadata: all the bundle knows of itself, and "backend" where one was chosen by
    ``use``.
    """

    def __init__(
        self, bundle: Bundle, device: str | torch.device = "cpu", attributes: Mapping[str, bool] | None = None
    ) -> None:
        """Make a bundle ready.

        Args:
            bundle: The bundle.
            device: Where its networks are placed.
            attributes: What a bundle for many attributes makes of images; None: what its recipe's task says.

        Raises:
            AttrxferError: The bundle cannot change these attributes.
        """
        generator, *enhancers = bundle.chain
        self.can_change = generator.attributes if isinstance(generator, Conditional) else ()
        if attributes is not None and not self.can_change:
            raise AttrxferError(
                f"{bundle.path}: makes {in_words(bundle.metadata['task']['guided'])} only: leave --attribute out"
            )
        self._bundle = bundle
        self.metadata = bundle.metadata if attributes is None else changing(bundle.metadata, attributes)
        self.path = bundle.path
        self.size: int = bundle.metadata["size"]
        self.guided: Mapping[str, bool] = self.metadata["task"]["guided"]
        self.name = str(bundle.path)
        self.framing = Framing.read(bundle.metadata.get("framing"))
        self.alignment = read_alignment(bundle.metadata)
        self.device = torch.device(device)
        self._runner: Runner | None = None
        self._backend: tuple[str, Registry] | None = None
        if self.can_change:
            generator = Fixed(generator, change_of(self.can_change, self.guided))
        chain = [generator, *enhancers]
        self._chain = [network.to(self.device, memory_format=torch.channels_last) for network in chain]  # type: ignore[call-overload]

    def changing(self, wanted: Mapping[str, bool]) -> TorchModel:
        made = TorchModel(self._bundle, self.device, wanted)
        if self._backend is not None:
            made.use(*self._backend)
        return made

    @torch.no_grad()
    def tensors(self, images: Tensor, strength: float = 1.0) -> Tensor:
        """x + strength * (chain(x) - x), clipped to -1..1, for images (N, 3, S, S) in -1..1.

        Strength 0 returns the images themselves, 1 the trained transfer; above 1 exaggerates.
        """
        if strength == 0:
            return images
        source = images.to(self.device)
        return blend(source, self.result(source), strength)

    @torch.no_grad()
    def result(self, images: Tensor) -> Tensor:
        """What the chain makes of images (N, 3, S, S) in -1..1, before strength and clipping: ``blend`` gives any strength from
        it without another pass."""
        return through(self._chain, images.to(self.device)).float()

    def __repr__(self) -> str:
        return f"TorchModel({self.name!r}, {self.metadata['task']['name']}, {self.size} px, {self.device})"

    def parameters(self) -> int:
        """The number of parameters of its networks."""
        return sum(parameter.numel() for network in self._chain for parameter in network.parameters())

    def images(self, images_u8: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        """The same for uint8 images (N, S, S, 3), in batches of 32, on the backend chosen by ``use``."""
        run = self._runner or (lambda images, strength: to_uint8(self.tensors(to_tensor(images), strength)))
        return in_batches(run, images_u8, strength)

    def at_any_strength(self, images_u8: NDArray[np.uint8]) -> Callable[[float], NDArray[np.uint8]]:
        """A function from a strength to what torch makes of uint8 images (N, S, S, 3); the networks run once, now."""
        sources = to_tensor(images_u8).to(self.device).split(BATCH)
        results = [self.result(source) for source in sources] if len(images_u8) else []

        def blended(strength: float) -> NDArray[np.uint8]:
            if not results:
                return images_u8
            pairs = zip(sources, results, strict=True)
            return np.concatenate([to_uint8(blend(source, result, strength)) for source, result in pairs])

        return blended

    def graph(self) -> Graph:
        """The chain as one module from uint8 images to uint8 images."""
        return Graph(tuple(self._chain)).eval()

    def use(self, backend: str, registry: Registry) -> None:
        """Run ``images`` on this backend (kind ``backend``; "auto": the fastest one here). Raises AttrxferError when it
        does not exist or its libraries are not installed."""
        example = np.random.default_rng(0).integers(0, 256, (BATCH, self.size, self.size, 3)).astype(np.uint8)
        graph = self.graph()
        self._runner = prepare(backend, graph, example, graph_key(graph, self.metadata), registry)
        self._backend = backend, registry
        self.metadata = {**self.metadata, "backend": backend}
