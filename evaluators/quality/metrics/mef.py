"""MEF-SSIM and MEF-MS-SSIM: structural similarity to the patch that the sources together call for.

Sources: K. Ma, K. Zeng, Z. Wang, "Perceptual quality assessment for multi-exposure image fusion", IEEE TIP
24(11), 2015;
K. Ma et al., "Multi-exposure image fusion by optimizing a structural similarity index", IEEE TCI 4(1), 2018.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from ..undefined import Undefined, require_size
from .ssim import halve
from .windows import Real, floats, gaussian_taps, valid

UInt8 = npt.NDArray[np.uint8]
SIZE = 11
PIXELS = SIZE * SIZE
CONSTANT = (0.03 * 255.0) ** 2
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001)
EPS = float(np.finfo(np.float64).eps)


def window_sums(image: Real) -> Real:
    """Sums over all 11×11 windows; exact for integers and multiples of 2⁻⁸."""
    summed = cv2.boxFilter(image, cv2.CV_64F, (SIZE, SIZE), normalize=False, borderType=cv2.BORDER_CONSTANT)
    height, width = image.shape
    margin = SIZE // 2
    return np.asarray(summed[margin : height - margin, margin : width - margin])


def mef_ssim_of_levels(
    infrared: npt.NDArray[np.generic], visible: npt.NDArray[np.generic], fused: npt.NDArray[np.generic]
) -> float:
    """`mef_ssim` of H×W levels of any type, both sides at least 11."""
    a, b, f = floats(infrared, visible, fused)
    # Squared lengths ‖x̃_k‖² of the patches without their means, and the inner product ⟨x̃_A, x̃_B⟩ (equation
    # 4).
    sa, sb = window_sums(a), window_sums(b)
    aa = np.maximum(PIXELS * window_sums(a * a) - sa * sa, 0.0) / PIXELS
    bb = np.maximum(PIXELS * window_sums(b * b) - sb * sb, 0.0) / PIXELS
    ab = (PIXELS * window_sums(a * b) - sa * sb) / PIXELS
    length_a, length_b = np.sqrt(aa), np.sqrt(bb)
    # Consistency R = ‖Σ x̃_k‖/Σ‖x̃_k‖ (equation 9) and its power p = tan(πR/2) (equation 8).
    together = np.sqrt(np.maximum(aa + bb + 2.0 * ab, 0.0))
    consistency = np.minimum((together + EPS) / (length_a + length_b + EPS), 1.0 - EPS)
    power = np.minimum(np.tan(np.pi / 2.0 * consistency), 10.0)
    # The wanted patch r: the contrast of the stronger source, the structure of their weighted sum (equations
    # 5 to 7).
    da, db = length_a + 0.001, length_b + 0.001
    ca = ((da / SIZE) ** power + EPS) / da
    cb = ((db / SIZE) ** power + EPS) / db
    norm = np.sqrt(np.maximum(ca * ca * aa + cb * cb * bb + 2.0 * ca * cb * ab, 0.0))
    scale = np.divide(np.maximum(da, db), norm, out=np.zeros_like(norm), where=norm > 0.0)
    ca, cb = ca * scale, cb * scale
    # Q = (2σ_rf + C)/(σ_r² + σ_f² + C) under the Gaussian window (equation 11); r = c_A·x̃_A + c_B·x̃_B.
    taps = gaussian_taps(SIZE, 1.5)
    ma, mb, mf = (valid(image, taps) for image in (a, b, f))
    vaa, vbb, vff = valid(a * a, taps) - ma * ma, valid(b * b, taps) - mb * mb, valid(f * f, taps) - mf * mf
    vaf, vbf, vab = valid(a * f, taps) - ma * mf, valid(b * f, taps) - mb * mf, valid(a * b, taps) - ma * mb
    wanted = ca * ca * vaa + cb * cb * vbb + 2.0 * ca * cb * vab
    quality = (2.0 * (ca * vaf + cb * vbf) + CONSTANT) / (wanted + vff + CONSTANT)
    return float(quality.mean())


def mef_ssim(infrared: UInt8, visible: UInt8, fused: UInt8) -> float:
    """MEF-SSIM = mean of Q = (2σ_rf + C)/(σ_r² + σ_f² + C) over all 11×11 windows, C = (0.03·255)².

    x̃_k = x_k − μ_k; R = ‖Σ x̃_k‖/Σ‖x̃_k‖, p = min(tan(πR/2), 10); weights w_k ∝ (d_k/11)^p with d_k = ‖x̃_k‖
    + 0.001; wanted patch r = max_k d_k · s/‖s‖, s = Σ w_k x̃_k/d_k. Contrast and structure only: mean
    brightness doesn't count. Range −1…1, higher is better. Minimum size 11×11 (``Undefined`` below). Constant
    images: finite, 1 where all three are. `linfeng-legacy` prints it as "SSIM". Source: K. Ma, K. Zeng, Z.
    Wang, IEEE TIP 24(11), 2015.

    >>> image = np.random.default_rng(0).integers(0, 256, (11, 11), dtype=np.uint8)
    >>> round(mef_ssim(image, image, image), 6)
    1.0
    """
    require_size(fused.shape, SIZE, "MEF-SSIM")
    return mef_ssim_of_levels(infrared, visible, fused)


def mef_ms_ssim(
    infrared: UInt8, visible: UInt8, fused: UInt8, *, at_scale: Callable[..., float] = mef_ssim_of_levels
) -> float:
    """MEF-MS-SSIM = Π_l Q_l^β_l of `mef_ssim` on three scales, β = (0.0448, 0.2856, 0.3001)/0.6305; halved
    between.

    `at_scale`: computes a scale. Range 0…1, higher is better. Minimum size 41×41 (``Undefined`` below).
    Constant images: finite, 1 where all three are. ``Undefined`` where a scale's similarity is negative (no
    real power). `linfeng` prints it as "MS_SSIM", `mefb` as "MEF_SSIM". Source: K. Ma et al., IEEE TIP
    24(11), 2015.

    >>> image = np.random.default_rng(0).integers(0, 256, (41, 41), dtype=np.uint8)
    >>> round(mef_ms_ssim(image, image, image), 6)
    1.0
    """
    require_size(fused.shape, 4 * (SIZE - 1) + 1, "MEF-MS-SSIM")
    images: list[npt.NDArray[np.generic]] = [infrared, visible, fused]
    product = 1.0
    for scale, weight in enumerate(SCALE_WEIGHTS):
        if scale:
            images = [halve(image) for image in images]
        quality = at_scale(*images)
        if quality < 0.0:
            raise Undefined(f"MEF-MS-SSIM: negative similarity at scale {scale + 1}, its power is not real")
        product *= quality ** (weight / sum(SCALE_WEIGHTS))
    return product
