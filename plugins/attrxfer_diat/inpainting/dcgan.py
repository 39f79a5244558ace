"""DCGAN (Radford, Metz, Chintala: ICLR 2016): a generator of images from noise, and its discriminator."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

LATENT = 100
"""Length of z, uniform in -1..1."""


def _initialise(network: nn.Module) -> None:
    """Weights as in section 4 of the DCGAN paper: normal with a standard deviation of 0.02."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)


def _widths(size: int, width: int) -> list[int]:
    """Channels at 4 px, 8 px, ... below ``size``: halved from one side to the next."""
    halvings = (size // 4).bit_length() - 1
    return [width * 2**power for power in reversed(range(halvings))]


class Dcgan(nn.Module):
    """Both networks.

    Args:
        size: Side of the images in pixels, a power of two from 8 on.
        width: Channels of the largest maps; doubled from one side to the next smaller one.
    """

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        widths = _widths(size, width)
        layers: list[nn.Module] = [nn.ConvTranspose2d(LATENT, widths[0], 4, bias=False)]
        for inputs, outputs in zip(widths, [*widths[1:], 3], strict=True):
            layers += [nn.BatchNorm2d(inputs), nn.ReLU(inplace=True)]
            layers.append(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=outputs == 3))
        self.generator = nn.Sequential(*layers, nn.Tanh())
        layers = []
        for inputs, outputs in zip([3, *widths[:0:-1]], widths[::-1], strict=True):
            layers.append(nn.Conv2d(inputs, outputs, 4, 2, 1, bias=inputs == 3))
            layers += [nn.BatchNorm2d(outputs)] if inputs != 3 else []
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        self.discriminator = nn.Sequential(*layers, nn.Conv2d(widths[0], 1, 4), nn.Flatten(0))
        _initialise(self)

    def forward(self, z: Tensor) -> Tensor:
        """Images (N, 3, S, S) in -1..1 from z (N, 100)."""
        images: Tensor = self.generator(z[:, :, None, None])
        return images


def draw(count: int, random: torch.Generator) -> Tensor:
    """z (count, 100)."""
    return torch.rand(count, LATENT, generator=random) * 2 - 1


class Trainer:
    """One update of each network at a time, by Adam with the DCGAN paper's rates.

    Args:
        network: The networks.
        random: Draws z.
    """

    def __init__(self, network: Dcgan, random: torch.Generator) -> None:
        self.network = network
        self.random = random
        self.of_generator = torch.optim.Adam(network.generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.of_discriminator = torch.optim.Adam(network.discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))

    def step(self, images: Tensor) -> tuple[float, float]:
        """Update both by a batch (N, 3, S, S) of real images in -1..1.

        Returns:
            The losses of the discriminator and of the generator.
        """
        network = self.network
        fake = network(draw(len(images), self.random))
        real_logit, fake_logit = network.discriminator(images), network.discriminator(fake.detach())
        ones, zeros = torch.ones_like(real_logit), torch.zeros_like(fake_logit)
        loss = binary_cross_entropy_with_logits(real_logit, ones) + binary_cross_entropy_with_logits(fake_logit, zeros)
        _update(self.of_discriminator, loss)
        deceived = binary_cross_entropy_with_logits(network.discriminator(fake), ones)
        _update(self.of_generator, deceived)
        return float(loss.detach()), float(deceived.detach())


def _update(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
