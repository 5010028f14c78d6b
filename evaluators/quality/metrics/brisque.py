"""BRISQUE: a support vector regression on natural-scene statistics, trained on human opinions.

Source: A. Mittal, A. K. Moorthy, A. C. Bovik, "No-reference image quality assessment in the spatial domain",
IEEE TIP 21(12), 2012. Model and ranges are the authors' (see `specs/artifacts.py`), in libsvm's text formats.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma

from fusionbench.errors import InputError

from ..undefined import Undefined
from .natural_scene import asymmetric_fit, halve_bicubic, normalised_luminance, symmetric_fit

Real = NDArray[np.float64]

FEATURES = 36


class OpinionModel(NamedTuple):
    """An ε-SVR with a radial kernel, and the ranges that its features are scaled by."""

    gamma: float
    rho: float
    coefficients: Real  # one a support vector
    vectors: Real  # support vectors × 36
    lower: Real  # 36
    upper: Real  # 36


def load_opinion_model(model: Path, ranges: Path) -> OpinionModel:
    """Read libsvm's model and range files (text). Raises InputError where a file is missing or not of that
    form.
    """
    try:
        head, _, body = model.read_text(encoding="ascii").partition("\nSV\n")
        fields = dict(line.split(None, 1) for line in head.splitlines())
        if fields["svm_type"].strip() != "epsilon_svr" or fields["kernel_type"].strip() != "rbf":
            raise ValueError("not an epsilon_svr with an rbf kernel")
        lines = [line.split() for line in body.splitlines() if line.strip()]
        vectors = np.zeros((len(lines), FEATURES))
        for row, line in enumerate(lines):
            for item in line[1:]:
                index, value = item.split(":")
                if not 1 <= int(index) <= FEATURES:
                    raise ValueError(f"support vector {row + 1}: feature {index} of {FEATURES}")
                vectors[row, int(index) - 1] = float(value)
        coefficients = np.array([float(line[0]) for line in lines])
        if len(lines) != int(fields["total_sv"]):
            raise ValueError(f"{len(lines)} support vectors, its header says {fields['total_sv']}")
        gamma_value, rho = float(fields["gamma"]), float(fields["rho"])
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{model}: no BRISQUE model in it ({error}); fetch it again") from error
    try:
        table = [line.split() for line in ranges.read_text(encoding="ascii").splitlines()[2:] if line.strip()]
        lower, upper = np.full(FEATURES, math.nan), np.full(FEATURES, math.nan)
        for row_index, low, high in table:
            if not 1 <= int(row_index) <= FEATURES:
                raise ValueError(f"feature {row_index} of {FEATURES}")
            lower[int(row_index) - 1], upper[int(row_index) - 1] = float(low), float(high)
        if np.isnan(lower).any() or not (upper > lower).all():
            raise ValueError("not one range for each of the 36 features")
    except (OSError, ValueError) as error:
        raise InputError(f"{ranges}: no BRISQUE feature ranges in it ({error}); fetch it again") from error
    return OpinionModel(gamma_value, rho, coefficients, vectors, lower, upper)


def brisque_features(image: NDArray[np.generic], *, mend_flat: bool = False) -> Real:
    """The 36 statistics: 18 a scale (1, ½)."""
    if min(image.shape) < 16:
        raise Undefined(f"BRISQUE needs at least 16×16 px, got {image.shape[1]}×{image.shape[0]}")
    values = np.ascontiguousarray(image, dtype=np.float64)
    features: list[float] = []
    for scale in (1, 2):
        if scale == 2:
            values = halve_bicubic(values)
        luminance = normalised_luminance(values, replicate=False, mend_flat=mend_flat)
        alpha, deviation = symmetric_fit(luminance.ravel())
        features += [alpha, deviation**2]
        for shift in ((0, 1), (1, 0), (1, 1), (-1, 1)):
            alpha, left, right = asymmetric_fit((luminance * np.roll(luminance, shift, axis=(0, 1))).ravel())
            if math.isnan(alpha):
                raise Undefined(
                    "BRISQUE: the image is too flat, no negative or no positive products of neighbours"
                )
            scaled = math.sqrt(float(gamma(1.0 / alpha))) / math.sqrt(float(gamma(3.0 / alpha)))
            mean = (right - left) * float(gamma(2.0 / alpha) / gamma(1.0 / alpha)) * scaled
            features += [alpha, mean, left**2, right**2]
    if not np.isfinite(features).all():
        raise Undefined("BRISQUE: the image is too flat for its statistics")
    return np.array(features)


def brisque(
    image: NDArray[np.generic], model: OpinionModel, *, mend_flat: bool = False, exact_features: bool = False
) -> float:
    """BRISQUE = Σ_i c_i exp(−γ‖x − v_i‖²) − ρ of the scaled features x.

    The original hands the features to libsvm's programs as text, "%f" (six decimals) before the scaling to
    [−1, 1] and "%g" (six digits) after it; so does this, unless `exact_features`. `mend_flat`: see `niqe`.

    Parameters: H×W array of levels 0..255 (grey), both sides at least 16. Range about 0…100, which it can
    leave; **lower is better**.
    Minimum size 16×16. Constant images: ``Undefined``. Source: A. Mittal et al., IEEE TIP 21(12), 2012.
    """
    features = brisque_features(image, mend_flat=mend_flat)
    if not exact_features:
        features = np.array([float(f"{value:.6f}") for value in features])
    scaled = -1.0 + 2.0 * (features - model.lower) / (model.upper - model.lower)
    if not exact_features:
        scaled = np.array([float(f"{value:g}") for value in scaled])
    distances = ((model.vectors - scaled) ** 2).sum(axis=1)
    return float(model.coefficients @ np.exp(-model.gamma * distances) - model.rho)
