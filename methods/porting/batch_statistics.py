"""Batch normalisation with the statistics of the image itself, for networks that were published in training
mode.

Their authors' scripts fuse one image at a time, so "the batch" is the image. Taken per image, the result
doesn't depend on which other images happen to be in the batch.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


def normalise_images(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float) -> torch.Tensor:
    """Normalise each channel (N×C×H×W) of each image by its own mean and biased variance, then scale and
    shift it.
    """
    if x.device.type != "cpu":
        return F.instance_norm(x, weight=weight, bias=bias, eps=eps)
    # The same by simple operations, which a CPU does several times faster than torch's single one.
    centred = x - x.mean((2, 3), keepdim=True)
    variance = torch.linalg.vector_norm(centred, dim=(2, 3), keepdim=True).square() / x[0, 0].numel()
    scale = weight[:, None, None] * torch.rsqrt(variance + eps)
    return centred.mul_(scale).add_(bias[:, None, None])


class ImageNorm2d(nn.BatchNorm2d):
    """Batch normalisation (same parameters and names) over the height and width of each image by itself;
    biased variance.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise each channel of each image."""
        return normalise_images(x, self.weight, self.bias, self.eps)


def use_image_statistics(network: nn.Module) -> None:
    """Replace the behaviour of every ``BatchNorm2d`` below ``network`` by that of ``ImageNorm2d``, in place."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = ImageNorm2d
