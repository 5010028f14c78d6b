"""Batch normalisation with the statistics of the image at hand, for networks that were published in training mode.

Their authors' scripts fuse one image at a time, so "the batch" is the image. Taken per image, the result doesn't depend on
which other images happen to be in the batch.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class ImageNorm2d(nn.BatchNorm2d):
    """Batch normalisation (same parameters and names) over the height and width of each image by itself; biased variance."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise each channel of each image."""
        return F.instance_norm(x, weight=self.weight, bias=self.bias, eps=self.eps)


def use_image_statistics(network: nn.Module) -> None:
    """Replace the behaviour of every ``BatchNorm2d`` below ``network`` by that of ``ImageNorm2d``, in place."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = ImageNorm2d
