import torch
from torch import Tensor, nn


class Edges(nn.Module):
    """Differences of neighbouring pixels, at full and at half size: two maps of six channels. Nothing is learned."""

    kernels: Tensor

    def __init__(self) -> None:
        super().__init__()
        sideways = torch.tensor([[[0.0, 0, 0], [-1, 0, 1], [0, 0, 0]]])
        both = torch.stack([sideways, sideways.transpose(1, 2)]).repeat(3, 1, 1, 1)
        self.register_buffer("kernels", both, persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        half = nn.functional.avg_pool2d(images, 2)
        return tuple(nn.functional.conv2d(each, self.kernels.to(each.dtype), padding=1, groups=3) for each in (images, half))
