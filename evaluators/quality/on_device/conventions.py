"""Which metrics of which convention have a torch version that scores whole batches, and on which grey levels.

A convention's other metrics stay on the CPU (`conventions/table.py`): those that count, sort or fit what
torch has no function for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from fusionbench.images.measures import mutual_information

from . import metrics as b

BatchFormula = Callable[[Tensor, Tensor, Tensor], Tensor]
"""N×1×H×W levels of infrared, visible and fused images to N values."""

CHANNELS = "channels"
"""In place of a grey conversion: the colour channels one by one, their values averaged (VIFB)."""


def _gradient_over_inner(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    height, width = fused.shape[-2:]
    return b.average_gradient(fused) * (height * width / ((height - 1) * (width - 1) or math.nan))


def _bits(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    return mutual_information(infrared, visible, fused) / math.log(2)


def _unit_error(infrared: Tensor, visible: Tensor, fused: Tensor) -> Tensor:
    return b.mean_squared_error(infrared, visible, fused) / 255.0**2


def _decibels(error: Tensor) -> Tensor:
    return torch.where(error > 0, 10 * torch.log10(255.0**2 / error), math.nan)


def _half(formula: BatchFormula) -> BatchFormula:
    return lambda a, v, f: formula(a, v, f) / 2


_CDDFUSE: dict[str, BatchFormula] = {
    name: b.METRICS[name]
    for name in ("EN", "SD", "SF", "AG", "MI", "SCD", "CC", "VIF", "Qabf", "MSE", "PSNR")
}
_LINFENG: dict[str, BatchFormula] = {
    **{name: b.METRICS[name] for name in ("EN", "SD", "SF", "SCD", "CC", "VIF", "Qabf")},
    "AG": _gradient_over_inner,
    "MSE": _unit_error,
    "PSNR": lambda *images: _decibels(_unit_error(*images)),
}
_VIFB_CORRECTED: dict[str, BatchFormula] = {
    **{name: b.METRICS[name] for name in ("EN", "MI", "SD", "SSIM")},
    "AG": _gradient_over_inner,
    "PSNR": lambda *images: _decibels(b.mean_squared_error(*images)),
    "RMSE": b.root_mean_squared_error,
    "Qabf": partial(b.qabf, equal_gain=255.0),
}
_CORRECTED: dict[str, BatchFormula] = {
    **{name: b.METRICS[name] for name in ("EN", "SD", "SF", "AG", "SCD", "CC", "VIF", "MSE")},
    "MI": _bits,
    "PSNR": lambda *images: _decibels(b.mean_squared_error(*images)),
    "RMSE": b.root_mean_squared_error,
    "Qabf": partial(b.qabf, wrapped=True, equal_gain=0.0),
    "MS-SSIM": _half(b.multi_scale_structural_similarity),
}
BATCHED: dict[str, tuple[str, dict[str, BatchFormula]]] = {
    "cddfuse": ("opencv-float", _CDDFUSE),
    "cddfuse-f64": ("opencv-float", _CDDFUSE),
    "linfeng": ("matlab", _LINFENG),
    "vifb": (CHANNELS, {name: f for name, f in _VIFB_CORRECTED.items() if name not in ("PSNR", "RMSE")}),
    "vifb-corrected": (CHANNELS, _VIFB_CORRECTED),
    "ivif-zoo": (
        "pillow",
        {
            **{name: b.METRICS[name] for name in ("SD", "SF", "AG", "CC", "SCD", "Qabf")},
            "MSE": _unit_error,
            "MI": _bits,
            "PSNR": lambda *images: _decibels(_unit_error(*images)),
        },
    ),
    "corrected": ("matlab", _CORRECTED),
}
"""Convention → (grey conversion or `CHANNELS`, {metric: torch function}); the values are those of
`table.FORMULAS`.
"""
