"""Which function computes a metric in which convention.

Each table maps a metric's name to its formula on grey levels; `FORMULAS` binds the tables to their grey conversions. What a convention doesn't
define isn't in its table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from . import correlation, features, information, qabf, vif
from . import grey_formulas as g
from .grey_formulas import GreyFormula
from .no_reference import brisque_of_fused, niqe_of_fused
from .triple import Triple

Formula = Callable[[Triple], float]


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


# The conventions.

_EXACT_CDDFUSE: dict[str, GreyFormula] = {
    "EN": g.entropy,
    "SD": g.standard_deviation,
    "SF": g.spatial_frequency,
    "AG": g.gradient_over_all,
    "MI": g.information_nats,
    "SCD": g.scd,
    "CC": g.mean_correlation,
    "MSE": g.mse,
    "PSNR": g.psnr_of_maximum,
    "VIF": g.vif_sum,
    "Qabf": g.edge_preservation,
    "SSIM": g.ssim_exact_sum,
}
_CDDFUSE = {**_EXACT_CDDFUSE, "SSIM": g.ssim_float32_sum}

_LINFENG: dict[str, GreyFormula] = {
    "EN": g.entropy,
    "SD": g.standard_deviation,
    "SF": g.spatial_frequency,
    "AG": g.gradient_over_inner,
    "MI": g.information_saturated,
    "SCD": g.scd,
    "CC": g.mean_correlation,
    "MSE": g.mse_unit,
    "PSNR": g.psnr_of_unit_error,
    "VIF": g.vif_sum,
    "Qabf": g.edge_preservation,
    "Nabf": g.nabf_swapped,
    "SSIM": g.ssim_matlab_unit,
    "MS-SSIM": g.mef_multi_scale,
    **{name: formula for name, formula in g.FMI.items() if name != "FMI_edge"},
    "FMI_pixel": g.FMI["FMI_edge"],
}
_LINFENG_LEGACY: dict[str, GreyFormula] = {
    "EN": g.entropy,
    "SD": lambda t: features.saturating_standard_deviation(t.histograms[2]),
    "SF": lambda t: g.spatial_frequency(t) / 255.0,
    "AG": g.gradient_over_inner,
    "MI": g.information_saturated,
    "SCD": g.scd,
    "CC": g.mean_correlation,
    "MSE": g.mse_unit,
    "PSNR": g.psnr_of_unit_error,
    "VIF": g.vif_saturating,
    "Qabf": lambda t: qabf.qabf_unit_range(t.infrared, t.visible, t.fused),
    "SSIM": g.mef_similarity,
}
_VIFB_CORRECTED: dict[str, GreyFormula] = {
    "EN": g.entropy,
    "CE": g.cross_entropy,
    "MI": g.information_nats,
    "SD": g.standard_deviation,
    "SF": lambda t: features.spatial_frequency_over_all_pixels(t.fused),
    "AG": g.gradient_over_inner,
    "EI": g.edge_intensity,
    "PSNR": g.psnr,
    "RMSE": g.rmse,
    "SSIM": g.ssim_sum,
    "Qabf": g.qabf_saturating,
    "Qcb": g.qcb,
    "Qcv": g.qcv,
}
_VIFB: dict[str, GreyFormula] = {
    **{name: formula for name, formula in _VIFB_CORRECTED.items() if name != "SF"},
    "PSNR": lambda t: correlation.peak_signal_to_noise_ratio(
        correlation.root_of_sum_over_pixels(t.moments), 255.0
    ),
    "RMSE": lambda t: correlation.root_of_sum_over_pixels(t.moments),
}
_MEFB: dict[str, GreyFormula] = {**g.GREY_FAMILIES, **g.FMI, "TE": g.tsallis_transposed, "Qw": g.qe}
_IVIF_ZOO: dict[str, GreyFormula] = {
    "EN": lambda t: information.biased_entropy(t.histograms[2]),
    "SF": g.spatial_frequency,
    "AG": g.gradient_over_all,
    "MI": g.information_bits,
    "NMI": lambda t: information.mutual_information_over_source_entropies(*t.joint_histograms),
    "EI": lambda t: features.edge_intensity(t.fused, border="constant"),
    "PSNR": g.psnr_of_unit_error,
    "SSIM": g.ssim_unit_sum,
    "MS-SSIM": g.ms_ssim_sum,
    "Qncie": lambda t: g.qncie(t, pearson=True),
    "Nabf": lambda t: g.balance_without_weak_edges(t).nabf,
    "Labf": lambda t: g.balance_without_weak_edges(t).labf,
    "VIF": lambda t: vif.vifp_off_centre(t.infrared, t.fused) + vif.vifp_off_centre(t.visible, t.fused),
}
_CORRECTED: dict[str, GreyFormula] = {
    "EN": g.entropy,
    "CE": g.cross_entropy,
    "MI": g.information_bits,
    "TE": g.tsallis,
    "SD": g.standard_deviation,
    "SF": g.spatial_frequency,
    "AG": g.gradient_over_all,
    "EI": g.edge_intensity,
    "Qabf": lambda t: qabf.qabf(t.infrared, t.visible, t.fused, wrapped=True, equal_gain=0.0),
    "Nabf": lambda t: g.balance(t).nabf,
    "Labf": lambda t: g.balance(t).labf,
    "Nabf_petrovic": lambda t: g.balance(t).nabf_petrovic,
    "Qabf_petrovic": lambda t: g.balance(t).qabf,
    "SSIM": g.ssim_matlab,
    "MS-SSIM": g.ms_ssim_mean,
    "MEF-MS-SSIM": g.mef_multi_scale,
    "CC": g.mean_correlation,
    "SCD": g.scd,
    "MSE": g.mse,
    "RMSE": g.rmse,
    "PSNR": g.psnr,
    "VIF": g.vif_sum,
    **g.GREY_FAMILIES,
    **g.FMI,
    "NIQE": lambda t: niqe_of_fused(t, mend_flat=True),
    "BRISQUE": lambda t: brisque_of_fused(t, mend_flat=True),
}

_UTLIVE: dict[str, GreyFormula] = {
    "NIQE": lambda t: niqe_of_fused(t, mend_flat=False),
    "BRISQUE": lambda t: brisque_of_fused(t, mend_flat=False),
}
_UTLIVE_CORRECTED: dict[str, GreyFormula] = {
    "NIQE": lambda t: niqe_of_fused(t, mend_flat=True),
    "BRISQUE": lambda t: brisque_of_fused(t, mend_flat=True),
}

FORMULAS: dict[str, dict[str, Formula]] = {
    "cddfuse": _on_grey("opencv-float", _CDDFUSE),
    "cddfuse-f64": _on_grey("opencv-float", _EXACT_CDDFUSE),
    "linfeng": _on_grey("matlab", _LINFENG),
    "linfeng-legacy": _on_grey("matlab", _LINFENG_LEGACY),
    "vifb": {**_per_channel(_VIFB), "SF": g.sf_as_row},
    "vifb-corrected": _per_channel(_VIFB_CORRECTED),
    "mefb": _on_grey("matlab", _MEFB),
    "ivif-zoo": _on_grey("matlab", _IVIF_ZOO),
    "utlive": _on_grey("matlab", _UTLIVE),
    "utlive-corrected": _on_grey("matlab", _UTLIVE_CORRECTED),
    "corrected": _on_grey("matlab", _CORRECTED),
}
