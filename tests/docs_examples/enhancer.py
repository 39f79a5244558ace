from torch import Tensor, nn


class SameColour(nn.Module):
    """Moves the image's mean colour back to its source's. Nothing is learned, so it names no stage."""

    def forward(self, image: Tensor, source: Tensor) -> Tensor:
        moved = (image - source).mean((2, 3), keepdim=True)
        return (image - moved).clamp(-1, 1)
