"""BT.601 luma of RGB tensors."""

from __future__ import annotations

from torch import Tensor


def rgb_to_luma(image: Tensor) -> Tensor:
    """BT.601 luma of N×3×H×W (any range, kept): the grey image the metrics are defined on, N×1×H×W."""
    red, green, blue = image.unbind(dim=1)
    return (0.299 * red + 0.587 * green + 0.114 * blue).unsqueeze(1)
