"""Which function computes a metric in which convention.

Each table maps a metric's name to its formula on grey levels; `FORMULAS` binds the tables to their grey conversions. What a convention doesn't
define isn't in its table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from . import chen, correlation, entropy_family, features, fmi, information, nabf, qabf, ssim, vif
from .mef import mef_ms_ssim, mef_ssim, ms_ssim_pair
from .triple import GreyTriple, Triple

Formula = Callable[[Triple], float]
GreyFormula = Callable[[GreyTriple], float]


def _on_grey(conversion: str, formulas: Mapping[str, GreyFormula]) -> dict[str, Formula]:
    """Formulas on grey levels as formulas on decoded images."""

    def bind(formula: GreyFormula) -> Formula:
        return lambda triple: formula(triple.grey(conversion))

    return {name: bind(formula) for name, formula in formulas.items()}


def _per_channel(formulas: Mapping[str, GreyFormula]) -> dict[str, Formula]:
    """Formulas on grey levels, averaged over the colour channels as VIFB does."""

    def bind(formula: GreyFormula) -> Formula:
        return lambda triple: float(np.mean([formula(channel) for channel in triple.channels]))

    return {name: bind(formula) for name, formula in formulas.items()}


# Building blocks shared by several conventions.


def _entropy(t: GreyTriple) -> float:
    return information.entropy(t.histograms[2])


def _standard_deviation(t: GreyTriple) -> float:
    return features.standard_deviation(t.moments)


def _spatial_frequency(t: GreyTriple) -> float:
    return features.spatial_frequency(*t.squared_differences, t.shape)


def _gradient_over_all(t: GreyTriple) -> float:
    return features.average_gradient(t.gradient_sum, t.shape, inner_count=False)


def _gradient_over_inner(t: GreyTriple) -> float:
    return features.average_gradient(t.gradient_sum, t.shape, inner_count=True)


def _information_nats(t: GreyTriple) -> float:
    return sum(information.mutual_information(joint) for joint in t.joint_histograms)


def _information_bits(t: GreyTriple) -> float:
    return sum(information.mutual_information_bits(joint, joint) for joint in t.joint_histograms)


def _information_saturated(t: GreyTriple) -> float:
    return sum(information.mutual_information_bits(joint, information.saturated_levels(joint)) for joint in t.joint_histograms)


def _correlation(t: GreyTriple) -> float:
    return correlation.correlation_coefficient(t.moments)


def _scd(t: GreyTriple) -> float:
    return correlation.sum_of_correlations_of_differences(t.moments)


def _mse(t: GreyTriple) -> float:
    return correlation.mean_squared_error(t.moments)


def _mse_unit(t: GreyTriple) -> float:
    return _mse(t) / 255.0**2


def _psnr(t: GreyTriple) -> float:
    return correlation.peak_signal_to_noise_ratio(_mse(t), 255.0)


def _psnr_of_unit_error(t: GreyTriple) -> float:
    return correlation.peak_signal_to_noise_ratio(_mse_unit(t), 255.0)


def _psnr_of_maximum(t: GreyTriple) -> float:
    return correlation.peak_signal_to_noise_ratio(_mse(t), float(np.flatnonzero(t.histograms[2])[-1]))


def _vif(t: GreyTriple) -> float:
    return math.fsum(t.once("VIF", vif.vifp_pair))


def _qabf(t: GreyTriple) -> float:
    return t.once("Qabf", qabf.qabf)


def _cross_entropy(t: GreyTriple) -> float:
    return entropy_family.cross_entropy_of_histograms(*t.histograms)


def _nmi(t: GreyTriple) -> float:
    return entropy_family.nmi_of_joints(*t.joint_histograms)


def _qncie(t: GreyTriple) -> float:
    return entropy_family.ncie_of_joints(*t.joint_histograms, entropy_family.joint_histogram(t.infrared, t.visible))


def _tsallis(t: GreyTriple) -> float:
    return entropy_family.te_of_joints(*t.joint_histograms)


def _tsallis_transposed(t: GreyTriple) -> float:
    return entropy_family.te_of_joints(*t.joint_histograms, transposed_marginals=True)


def _balance(t: GreyTriple) -> nabf.EdgeBalance:
    return t.once("edge balance", nabf.edge_balance)


def _nabf_swapped(t: GreyTriple) -> float:
    # The caller passes (ir, vi, fused) to a function of (fused, ir, vi).
    return nabf.edge_balance(t.visible, t.fused, t.infrared).nabf


def _ssim_sum(t: GreyTriple) -> float:
    return math.fsum(t.once("SSIM gaussian", ssim.ssim_pair))


def _ssim_exact_sum(t: GreyTriple) -> float:
    return math.fsum(ssim.ssim_pair(t.infrared, t.visible, t.fused, window="box7", dynamic_range=2.0))


def _ssim_float32_sum(t: GreyTriple) -> float:
    return ssim.ssim_float32(t.infrared, t.fused) + ssim.ssim_float32(t.visible, t.fused)


def _ssim_unit_sum(t: GreyTriple) -> float:
    return math.fsum(ssim.ssim_pair(t.infrared, t.visible, t.fused, dynamic_range=1.0))


def _ssim_matlab(t: GreyTriple, dynamic_range: float = 255.0) -> float:
    return math.fsum(ssim.ssim_pair(t.infrared, t.visible, t.fused, replicate=True, dynamic_range=dynamic_range)) / 2


def _ssim_matlab_unit(t: GreyTriple) -> float:
    return _ssim_matlab(t, 1.0)


def _mef_ssim(t: GreyTriple) -> float:
    return t.once("MEF-SSIM", mef_ssim)


def _mef_ms_ssim(t: GreyTriple) -> float:
    return t.once("MEF-MS-SSIM", mef_ms_ssim)


def _ms_ssim_sum(t: GreyTriple) -> float:
    return math.fsum(t.once("MS-SSIM", ms_ssim_pair))


def _ms_ssim_mean(t: GreyTriple) -> float:
    return _ms_ssim_sum(t) / 2


def _qcb(t: GreyTriple) -> float:
    return t.once("Chen", chen.chen_metrics).qcb


def _qcv(t: GreyTriple) -> float:
    return t.once("Chen", chen.chen_metrics).qcv


def _feature_information(feature: str) -> GreyFormula:
    """FMI of a feature, computed once for all conventions."""
    return lambda t: t.once(f"FMI {feature}", lambda a, b, f: fmi.fmi(a, b, f, feature))


_FMI: dict[str, GreyFormula] = {
    "FMI_pixel": _feature_information("none"),
    **{f"FMI_{feature}": _feature_information(feature) for feature in ("gradient", "edge", "dct", "wavelet")},
}


def _edge_intensity(t: GreyTriple) -> float:
    return features.edge_intensity(t.fused)


def _rmse(t: GreyTriple) -> float:
    return correlation.root_mean_squared_error(t.moments)


def _qabf_saturating(t: GreyTriple) -> float:
    return qabf.qabf(t.infrared, t.visible, t.fused, equal_gain=255.0)


def _sf_as_row(triple: Triple) -> float:
    return features.spatial_frequency_of_row([channel.fused for channel in triple.channels])


# The conventions.

_EXACT_CDDFUSE: dict[str, GreyFormula] = {
    "EN": _entropy,
    "SD": _standard_deviation,
    "SF": _spatial_frequency,
    "AG": _gradient_over_all,
    "MI": _information_nats,
    "SCD": _scd,
    "CC": _correlation,
    "MSE": _mse,
    "PSNR": _psnr_of_maximum,
    "VIF": _vif,
    "Qabf": _qabf,
    "SSIM": _ssim_exact_sum,
}
_CDDFUSE = {**_EXACT_CDDFUSE, "SSIM": _ssim_float32_sum}

_LINFENG: dict[str, GreyFormula] = {
    "EN": _entropy,
    "SD": _standard_deviation,
    "SF": _spatial_frequency,
    "AG": _gradient_over_inner,
    "MI": _information_saturated,
    "SCD": _scd,
    "CC": _correlation,
    "MSE": _mse_unit,
    "PSNR": _psnr_of_unit_error,
    "VIF": _vif,
    "Qabf": _qabf,
    "Nabf": _nabf_swapped,
    "SSIM": _ssim_matlab_unit,
    "MS-SSIM": _mef_ms_ssim,
    **{name: formula for name, formula in _FMI.items() if name != "FMI_edge"},
    "FMI_pixel": _FMI["FMI_edge"],
}
_LINFENG_LEGACY: dict[str, GreyFormula] = {
    "EN": _entropy,
    "SD": lambda t: features.saturating_standard_deviation(t.histograms[2]),
    "SF": lambda t: _spatial_frequency(t) / 255.0,
    "AG": _gradient_over_inner,
    "MI": _information_saturated,
    "SCD": _scd,
    "CC": _correlation,
    "MSE": _mse_unit,
    "PSNR": _psnr_of_unit_error,
    "VIF": lambda t: math.fsum(vif.vifp_pair(t.infrared, t.visible, t.fused, saturating=True)),
    "Qabf": lambda t: qabf.qabf_unit_range(t.infrared, t.visible, t.fused),
    "SSIM": _mef_ssim,
}
_VIFB_CORRECTED: dict[str, GreyFormula] = {
    "EN": _entropy,
    "CE": _cross_entropy,
    "MI": _information_nats,
    "SD": _standard_deviation,
    "SF": lambda t: features.spatial_frequency_over_all_pixels(t.fused),
    "AG": _gradient_over_inner,
    "EI": _edge_intensity,
    "PSNR": _psnr,
    "RMSE": _rmse,
    "SSIM": _ssim_sum,
    "Qabf": _qabf_saturating,
    "Qcb": _qcb,
    "Qcv": _qcv,
}
_VIFB: dict[str, GreyFormula] = {
    **{name: formula for name, formula in _VIFB_CORRECTED.items() if name != "SF"},
    "PSNR": lambda t: correlation.peak_signal_to_noise_ratio(correlation.root_of_sum_over_pixels(t.moments), 255.0),
    "RMSE": lambda t: correlation.root_of_sum_over_pixels(t.moments),
}
_MEFB: dict[str, GreyFormula] = {
    "NMI": _nmi,
    "Qncie": _qncie,
    "TE": _tsallis_transposed,
    "Qcb": _qcb,
    "Qcv": _qcv,
    "MEF-SSIM": _mef_ssim,
    **_FMI,
}
_IVIF_ZOO: dict[str, GreyFormula] = {
    "EN": lambda t: information.biased_entropy(t.histograms[2]),
    "SF": _spatial_frequency,
    "AG": _gradient_over_all,
    "MI": _information_bits,
    "NMI": lambda t: information.mutual_information_over_source_entropies(*t.joint_histograms),
    "EI": lambda t: features.edge_intensity(t.fused, border="constant"),
    "PSNR": _psnr_of_unit_error,
    "SSIM": _ssim_unit_sum,
    "MS-SSIM": _ms_ssim_sum,
    "VIF": lambda t: vif.vifp_off_centre(t.infrared, t.fused) + vif.vifp_off_centre(t.visible, t.fused),
}
_CORRECTED: dict[str, GreyFormula] = {
    "EN": _entropy,
    "CE": _cross_entropy,
    "MI": _information_bits,
    "NMI": _nmi,
    "Qncie": _qncie,
    "TE": _tsallis,
    "SD": _standard_deviation,
    "SF": _spatial_frequency,
    "AG": _gradient_over_all,
    "EI": _edge_intensity,
    "Qabf": lambda t: qabf.qabf(t.infrared, t.visible, t.fused, wrapped=True, equal_gain=0.0),
    "Nabf": lambda t: _balance(t).nabf,
    "Labf": lambda t: _balance(t).labf,
    "Nabf_petrovic": lambda t: _balance(t).nabf_petrovic,
    "Qabf_petrovic": lambda t: _balance(t).qabf,
    "SSIM": _ssim_matlab,
    "MS-SSIM": _ms_ssim_mean,
    "MEF-SSIM": _mef_ssim,
    "MEF-MS-SSIM": _mef_ms_ssim,
    "CC": _correlation,
    "SCD": _scd,
    "MSE": _mse,
    "RMSE": _rmse,
    "PSNR": _psnr,
    "VIF": _vif,
    "Qcb": _qcb,
    "Qcv": _qcv,
    **_FMI,
}

FORMULAS: dict[str, dict[str, Formula]] = {
    "cddfuse": _on_grey("opencv-float", _CDDFUSE),
    "cddfuse-f64": _on_grey("opencv-float", _EXACT_CDDFUSE),
    "linfeng": _on_grey("matlab", _LINFENG),
    "linfeng-legacy": _on_grey("matlab", _LINFENG_LEGACY),
    "vifb": {**_per_channel(_VIFB), "SF": _sf_as_row},
    "vifb-corrected": _per_channel(_VIFB_CORRECTED),
    "mefb": _on_grey("matlab", _MEFB),
    "ivif-zoo": _on_grey("matlab", _IVIF_ZOO),
    "corrected": _on_grey("matlab", _CORRECTED),
}
