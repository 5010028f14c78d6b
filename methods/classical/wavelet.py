"""Wavelet fusion after Li, Manjunath & Mitra, "Multisensor image fusion using the wavelet transform", GMIP
57(3), 1995.

The plain coefficient rule: the stronger detail coefficient, the mean of the approximations (their area
activity and consistency check are left out, as in most tables that print "DWT").
"""

from __future__ import annotations

import numpy as np
import pywt
import torch

from .adapter import method_of


def fuse_dwt(infrared: torch.Tensor, visible: torch.Tensor, *, wavelet: str, levels: int) -> torch.Tensor:
    """Fuse N×1×H×W sources in [0,1] by a separable orthogonal wavelet, symmetric borders.

    Fewer levels where the image is too small for the wavelet (none for 1×1: the mean). Computed on the CPU by
    PyWavelets.
    """
    height, width = infrared.shape[-2:]
    depth = min(levels, pywt.dwt_max_level(min(height, width), pywt.Wavelet(wavelet).dec_len))
    first, second = (
        pywt.wavedec2(image.cpu().numpy(), wavelet, mode="symmetric", level=depth)
        for image in (visible, infrared)
    )
    fused = [(first[0] + second[0]) / 2]
    for bands, others in zip(first[1:], second[1:], strict=True):
        fused.append(
            tuple(np.where(np.abs(v) >= np.abs(i), v, i) for v, i in zip(bands, others, strict=True))
        )
    image = pywt.waverec2(fused, wavelet, mode="symmetric")[..., :height, :width]
    return torch.from_numpy(np.ascontiguousarray(image, np.float32)).to(infrared.device)


build = method_of(fuse_dwt)
