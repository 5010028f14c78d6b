"""Which formula computes a metric in which convention.

Each table maps a metric's name to its formula on grey levels; `FORMULAS` binds the tables to their grey
conversions. What a convention doesn't define isn't in its table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..inputs.triple import Triple
from ..metrics import chen, correlation, features, information, nabf, qabf, ssim, vif
from . import variants as v
from .variants import GreyFormula, of, of_fused, total

Formula = Callable[[Triple], float]


def _on_grey(conversion: str, formulas: Mapping[str, GreyFormula]) -> dict[str, Formula]:
    """Formulas on grey levels as formulas on decoded images."""

    def bind(formula: GreyFormula) -> Formula:
        return lambda triple: formula(triple.grey(conversion))

    return {name: bind(formula) for name, formula in formulas.items()}


def _per_channel(formulas: Mapping[str, GreyFormula]) -> dict[str, Formula]:
    """Formulas on grey levels, averaged over the colour channels as VIFB and MEFB do."""

    def bind(formula: GreyFormula) -> Formula:
        return lambda triple: float(np.mean([formula(channel) for channel in triple.channels]))

    return {name: bind(formula) for name, formula in formulas.items()}


def _spatial_frequency_of_row(triple: Triple) -> float:
    return features.spatial_frequency_of_row([channel.fused for channel in triple.channels])


_COMMON: dict[str, GreyFormula] = {
    "EN": of_fused(information.entropy),
    "SD": of_fused(features.standard_deviation),
    "SF": of_fused(features.spatial_frequency),
    "SCD": of(correlation.sum_of_correlations_of_differences),
    "CC": of(correlation.correlation_coefficient),
}
_EXACT_CDDFUSE: dict[str, GreyFormula] = {
    **_COMMON,
    "AG": of_fused(features.average_gradient),
    "MI": v.information_nats,
    "MSE": of(correlation.mean_squared_error),
    "PSNR": v.psnr_of_maximum,
    "VIF": v.vif_sum,
    "Qabf": of(qabf.qabf),
    "SSIM": total(ssim.ssim, window="box7", dynamic_range=2.0),
}
_CDDFUSE = {**_EXACT_CDDFUSE, "SSIM": total(ssim.ssim_float32)}

_LINFENG: dict[str, GreyFormula] = {
    **_COMMON,
    "AG": v.gradient_over_inner,
    "MI": v.information_saturated,
    "MSE": v.mse_unit,
    "PSNR": v.psnr_of_unit_error,
    "VIF": v.vif_sum,
    "Qabf": of(qabf.qabf),
    "Nabf": v.nabf_swapped,
    "SSIM": v.halved(total(ssim.ssim, replicate=True, dynamic_range=1.0)),
    "MS-SSIM": v.MEF_MS_SSIM,
    **{name: formula for name, formula in v.FMI.items() if name != "FMI_edge"},
    "FMI_pixel": v.FMI["FMI_edge"],
}
_LINFENG_LEGACY: dict[str, GreyFormula] = {
    **{name: _LINFENG[name] for name in ("EN", "AG", "MI", "SCD", "CC", "MSE", "PSNR")},
    "SD": of_fused(features.saturating_standard_deviation),
    "SF": lambda t: t.of_fused(features.spatial_frequency) / 255.0,
    "VIF": v.vif_saturating,
    "Qabf": of(qabf.qabf_unit_range),
    "SSIM": v.MEF_SSIM,
}
_VIFB_CORRECTED: dict[str, GreyFormula] = {
    **v.MATLAB_FEATURES,
    "MI": v.information_nats,
    "SF": of_fused(features.spatial_frequency_over_all_pixels),
    "PSNR": v.psnr,
    "RMSE": of(correlation.root_mean_squared_error),
    "SSIM": v.SSIM_SUM,
    "Qabf": v.QABF_SATURATING,
    **v.CHEN,
}
_VIFB: dict[str, GreyFormula] = {
    **{name: formula for name, formula in _VIFB_CORRECTED.items() if name != "SF"},
    "PSNR": v.psnr_of_root_over_pixels,
    "RMSE": of(correlation.root_of_sum_over_pixels),
}
_MEFB: dict[str, GreyFormula] = {
    **v.MATLAB_FEATURES,
    "NMI": v.nmi,
    "Qncie": v.qncie,
    "TE": v.tsallis_transposed,
    "SF": of_fused(features.spatial_frequency_over_all_pixels),
    "PSNR": v.psnr_of_root_over_pixels,
    "Qabf": v.QABF_SATURATING,
    "Qw": v.qw_of_edges,
    "Qy": v.qy,
    "VIFF": v.viff,
    "Qcb": of(chen.qcb, unit_range=True),
    "Qcv": of(chen.qcv),
    **v.FMI,
}
_IVIF_ZOO: dict[str, GreyFormula] = {
    **_COMMON,
    "EN": of_fused(information.biased_entropy),
    "AG": of_fused(features.average_gradient),
    "MI": v.information_bits,
    "NMI": v.nmi_over_sources,
    "EI": of_fused(features.edge_intensity, border="zero"),
    "PSNR": v.psnr_of_unit_error,
    "SSIM": total(ssim.ssim, dynamic_range=1.0),
    "MS-SSIM": total(ssim.ms_ssim, dynamic_range=1.0, zero_borders=True),
    "Qncie": v.pearson_qncie,
    "Nabf": v.balance(nabf.nabf, weak_weight=0.0, lost_from_both=True),
    "Labf": v.balance(nabf.labf, weak_weight=0.0, lost_from_both=True),
    "VIF": of(vif.vifp_off_centre),
    "MSE": v.mse_unit,
    "Qabf": of(qabf.qabf),
}
_CORRECTED: dict[str, GreyFormula] = {
    "EN": of_fused(information.entropy),
    "CE": of(information.cross_entropy),
    "MI": v.information_bits,
    "NMI": v.nmi,
    "Qncie": v.qncie,
    "TE": v.tsallis,
    "SD": of_fused(features.standard_deviation),
    "SF": of_fused(features.spatial_frequency),
    "AG": of_fused(features.average_gradient),
    "EI": of_fused(features.edge_intensity),
    "Qabf": of(qabf.qabf, wrapped=True, equal_gain=0.0),
    "Nabf": v.balance(nabf.nabf),
    "Labf": v.balance(nabf.labf),
    "Nabf_petrovic": v.balance(nabf.nabf_petrovic),
    "Qabf_petrovic": v.balance(nabf.qabf_petrovic),
    "Qp": v.QP,
    "SSIM": v.halved(total(ssim.ssim, replicate=True)),
    "MS-SSIM": v.halved(total(ssim.ms_ssim)),
    "MEF-SSIM": v.MEF_SSIM,
    "MEF-MS-SSIM": v.MEF_MS_SSIM,
    "Qs": v.qs,
    "Qw": v.qw,
    "Qe": v.qe,
    "Qc": v.qc,
    "Qy": v.qy,
    "CC": of(correlation.correlation_coefficient),
    "SCD": of(correlation.sum_of_correlations_of_differences),
    "MSE": of(correlation.mean_squared_error),
    "RMSE": of(correlation.root_mean_squared_error),
    "PSNR": v.psnr,
    "VIF": v.vif_sum,
    "VIFF": v.viff,
    **v.CHEN,
    **v.FMI,
    **v.NO_REFERENCE[True],
}

FORMULAS: dict[str, dict[str, Formula]] = {
    "cddfuse": _on_grey("opencv-float", _CDDFUSE),
    "cddfuse-f64": _on_grey("opencv-float", _EXACT_CDDFUSE),
    "linfeng": _on_grey("matlab", _LINFENG),
    "linfeng-legacy": _on_grey("matlab", _LINFENG_LEGACY),
    "vifb": {**_per_channel(_VIFB), "SF": _spatial_frequency_of_row},
    "vifb-corrected": _per_channel(_VIFB_CORRECTED),
    "mefb": {
        **_per_channel(_MEFB),
        # What MEFB computes on grey levels, also of colour images.
        **_on_grey("matlab", {"MEF-SSIM": v.MEF_MS_SSIM}),
    },
    "ivif-zoo": _on_grey("pillow", _IVIF_ZOO),
    "utlive": _on_grey("matlab", v.NO_REFERENCE[False]),
    "utlive-corrected": _on_grey("matlab", v.NO_REFERENCE[True]),
    "corrected": _on_grey("matlab", _CORRECTED),
}
