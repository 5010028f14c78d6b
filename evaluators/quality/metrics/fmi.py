"""FMI: feature mutual information (Haghighat) of pixels, gradients, edges, DCT or wavelet coefficients.

Sources: M. Haghighat, A. Aghagolzadeh, H. Seyedarabi, "A non-reference image fusion metric based on mutual
information of image features", Computers & Electrical Engineering 37(5), 2011; M. Haghighat, M. A. Razian,
"Fast-FMI: non-reference image fusion metric", AICT 2014; R. B. Nelsen, "Discrete bivariate distributions with
given marginals and correlation", Communications in Statistics B 16, 1987. The feature maps are made in
`fmi_features.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from ..undefined import require_size
from .fmi_features import FEATURES
from .windows import Real

UInt8 = npt.NDArray[np.uint8]
CELLS = 9
TOGETHER = 1024
"""Windows whose joint distributions (81 numbers each) are in memory at a time."""


def distribution(windows: Real) -> Real:
    """9×N values of windows as pdfs over their cells: each stretched to [0, 1] (ones where flat), divided
    by its sum.
    """
    low, high = windows.min(0), windows.max(0)
    values = np.where(high > low, windows - low, 1.0)
    return np.asarray(values / values.sum(0))


def plogp(p: Real) -> Real:
    """p·log₂|p|, 0 where p = 0. (A joint share can be negative; the original takes the real part.)"""
    return p * np.log2(np.maximum(np.abs(p), 1e-300))


def index_deviation(p: Real) -> Real:
    """The standard deviation of a cell's index 0…8 under a pdf; 0 where one cell has all mass."""
    index = np.arange(float(CELLS))
    deviation = np.sqrt(np.maximum(index**2 @ p - (index @ p) ** 2, 0.0))
    return np.where(p.max(0) == 1.0, 0.0, deviation)


def window_information(source: Real, fused: Real) -> Real:
    """FMI of N windows (9×N values in MATLAB's column order): 2·I(X;F)/(H(X) + H(F)) of their pdfs p and q.

    The joint pdf with the pdfs' correlation c is Nelsen's J = φ·M + (1 − φ)·p⊗q. M is the pdf of the Fréchet
    bound min(P_i, Q_j) for c ≥ 0; for c < 0, that of p and of q read backwards. φ = |c|/(correlation of the
    cells' indices under M); it can exceed 1. The windows differ. Where one is flat, or has all mass in one
    cell, the value is 0.
    """
    p, q = distribution(source), distribution(fused)
    product = ((p - 1.0 / CELLS) * (q - 1.0 / CELLS)).sum(0)
    spread = np.sqrt(((p - 1.0 / CELLS) ** 2).sum(0) * ((q - 1.0 / CELLS) ** 2).sum(0))
    q = np.where(product < 0.0, q[::-1], q)
    cdf_p, cdf_q = np.cumsum(p, 0)[:, np.newaxis], np.cumsum(q, 0)[np.newaxis]
    cdf_p[-1], cdf_q[:, -1] = 1.0, 1.0
    bound = np.zeros((CELLS + 1, CELLS + 1, p.shape[1]))
    np.minimum(cdf_p, cdf_q, out=bound[1:, 1:])
    coupling = np.diff(np.diff(bound, axis=0), axis=1)  # M
    # Hoeffding: the covariance of the indices under M is Σ_ij (min(P_i, Q_j) − P_i·Q_j).
    covariance = bound.sum((0, 1)) - cdf_p.sum((0, 1)) * cdf_q.sum((0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        phi = np.abs(product) / spread * (index_deviation(p) * index_deviation(q) / covariance)
    defined = (spread > 0.0) & (p.max(0) < 1.0) & (q.max(0) < 1.0)
    phi = np.where(defined, phi, 0.0)
    joint = phi * coupling + (1.0 - phi) * (p[:, np.newaxis] * q[np.newaxis])
    entropies = -(plogp(p) + plogp(q)).sum(0)
    together = -plogp(joint).sum((0, 1))
    value: Real = np.divide(
        2.0 * (entropies - together), entropies, out=np.zeros_like(entropies), where=defined
    )
    return value


def windows_of(values: npt.NDArray[np.generic]) -> Real:
    """All 3×3 windows of a map as 9×N values, column by column."""
    view = np.lib.stride_tricks.sliding_window_view(values.astype(np.float64), (3, 3))
    return np.asarray(view.transpose(3, 2, 0, 1).reshape(CELLS, -1))


def feature_mutual_information(
    infrared: npt.NDArray[np.generic],
    visible: npt.NDArray[np.generic],
    fused: npt.NDArray[np.generic],
) -> float:
    """Mean over all 3×3 windows of (FMI(A;F) + FMI(B;F))/2 of three feature maps, at least 3×3
    (``Undefined`` below).

    Windows that are equal in both maps, or flat in both, count 1; see `window_information` for the others.
    """
    require_size(fused.shape, 3, "FMI")
    of_fused = windows_of(fused)
    flat = of_fused.min(0) == of_fused.max(0)
    total = 0.0
    for source in (infrared, visible):
        windows = windows_of(source)
        alike = (windows == of_fused).all(0) | (flat & (windows.min(0) == windows.max(0)))
        total += float(alike.sum())
        others = np.flatnonzero(~alike)
        for start in range(0, others.size, TOGETHER):
            chosen = others[start : start + TOGETHER]
            total += float(window_information(windows[:, chosen], of_fused[:, chosen]).sum())
    return float(total / (2.0 * flat.size))


def fmi(
    infrared: UInt8,
    visible: UInt8,
    fused: UInt8,
    *,
    feature: str = "edge",
    of_maps: Callable[..., float] = feature_mutual_information,
    features: Mapping[str, Callable[[UInt8], npt.NDArray[np.generic]]] = FEATURES,
) -> float:
    """FMI = mean over all 3×3 windows of ½·Σ_X 2·I(X;F)/(H(X) + H(F)) of the feature maps; see
    `window_information`.

    `feature`: "none" (pixels), "gradient" (x derivative only), "edge" (binary Sobel edges), "dct" (of the
    whole image) or "wavelet" (dmey, one level). "edge" is the original's default: tables that call
    ``analysis_fmi(…)`` without naming a feature and print "FMI_pixel" report FMI_edge. `of_maps`: computes it
    from the maps, which `features` make. Range about 0…1, higher is better. Minimum size 3×3 (wavelet 1×1), ``Undefined`` below.
    Constant images: 1 where all are constant, otherwise finite. Source: M. Haghighat, M. A. Razian, Fast-FMI,
    AICT 2014.

    >>> image = np.random.default_rng(0).integers(0, 256, (9, 9), dtype=np.uint8)
    >>> fmi(image, image, image, feature="none")
    1.0
    """
    extract = features[feature]
    return float(of_maps(*(extract(image) for image in (infrared, visible, fused))))
