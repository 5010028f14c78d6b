"""Metrics of a triple of grey images, in terms of what the triple keeps for several of them: the building blocks of `catalogue.py`.

A name says which variant it is; the functions it calls document formula, range and behaviour on constant images.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from . import (
    chen,
    correlation,
    entropy_family,
    features,
    fmi,
    information,
    nabf,
    phase_congruency,
    piella,
    qabf,
    ssim,
    vif,
)
from .gaussian_windows import FAMILY, SIZE, GaussianWindows, gaussian_windows
from .mef import mef_ms_ssim, mef_ssim, ms_ssim_pair
from .triple import GreyTriple, Triple
from .viff import viff_of_scales

GreyFormula = Callable[[GreyTriple], float]


def entropy(t: GreyTriple) -> float:
    return information.entropy(t.histograms[2])


def standard_deviation(t: GreyTriple) -> float:
    return features.standard_deviation(t.moments)


def spatial_frequency(t: GreyTriple) -> float:
    return features.spatial_frequency(*t.squared_differences, t.shape)


def gradient_over_all(t: GreyTriple) -> float:
    return features.average_gradient(t.gradient_sum, t.shape, inner_count=False)


def gradient_over_inner(t: GreyTriple) -> float:
    return features.average_gradient(t.gradient_sum, t.shape, inner_count=True)


def information_nats(t: GreyTriple) -> float:
    return sum(information.mutual_information(joint) for joint in t.joint_histograms)


def information_bits(t: GreyTriple) -> float:
    return sum(information.mutual_information_bits(joint, joint) for joint in t.joint_histograms)


def information_saturated(t: GreyTriple) -> float:
    return sum(
        information.mutual_information_bits(joint, information.saturated_levels(joint))
        for joint in t.joint_histograms
    )


def mean_correlation(t: GreyTriple) -> float:
    return correlation.correlation_coefficient(t.moments)


def scd(t: GreyTriple) -> float:
    return correlation.sum_of_correlations_of_differences(t.moments)


def mse(t: GreyTriple) -> float:
    return correlation.mean_squared_error(t.moments)


def mse_unit(t: GreyTriple) -> float:
    return mse(t) / 255.0**2


def psnr(t: GreyTriple) -> float:
    return correlation.peak_signal_to_noise_ratio(mse(t), 255.0)


def psnr_of_unit_error(t: GreyTriple) -> float:
    return correlation.peak_signal_to_noise_ratio(mse_unit(t), 255.0)


def psnr_of_maximum(t: GreyTriple) -> float:
    return correlation.peak_signal_to_noise_ratio(mse(t), float(np.flatnonzero(t.histograms[2])[-1]))


def vif_sum(t: GreyTriple) -> float:
    return math.fsum(vif.vifp_of_scales(t.once("visual information", vif.information)))


def vif_saturating(t: GreyTriple) -> float:
    return math.fsum(vif.vifp_of_scales(vif.information(t.infrared, t.visible, t.fused, saturating=True)))


def edge_preservation(t: GreyTriple) -> float:
    return t.once("Qabf", qabf.qabf)


def cross_entropy(t: GreyTriple) -> float:
    return entropy_family.cross_entropy_of_histograms(*t.histograms)


def nmi(t: GreyTriple) -> float:
    return entropy_family.nmi_of_joints(*t.joint_histograms)


def qncie(t: GreyTriple, *, pearson: bool = False) -> float:
    return entropy_family.ncie_of_joints(
        *t.joint_histograms, entropy_family.joint_histogram(t.infrared, t.visible), pearson=pearson
    )


def tsallis(t: GreyTriple) -> float:
    return entropy_family.te_of_joints(*t.joint_histograms)


def tsallis_transposed(t: GreyTriple) -> float:
    return entropy_family.te_of_joints(*t.joint_histograms, transposed_marginals=True)


def balance(t: GreyTriple) -> nabf.EdgeBalance:
    return t.once("edge balance", nabf.edge_balance)


def balance_without_weak_edges(t: GreyTriple) -> nabf.EdgeBalance:
    return t.once(
        "edge balance, strong edges",
        lambda a, b, f: nabf.edge_balance(a, b, f, weak_weight=0.0, lost_from_both=True),
    )


def nabf_swapped(t: GreyTriple) -> float:
    # The caller passes (ir, vi, fused) to a function of (fused, ir, vi).
    return nabf.edge_balance(t.visible, t.fused, t.infrared).nabf


def ssim_sum(t: GreyTriple) -> float:
    return math.fsum(t.once("SSIM gaussian", ssim.ssim_pair))


def ssim_exact_sum(t: GreyTriple) -> float:
    return math.fsum(ssim.ssim_pair(t.infrared, t.visible, t.fused, window="box7", dynamic_range=2.0))


def ssim_float32_sum(t: GreyTriple) -> float:
    return math.fsum(ssim.ssim_float32_pair(t.infrared, t.visible, t.fused))


def ssim_unit_sum(t: GreyTriple) -> float:
    return math.fsum(ssim.ssim_pair(t.infrared, t.visible, t.fused, dynamic_range=1.0))


def windows_together(t: GreyTriple) -> GaussianWindows | None:
    """The one pass that serves the metrics under the 11×11 Gaussian window, where several of them are asked for."""
    if len(t.asked & FAMILY) < 2 or min(t.shape) < SIZE:
        return None
    return t.once("Gaussian windows", gaussian_windows)


def ssim_replicated(t: GreyTriple, dynamic_range: float) -> float:
    both = ssim.ssim_pair(t.infrared, t.visible, t.fused, replicate=True, dynamic_range=dynamic_range)
    return math.fsum(both) / 2


def ssim_matlab(t: GreyTriple) -> float:
    together = windows_together(t)
    return math.fsum(together.ssim) / 2 if together else ssim_replicated(t, 255.0)


def ssim_matlab_unit(t: GreyTriple) -> float:
    return ssim_replicated(t, 1.0)


def mef_similarity(t: GreyTriple) -> float:
    together = windows_together(t)
    return together.mef_ssim if together else t.once("MEF-SSIM", mef_ssim)


def mef_multi_scale(t: GreyTriple) -> float:
    together = windows_together(t)
    finest = together.mef_ssim if together else None
    return t.once("MEF-MS-SSIM", lambda a, b, f: mef_ms_ssim(a, b, f, finest=finest))


def ms_ssim_sum(t: GreyTriple) -> float:
    together = windows_together(t)
    finest = together.whole_windows if together else None
    return math.fsum(t.once("MS-SSIM", lambda a, b, f: ms_ssim_pair(a, b, f, finest=finest)))


def ms_ssim_mean(t: GreyTriple) -> float:
    return ms_ssim_sum(t) / 2


def qcb(t: GreyTriple) -> float:
    return t.once("Chen", chen.chen_metrics).qcb


def qcv(t: GreyTriple) -> float:
    return t.once("Chen", chen.chen_metrics).qcv


def piella_of_levels(t: GreyTriple) -> tuple[float, float]:
    together = windows_together(t)
    return together.piella if together else t.once("Piella", piella.piella_of_levels)


def qs(t: GreyTriple) -> float:
    return piella_of_levels(t)[0]


def qw(t: GreyTriple) -> float:
    return piella.defined(piella_of_levels(t)[1], "Qw")


def qe(t: GreyTriple) -> float:
    return piella.qe_of(piella_of_levels(t)[1], t.once("Piella on edges", piella.weighted_of_edges))


def qc(t: GreyTriple) -> float:
    return t.once("Cvejic and Yang", piella.cvejic_yang).qc


def qy(t: GreyTriple) -> float:
    return t.once("Cvejic and Yang", piella.cvejic_yang).qy


def qp(t: GreyTriple) -> float:
    return t.once("Qp", phase_congruency.q_p)


def fusion_fidelity(t: GreyTriple) -> float:
    return viff_of_scales(t.once("visual information", vif.information))


def feature_information(feature: str) -> GreyFormula:
    """FMI of a feature, computed once for all conventions."""
    return lambda t: t.once(f"FMI {feature}", lambda a, b, f: fmi.fmi(a, b, f, feature))


GREY_FAMILIES: dict[str, GreyFormula] = {
    "Qs": qs,
    "Qw": qw,
    "Qe": qe,
    "Qc": qc,
    "Qy": qy,
    "Qp": qp,
    "VIFF": fusion_fidelity,
    "Qcb": qcb,
    "Qcv": qcv,
    "NMI": nmi,
    "Qncie": qncie,
    "MEF-SSIM": mef_similarity,
}
"""Metrics that `mefb` and `corrected` define alike, on grey levels."""
FMI: dict[str, GreyFormula] = {
    "FMI_pixel": feature_information("none"),
    **{f"FMI_{feature}": feature_information(feature) for feature in ("gradient", "edge", "dct", "wavelet")},
}


def edge_intensity(t: GreyTriple) -> float:
    return features.edge_intensity(t.fused)


def rmse(t: GreyTriple) -> float:
    return correlation.root_mean_squared_error(t.moments)


def qabf_saturating(t: GreyTriple) -> float:
    return qabf.qabf(t.infrared, t.visible, t.fused, equal_gain=255.0)


def sf_as_row(triple: Triple) -> float:
    return features.spatial_frequency_of_row([channel.fused for channel in triple.channels])
