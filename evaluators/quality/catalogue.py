"""Which function computes a metric in which convention."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from . import correlation, features, information, qabf, vif
from .triple import GreyTriple, Triple

Formula = Callable[[Triple], float]
GreyFormula = Callable[[GreyTriple], float]


def _on_grey(conversion: str, formulas: Mapping[str, GreyFormula]) -> dict[str, Formula]:
    """Formulas on grey levels as formulas on decoded images."""

    def bind(formula: GreyFormula) -> Formula:
        return lambda triple: formula(triple.grey(conversion))

    return {name: bind(formula) for name, formula in formulas.items()}


def _mutual_information(t: GreyTriple, unit: float = 1.0) -> float:
    return sum(information.mutual_information(joint) for joint in t.joint_histograms) * unit


CDDFUSE: dict[str, GreyFormula] = {
    "EN": lambda t: information.entropy(t.histograms[2]),
    "SD": lambda t: features.standard_deviation(t.moments),
    "SF": lambda t: features.spatial_frequency(*t.squared_differences, t.shape),
    "AG": lambda t: features.average_gradient(t.gradient_sum, t.shape, inner_count=False),
    "MI": _mutual_information,
    "SCD": lambda t: correlation.sum_of_correlations_of_differences(t.moments),
    "CC": lambda t: correlation.correlation_coefficient(t.moments),
    "MSE": lambda t: correlation.mean_squared_error(t.moments),
    "VIF": lambda t: math.fsum(vif.vifp_pair(t.infrared, t.visible, t.fused)),
    "Qabf": lambda t: qabf.qabf(t.infrared, t.visible, t.fused),
}

FORMULAS: dict[str, dict[str, Formula]] = {
    "cddfuse": _on_grey("opencv-float", CDDFUSE),
}
