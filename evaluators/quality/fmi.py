"""FMI: feature mutual information (Haghighat), on pixels, gradients, edges, DCT or wavelet coefficients.

Sources: M. Haghighat, A. Aghagolzadeh, H. Seyedarabi, "A non-reference image fusion metric based on mutual information
of image features", Computers & Electrical Engineering 37(5), 2011; M. Haghighat, M. A. Razian, "Fast-FMI: non-reference
image fusion metric", AICT 2014; R. B. Nelsen, "Discrete bivariate distributions with given marginals and correlation",
Communications in Statistics B 16, 1987. The feature maps are made in `fmi_features.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .fmi_features import FEATURES, map_shape, sobel_edges, write_map
from .fmi_windows import SIZE, pattern_sums, pattern_table, window_sums
from .scratch import scratch
from .simd import WIDTH
from .undefined import Undefined

__all__ = ["FEATURES", "feature_mutual_information", "fmi"]

Real = NDArray[np.float64]


@cache
def _values_of_patterns() -> Real:
    """FMI of every pair of binary windows (2 MB, made once)."""
    table: Real = pattern_table()
    return table


Map = Real | NDArray[np.bool_]


def _windows(shape: tuple[int, int]) -> int:
    """How many 3×3 windows a map has."""
    if min(shape) < 3:
        raise Undefined(f"FMI needs feature maps of at least 3×3, got {shape[1]}×{shape[0]}")
    return (shape[0] - 2) * (shape[1] - 2)


def _of_maps(shape: tuple[int, int], write: Callable[[int, Real], None]) -> float:
    """FMI of the infrared, visible and fused map (0, 1, 2), which `write` writes into memory of `shape`."""
    windows, size = _windows(shape), shape[0] * shape[1]
    maps = scratch("feature maps", 3, size + WIDTH)
    for image in range(3):
        write(image, maps[image, :size].reshape(shape))
    maps[:, size:] = 0.0
    total = window_sums(maps.reshape(maps.size), *shape, scratch("fused windows", SIZE))
    return float(total / (2.0 * windows))


def feature_mutual_information(infrared: Map, visible: Map, fused: Map) -> float:
    """FMI of three feature maps (H×W float64, or all bool): the part of `fmi` after the feature extraction."""
    height, width = fused.shape
    if fused.dtype == np.bool_:
        windows = _windows((height, width))
        return float(pattern_sums(infrared, visible, fused, _values_of_patterns()) / (2.0 * windows))
    maps = infrared, visible, fused
    return _of_maps((height, width), lambda image, out: np.copyto(out, maps[image]))


def fmi(
    infrared: NDArray[np.generic],
    visible: NDArray[np.generic],
    fused: NDArray[np.generic],
    feature: str = "edge",
) -> float:
    """FMI = mean over all 3×3 windows of ½·Σ_X 2·I(X;F)/(H(X) + H(F)), X the infrared and the visible feature map.

    Each window is stretched to [0, 1] (all ones where flat) and normalised to a pdf p over its nine cells in column
    order. The joint pdf with given correlation c (Pearson, of the two pdfs) is Nelsen's J = φ·M + (1 − φ)·p⊗q, M the
    Fréchet upper bound's pdf for c ≥ 0 and the lower one's for c < 0, φ = c / (the correlation of the cell indices
    under M). φ can exceed 1 and J be negative; as in the original, x·log2 x is then taken as x·log2|x| (the real part).
    Windows equal in both maps, or both flat, count 1; windows with all mass in one cell count 0.

    Parameters: H×W arrays of levels 0..255; `feature` one of `FEATURES`: "none" (pixels), "gradient"
    (x derivative only), "edge" (Sobel edges, binary), "dct" (of the whole image), "wavelet" (dmey, one level). The default is the
    original's; tables that call ``analysis_fmi(…)`` without naming a feature and print "FMI_pixel" report FMI_edge. Range 0…1, higher is
    better. Minimum size 3×3 (wavelet 1×1), ``Undefined`` below. Constant images: 1 where all are constant, else finite. Source:
    M. Haghighat, M. A. Razian, Fast-FMI, ICIAT 2014.
    """
    if feature not in FEATURES:
        raise ValueError(f"unknown FMI feature {feature!r}: choose one of {', '.join(FEATURES)}")
    images = infrared, visible, fused
    if feature == "edge":
        return feature_mutual_information(*(sobel_edges(image) for image in images))
    return _of_maps(
        map_shape(fused.shape, feature), lambda image, out: write_map(images[image], feature, out)
    )
