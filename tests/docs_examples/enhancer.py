from torch import Tensor, nn


class SameColour(nn.Module):
    """Moves the picture's mean colour back to its source's. Nothing is learned, so it names no stage."""

    def forward(self, picture: Tensor, source: Tensor) -> Tensor:
        moved = (picture - source).mean((2, 3), keepdim=True)
        return (picture - moved).clamp(-1, 1)
