"""Qcb (Chen & Blum) and Qcv (Chen & Varshney): fusion metrics built on the eye's contrast sensitivity.

Sources: Y. Chen, R. S. Blum, "A new automated quality assessment algorithm for image fusion", Image and Vision
Computing 27(10), 2009; H. Chen, P. K. Varshney, "A human perception inspired quality metric for image fusion based on
regional information", Information Fusion 8(2), 2007. Constants and borders as in the MATLAB family (`vifb`, `mefb`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .contrast import masked_contrast
from .entropy_family import stretch_to_byte_range
from .fourier import filtered, padded_shape, spectrum
from .kernels import kernel
from .scratch import aligned, scratch
from .simd import WIDTH
from .undefined import Undefined

__all__ = ["chen_metrics", "qcb", "qcv"]

Real = NDArray[np.float64]

BLOCK = 16
"""Side of the regions of Qcv, pixels."""


class ChenMetrics(NamedTuple):
    """Both metrics of one fused image, which share three Fourier transforms."""

    qcb: float
    qcv: float


def _table(shape: tuple[int, int], divisor: float, weight: Callable[[Real], Real]) -> Real:
    """A real filter at the frequencies of a plane of columns, rows 0…H//2 of it (the others mirror them), over the number of pixels.

    Spatial frequency r with u = (W/divisor)·f₁, v = (H/divisor)·f₂ and f in [−1, 1): the MATLAB code makes f with freqspace, 2k/n for
    bin k of n, for even and odd n alike.
    """
    height, width = shape
    u = np.zeros(padded_shape(shape)[1])
    u[:width] = np.abs(np.fft.fftfreq(width)) * 2.0 * (width / divisor)
    v = np.abs(np.fft.fftfreq(height))[: height // 2 + 1] * 2.0 * (height / divisor)
    table = aligned(u.size // WIDTH, v.size, WIDTH)
    for block, here in enumerate(u.reshape(-1, WIDTH)):
        table[block] = weight(np.sqrt(here[np.newaxis] ** 2 + v[:, np.newaxis] ** 2)) / (height * width)
    return table


@lru_cache(maxsize=1)
def _contrast_sensitivity(shape: tuple[int, int]) -> Real:
    """Difference of Gaussians: exp(−(r/15.3870)²) − 0.7622·exp(−(r/1.3456)²)."""
    return _table(
        shape, 30.0, lambda r: np.exp(-((r / 15.3870) ** 2)) - 0.7622 * np.exp(-((r / 1.3456) ** 2))
    )


@lru_cache(maxsize=1)
def _mannos_sakrison(shape: tuple[int, int]) -> Real:
    """2.6·(0.0192 + 0.144 r)·exp(−(0.144 r)^1.1)."""
    return _table(shape, 8.0, lambda r: 2.6 * (0.0192 + 0.144 * r) * np.exp(-((0.144 * r) ** 1.1)))


def _framed(image: NDArray[np.generic], frame: int) -> Real:
    """An image with zeros around, in `scratch` memory."""
    height, width = image.shape
    framed = scratch("framed image", height + 2 * frame, width + 2 * frame)
    framed[:frame], framed[frame + height :] = 0.0, 0.0
    framed[:, :frame], framed[:, frame + width :] = 0.0, 0.0
    framed[frame : frame + height, frame : frame + width] = image
    return framed


def _images(count: int, shape: tuple[int, int]) -> Real:
    """Images of `padded_shape` for filtered ones, in `scratch` memory."""
    return scratch("filtered images", count, *padded_shape(shape))


@kernel
def _preserved_contrast(a, b, f):  # type: ignore[no-untyped-def]
    """Mean of λ_A·Q_AF + λ_B·Q_BF over all pixels."""
    sums = np.zeros(f.shape[1])
    for y in range(f.shape[0]):
        for x in range(f.shape[1]):
            ca, cb, cf = a[y, x], b[y, x], f[y, x]
            qa = min(ca, cf) / max(ca, cf)
            qb = min(cb, cf) / max(cb, cf)
            share = ca * ca / (ca * ca + cb * cb)
            sums[x] += share * qa + (1.0 - share) * qb
    return sums.sum() / f.size


class _Spectra(NamedTuple):
    """The spectra of infrared + i·visible and of the fused image, planes of columns."""

    sources: Real
    fused: Real


def _qcb(spectra: _Spectra, shape: tuple[int, int]) -> float:
    table, (height, width) = _contrast_sensitivity(shape), shape
    first, second = _images(2, shape)
    filtered(spectra.sources, table, shape, first, second)
    a = masked_contrast(first[:height, :width], "infrared")
    b = masked_contrast(second[:height, :width], "visible")
    filtered(spectra.fused, table, shape, first)
    f = masked_contrast(first[:height, :width], "fused")
    value = float(_preserved_contrast(a, b, f))
    if not np.isfinite(value):
        raise Undefined(
            "Qcb is 0/0: an image has a pixel without contrast through the contrast sensitivity filter"
        )
    return value


@kernel
def _block_sums(image, distortion, power):  # type: ignore[no-untyped-def]
    """Per block: (Σ g^power of the Sobel magnitude, Σ distortion²); `image` has a frame of one pixel."""
    height, width = distortion.shape
    rows, columns = (height + BLOCK - 1) // BLOCK, (width + BLOCK - 1) // BLOCK
    saliency = np.zeros((rows, columns * BLOCK))
    square = np.zeros((rows, columns * BLOCK))
    for y in range(height):
        above, here, below, seen = image[y], image[y + 1], image[y + 2], distortion[y]
        strengths, squares = saliency[y // BLOCK], square[y // BLOCK]
        for x in range(width):
            dx = (above[x + 2] - above[x]) + 2.0 * (here[x + 2] - here[x]) + (below[x + 2] - below[x])
            dy = (below[x] - above[x]) + 2.0 * (below[x + 1] - above[x + 1]) + (below[x + 2] - above[x + 2])
            g2 = dx * dx + dy * dy
            strengths[x] += g2 * g2 * np.sqrt(g2) if power == 5 else g2 ** (0.5 * power)
            squares[x] += seen[x] * seen[x]
    shape = (rows, columns, BLOCK)
    return saliency.reshape(shape).sum(axis=2), square.reshape(shape).sum(axis=2)


def _qcv(images: tuple[Real, Real, Real], spectra: _Spectra, power: int) -> float:
    height, width = shape = (images[2].shape[0], images[2].shape[1])
    differences = _images(2, shape)
    filtered(spectra.sources, _mannos_sakrison(shape), shape, *differences, other=spectra.fused)
    weighted = weight = 0.0
    for seen, source in zip(differences, images[:2], strict=True):
        saliency, square = _block_sums(_framed(source, 1), seen[:height, :width], power)
        # A partial block at the right or lower border is filled with zeros: the mean is over all 256 cells there too.
        weighted += float((saliency * square).sum()) / (BLOCK * BLOCK)
        weight += float(saliency.sum())
    return weighted / weight


def chen_metrics(
    infrared: NDArray[np.generic],
    visible: NDArray[np.generic],
    fused: NDArray[np.generic],
    *,
    saliency_power: int = 5,
) -> ChenMetrics:
    """Qcb and Qcv together: two forward and three inverse transforms, two images in one where possible. See `qcb` and `qcv` for the definitions."""
    images, spectra = _transformed(infrared, visible, fused)
    shape = (fused.shape[0], fused.shape[1])
    return ChenMetrics(_qcb(spectra, shape), _qcv(images, spectra, saliency_power))


def _transformed(
    infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]
) -> tuple[tuple[Real, Real, Real], _Spectra]:
    a = stretch_to_byte_range(infrared, "infrared image")
    b = stretch_to_byte_range(visible, "visible image")
    f = stretch_to_byte_range(fused, "fused image")
    return (a, b, f), _Spectra(spectrum(a, b, "spectrum of the sources"), spectrum(f))


def qcb(infrared: NDArray[np.generic], visible: NDArray[np.generic], fused: NDArray[np.generic]) -> float:
    """Qcb of Chen and Blum: mean preserved contrast, weighted by each source's share of the contrast.

    Each image is stretched to the integers 0..255 and filtered in the frequency domain with the contrast sensitivity
    exp(−(r/15.3870)²) − 0.7622 exp(−(r/1.3456)²), r² = u² + v², u = (W/30) f₁, v = (H/30) f₂, f in [−1, 1); contrast
    C = (G₂∗I)/(G₄∗I) − 1 (31×31 Gaussians, zero borders); C' = |C|³/(|C|² + 10⁻⁴);
    Q_XF = min(C'_X, C'_F)/max(C'_X, C'_F); λ_A = C'_A²/(C'_A² + C'_B²); Qcb = mean(λ_A Q_AF + λ_B Q_BF).

    Parameters: H×W arrays of levels 0..255. Range 0…1, higher is better. Minimum size 1×1, though the 31×31 windows say little below
    that. Constant images: ``Undefined`` where any is. Raises ``Undefined`` also where a pixel has no contrast at all (0/0).
    Source: Y. Chen, R. S. Blum, Image and Vision Computing 27(10), 2009.
    """
    _, spectra = _transformed(infrared, visible, fused)
    return _qcb(spectra, (fused.shape[0], fused.shape[1]))


def qcv(
    infrared: NDArray[np.generic],
    visible: NDArray[np.generic],
    fused: NDArray[np.generic],
    *,
    saliency_power: int = 5,
) -> float:
    """Qcv of Chen and Varshney: visible difference to the sources, weighted by the saliency of each 16×16 region.

    Images stretched to the integers 0..255; saliency λ_X = Σ g^5 over the region (g Sobel magnitude, zero borders);
    D_X = X − F filtered in the frequency domain with Mannos and Sakrison's 2.6 (0.0192 + 0.144 r) exp(−(0.144 r)^1.1),
    u = (W/8) f₁, v = (H/8) f₂; Qcv = Σ (λ_A·mean D_A² + λ_B·mean D_B²) / Σ (λ_A + λ_B) over all regions.

    Parameters: H×W arrays of levels 0..255; `saliency_power` 5 in the MATLAB family. Range 0…∞, **lower is better**.
    Minimum size 1×1. Constant images: ``Undefined`` where any is. Source: H. Chen, P. K. Varshney, Information Fusion 8(2), 2007.
    """
    images, spectra = _transformed(infrared, visible, fused)
    return _qcv(images, spectra, saliency_power)
