"""The local correlation that Qp is a mean of: the fused feature map's with the source map, or the larger of both, that it resembles most."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .kernels import kernel
from .local_moments import FUSED, INFRARED, VISIBLE, horizontal, vertical_products
from .scratch import scratch
from .separable import gaussian_taps

__all__ = ["feature_correlation"]

SIZE = 11
CONSTANT = 1e-4


@kernel
def _vertical_larger(a, b, f, taps, top, out):  # type: ignore[no-untyped-def]
    """out[0…2] = vertically filtered s, s², sf of rows top…top+N−1, s = max(a, b)."""
    half = taps.size // 2
    width = out.shape[1]
    k = taps[half]
    ra, rb, rf = a[top + half], b[top + half], f[top + half]
    for c in range(width):
        s = max(ra[c], rb[c])
        out[0, c] = k * s
        out[1, c] = k * (s * s)
        out[2, c] = k * (s * rf[c])
    for t in range(half):
        k = taps[t]
        ra, rb, rf = a[top + t], b[top + t], f[top + t]
        qa, qb, qf = a[top + 2 * half - t], b[top + 2 * half - t], f[top + 2 * half - t]
        for c in range(width):
            s, u = max(ra[c], rb[c]), max(qa[c], qb[c])
            out[0, c] += k * (s + u)
            out[1, c] += k * (s * s + u * u)
            out[2, c] += k * (s * rf[c] + u * qf[c])


@kernel
def _best_of_row(local, larger, mask, sums):  # type: ignore[no-untyped-def]
    """Add max(C_AF, C_BF, C_SF), C = (σ_XF + c)/(σ_X σ_F + c), to each column where the mask is 1."""
    ma, maa, maf = local[INFRARED[0]], local[INFRARED[1]], local[INFRARED[2]]
    mb, mbb, mbf = local[VISIBLE[0]], local[VISIBLE[1]], local[VISIBLE[2]]
    ms, mss, msf = larger[0], larger[1], larger[2]
    mf, mff = local[FUSED[0]], local[FUSED[1]]
    for c in range(sums.size):
        vf = mff[c] - mf[c] * mf[c]
        va, vb, vs = maa[c] - ma[c] * ma[c], mbb[c] - mb[c] * mb[c], mss[c] - ms[c] * ms[c]
        ca = (maf[c] - ma[c] * mf[c] + CONSTANT) / (math.sqrt(abs(va * vf)) + CONSTANT)
        cb = (mbf[c] - mb[c] * mf[c] + CONSTANT) / (math.sqrt(abs(vb * vf)) + CONSTANT)
        cs = (msf[c] - ms[c] * mf[c] + CONSTANT) / (math.sqrt(abs(vs * vf)) + CONSTANT)
        sums[c] += max(ca, cb, cs) if mask[c] > 0 else 0.0


@kernel
def _correlation_sum(a, b, f, taps, mask):  # type: ignore[no-untyped-def]
    """Σ over the mask; `a`, `b`, `f` have a frame of zeros of half a window."""
    height, width = mask.shape
    vertical = np.empty((8, a.shape[1]))
    vertical_larger = np.empty((3, a.shape[1]))
    local = np.empty((8, width))
    larger = np.empty((3, width))
    sums = np.zeros(width)
    for row in range(height):
        if not mask[row].any():
            continue
        vertical_products(a, b, f, taps, row, None, vertical)
        horizontal(vertical, taps, local)
        _vertical_larger(a, b, f, taps, row, vertical_larger)
        horizontal(vertical_larger, taps, larger)
        _best_of_row(local, larger, mask[row], sums)
    return sums.sum()


def feature_correlation(
    a: NDArray[np.float64], b: NDArray[np.float64], f: NDArray[np.float64], mask: NDArray[np.bool_]
) -> float:
    """Mean over the mask of the best local correlation (11×11 Gaussian, σ = 1.5, zero borders) of F with A, B, max(A, B).

    H×W maps, set to 0 outside the mask first; the mask has at least one pixel.
    """
    framed = []
    for role, image in (("first", a), ("second", b), ("fused", f)):
        frame = scratch(f"framed {role} map", image.shape[0] + SIZE - 1, image.shape[1] + SIZE - 1)
        frame[:] = 0.0
        half = SIZE // 2
        np.multiply(image, mask, out=frame[half:-half, half:-half])
        framed.append(frame)
    total = _correlation_sum(*framed, gaussian_taps(SIZE, 1.5), mask.view(np.uint8))
    return float(total) / float(np.count_nonzero(mask))
