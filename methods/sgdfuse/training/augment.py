"""Changes to a training crop that another camera or another moment could have made: gamma, gain, sensor
noise, misregistration.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def augment_sensors(
    infrared: Tensor, visible: Tensor, generator: torch.Generator, shift: int = 2
) -> tuple[Tensor, Tensor]:
    """Infrared 1×H×W and visible 3×H×W in [0, 1] → the same, changed at random; the geometry moves by `shift`
    pixels at most.

    Each sensor: gamma in [.7, 1.4], gain in [.8, 1.2], noise of up to .02 for a half of the crops. Infrared
    moves against visible for a third of them.
    """
    changed = []
    for image in (infrared, visible):
        gamma = 0.7 * 2.0 ** _uniform(generator)
        gain = 0.8 + 0.4 * _uniform(generator)
        image = (image.clamp_min(0) ** gamma * gain).clamp(0, 1)
        if _uniform(generator) < 0.5:
            sigma = 0.02 * _uniform(generator)
            noise = torch.randn(image.shape, generator=generator).to(image.device)
            image = (image + sigma * noise).clamp(0, 1)
        changed.append(image)
    infrared, visible = changed
    if shift and _uniform(generator) < 1 / 3:
        infrared = _moved(infrared, shift, generator)
    return infrared, visible


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand(1, generator=generator))


def _moved(image: Tensor, shift: int, generator: torch.Generator) -> Tensor:
    """Moved by whole pixels, the border reflected."""
    dy, dx = (int(value) for value in torch.randint(0, 2 * shift + 1, (2,), generator=generator))
    height, width = image.shape[-2:]
    padded = F.pad(image[None], (shift, shift, shift, shift), mode="reflect")[0]
    return padded[..., dy : dy + height, dx : dx + width]
