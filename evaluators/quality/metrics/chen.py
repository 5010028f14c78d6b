"""Qcb (Chen & Blum) and Qcv (Chen & Varshney): fusion metrics built on the eye's contrast sensitivity.

Sources: Y. Chen, R. S. Blum, "A new automated quality assessment algorithm for image fusion", Image and
Vision Computing 27(10), 2009; H. Chen, P. K. Varshney, "A human perception inspired quality metric for image
fusion based on regional information", Information Fusion 8(2), 2007. Constants and borders as in the MATLAB
family (`vifb`, `mefb`).
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from scipy import fft

from ..undefined import Undefined
from .features import sobel
from .windows import Real, local_mean

UInt8 = npt.NDArray[np.uint8]
BLOCK = 16
"""Side of the regions of Qcv, pixels."""


def stretched(image: UInt8, role: str, *, unit_range: bool = False) -> Real:
    """Min-max stretch to the integers 0..255, halves rounded up: MATLAB's round(255·(x − min)/(max − min)).

    `unit_range`: of the image divided by 255, as MEFB does; the stretch has exact ties, decided by the last
    bit. ``Undefined`` for a constant image (0/0).

    >>> stretched(np.uint8([[10, 15, 20]]), "fused")
    array([[  0., 128., 255.]])
    """
    low, high = float(image.min()), float(image.max())
    if low == high:
        raise Undefined(f"constant {role} image: the min-max stretch to 0..255 is 0/0")
    levels = np.arange(256.0)
    if unit_range:
        levels, low, high = levels / 255.0, low / 255.0, high / 255.0
    table = np.floor((levels - low) / (high - low) * 255.0 + 0.5)
    return np.asarray(table[image], dtype=np.float64)


def frequencies(shape: tuple[int, int], divisor: float) -> Real:
    """r = √(u² + v²), u = (W/divisor)·f₁, v = (H/divisor)·f₂, f in [−1, 1) as freqspace makes it: of
    `rfft2`'s bins.
    """
    height, width = shape
    u = fft.rfftfreq(width) * 2.0 * (width / divisor)
    v = fft.fftfreq(height) * 2.0 * (height / divisor)
    return np.asarray(np.hypot(u[np.newaxis], v[:, np.newaxis]))


def filtered(image: Real, weights: Real) -> Real:
    """The image, multiplied with real weights at the frequencies of `rfft2`."""
    return np.asarray(fft.irfft2(fft.rfft2(image) * weights, s=image.shape), dtype=np.float64)


def masked_contrast(seen: Real) -> Real:
    """C' = |C|³/(|C|² + 10⁻⁴), C = (G₂∗I)/(G₄∗I) − 1: 31×31 Gaussians of σ = 2 and 4, zeros beyond the
    border.
    """
    x = np.arange(-15.0, 16.0)
    narrow, wide = (
        local_mean(seen, np.exp(-(x * x) / (2.0 * s * s)) / np.sqrt(2.0 * np.pi * s * s)) for s in (2.0, 4.0)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        contrast = np.abs(narrow / wide - 1.0)
    return np.asarray(contrast**3 / (contrast**2 + 1e-4))


def qcb(infrared: UInt8, visible: UInt8, fused: UInt8, *, unit_range: bool = False) -> float:
    """Qcb = mean(λ_A Q_AF + λ_B Q_BF): preserved contrast, weighted by each source's share of the contrast.

    Each image is `stretched` to 0..255 and filtered with the contrast sensitivity exp(−(r/15.3870)²) − 0.7622
    exp(−(r/1.3456)²), r in cycles a degree (W/30 a picture); C' is `masked_contrast`; Q_XF = min(C'_X,
    C'_F)/max(C'_X, C'_F); λ_A = C'_A²/(C'_A² + C'_B²).

    H×W. Range 0…1, higher is better. Minimum size 1×1, though 31×31 windows say little below that. Constant
    images: ``Undefined``; so it is where a pixel has no contrast at all (0/0). Source: Y. Chen, R. S. Blum,
    Image and Vision Computing 27(10), 2009.

    >>> image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    >>> qcb(image, image, image)
    1.0
    """
    r = frequencies((fused.shape[0], fused.shape[1]), 30.0)
    sensitivity = np.exp(-((r / 15.3870) ** 2)) - 0.7622 * np.exp(-((r / 1.3456) ** 2))
    a, b, f = (
        masked_contrast(filtered(stretched(image, role, unit_range=unit_range), sensitivity))
        for image, role in ((infrared, "infrared"), (visible, "visible"), (fused, "fused"))
    )
    with np.errstate(invalid="ignore"):
        of_a, of_b = np.minimum(a, f) / np.maximum(a, f), np.minimum(b, f) / np.maximum(b, f)
        share = a * a / (a * a + b * b)
        value = float((share * of_a + (1.0 - share) * of_b).mean())
    if not np.isfinite(value):
        raise Undefined("Qcb is 0/0: a pixel has no contrast left after the contrast sensitivity filter")
    return value


def block_sums(image: Real) -> Real:
    """Sums over 16×16 regions from the upper left corner; what is cut off is filled up with zeros."""
    height, width = image.shape
    whole = np.pad(image, ((0, -height % BLOCK), (0, -width % BLOCK)))
    rows, columns = whole.shape[0] // BLOCK, whole.shape[1] // BLOCK
    return np.asarray(whole.reshape(rows, BLOCK, columns, BLOCK).sum(axis=(1, 3)))


def qcv(infrared: UInt8, visible: UInt8, fused: UInt8) -> float:
    """Qcv = Σ(λ_A D_A + λ_B D_B)/Σ(λ_A + λ_B) over 16×16 regions: visible difference, weighted by saliency.

    Images `stretched` to 0..255; λ_X = Σ g⁵ over the region (g: Sobel magnitude, zeros beyond the border);
    D_X = mean square of X − F filtered with Mannos and Sakrison's 2.6 (0.0192 + 0.144 r) exp(−(0.144 r)^1.1),
    u = (W/8)·f₁.

    H×W. Range 0…∞, **lower is better**. Minimum size 1×1. Constant images: ``Undefined`` where any is.
    Source: H. Chen, P. K. Varshney, Information Fusion 8(2), 2007.

    >>> image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    >>> qcv(image, image, image)
    0.0
    """
    a, b, f = (
        stretched(image, role)
        for image, role in ((infrared, "infrared"), (visible, "visible"), (fused, "fused"))
    )
    r = frequencies((f.shape[0], f.shape[1]), 8.0)
    visibility = 2.6 * (0.0192 + 0.144 * r) * np.exp(-((0.144 * r) ** 1.1))
    difference = weight = 0.0
    for source in (a, b):
        gx, gy = sobel(source, cv2.BORDER_CONSTANT)
        saliency = block_sums((gx * gx + gy * gy) ** 2.5)
        # The mean is over all 256 cells of a region, also at the right and lower border.
        visible_square = block_sums(filtered(source - f, visibility) ** 2) / BLOCK**2
        difference += float((saliency * visible_square).sum())
        weight += float(saliency.sum())
    return difference / weight
