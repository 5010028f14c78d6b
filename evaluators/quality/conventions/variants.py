"""The metrics of a triple of grey images in the variants that conventions need, in terms of the definitions.

`t.of(definition)` computes a definition once for all metrics and conventions that share it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from ..inputs.triple import GreyTriple
from ..metrics import (
    chen,
    correlation,
    cvejic_yang,
    features,
    fmi,
    information,
    mef,
    nabf,
    no_reference,
    piella,
    qabf,
    qp,
    ssim,
    vif,
)

GreyFormula = Callable[[GreyTriple], float]


def of(definition: Callable[..., float], **options: Any) -> GreyFormula:
    """A definition of (infrared, visible, fused) as a formula."""
    return lambda t: t.of(definition, **options)


def of_fused(definition: Callable[..., float], **options: Any) -> GreyFormula:
    """A definition of the fused image alone as a formula."""
    return lambda t: t.of_fused(definition, **options)


def total(definition: Callable[..., tuple[float, float]], **options: Any) -> GreyFormula:
    """The sum over the two sources of a definition that gives a value for each."""
    return lambda t: math.fsum(t.of(definition, **options))


def halved(formula: GreyFormula) -> GreyFormula:
    """Half a formula's value: the mean over the sources instead of the sum."""
    return lambda t: formula(t) / 2.0


def joints(t: GreyTriple) -> tuple[information.Table, information.Table]:
    """The joint histograms of infrared and of visible with fused."""
    joint = information.joint_histogram
    return t.of_two(joint, "infrared", "fused"), t.of_two(joint, "visible", "fused")


def information_nats(t: GreyTriple) -> float:
    return sum(information.mutual_information_nats(joint) for joint in joints(t))


def information_bits(t: GreyTriple) -> float:
    return sum(information.mutual_information(joint) for joint in joints(t))


def information_saturated(t: GreyTriple) -> float:
    return sum(
        information.mutual_information(joint, information.saturated_levels(joint)) for joint in joints(t)
    )


def nmi(t: GreyTriple) -> float:
    return information.hossny_normalised(*joints(t))


def nmi_over_sources(t: GreyTriple) -> float:
    return information.over_source_entropies(*joints(t))


def tsallis(t: GreyTriple) -> float:
    return information.tsallis(*joints(t))


def tsallis_transposed(t: GreyTriple) -> float:
    return information.tsallis(*joints(t), transposed_marginals=True)


def qncie(t: GreyTriple, *, pearson: bool = False) -> float:
    sources = t.of_two(information.joint_histogram, "infrared", "visible")
    return float(information.nonlinear_correlation(*joints(t), sources, pearson=pearson))


def gradient_over_inner(t: GreyTriple) -> float:
    """AG of the MATLAB code bases: the sum over (H−1)(W−1), 0.37 % more at 640×480."""
    height, width = t.fused.shape
    gradient: float = t.of_fused(features.average_gradient)
    return float(gradient * (height * width) / ((height - 1) * (width - 1)))


def mse_unit(t: GreyTriple) -> float:
    """On images of 0…1."""
    return t.of(correlation.mean_squared_error) / 255.0**2


def psnr(t: GreyTriple) -> float:
    return correlation.peak_signal_to_noise_ratio(t.of(correlation.mean_squared_error))


def psnr_of_unit_error(t: GreyTriple) -> float:
    """The error on 0…1 with the peak 255: 48.13 dB too high."""
    return correlation.peak_signal_to_noise_ratio(mse_unit(t))


def psnr_of_maximum(t: GreyTriple) -> float:
    """The peak is the fused image's own maximum."""
    return correlation.peak_signal_to_noise_ratio(t.of(correlation.mean_squared_error), float(t.fused.max()))


def psnr_of_root_over_pixels(t: GreyTriple) -> float:
    return correlation.peak_signal_to_noise_ratio(t.of(correlation.root_of_sum_over_pixels))


def vif_sum(t: GreyTriple) -> float:
    return math.fsum(vif.vif(t.of(vif.information)))


def vif_saturating(t: GreyTriple) -> float:
    return math.fsum(vif.vif(t.of(vif.information, saturating=True)))


def viff(t: GreyTriple) -> float:
    return vif.viff(t.of(vif.information))


def qs(t: GreyTriple) -> float:
    return piella.qs(t.of(piella.weighted))


def qw(t: GreyTriple) -> float:
    return piella.qw(t.of(piella.weighted).qw)


def qw_of_edges(t: GreyTriple) -> float:
    """Qw of the edge maps alone: what MEFB publishes as Qw."""
    return piella.qw(t.of(piella.weighted_of_edges))


def qe(t: GreyTriple) -> float:
    return piella.qe(t.of(piella.weighted).qw, t.of(piella.weighted_of_edges))


def qc(t: GreyTriple) -> float:
    return cvejic_yang.qc(t.of(cvejic_yang.local_similarities))


def qy(t: GreyTriple) -> float:
    return cvejic_yang.qy(t.of(cvejic_yang.local_similarities))


def balance(pick: Callable[[nabf.EdgeBalance], float], **options: Any) -> GreyFormula:
    """One of the measures of `nabf.edge_balance`."""
    return lambda t: pick(t.of(nabf.edge_balance, **options))


def nabf_swapped(t: GreyTriple) -> float:
    """The caller passes (ir, vi, fused) to a function of (fused, ir, vi)."""
    return nabf.nabf(GreyTriple(t.visible, t.fused, t.infrared).of(nabf.edge_balance))


CHEN: dict[str, GreyFormula] = {"Qcb": of(chen.qcb), "Qcv": of(chen.qcv)}
FMI: dict[str, GreyFormula] = {
    "FMI_pixel": of(fmi.fmi, feature="none"),
    **{f"FMI_{feature}": of(fmi.fmi, feature=feature) for feature in ("gradient", "edge", "dct", "wavelet")},
}
MATLAB_FEATURES: dict[str, GreyFormula] = {
    "EN": of_fused(information.entropy),
    "SD": of_fused(features.standard_deviation),
    "AG": gradient_over_inner,
    "EI": of_fused(features.edge_intensity),
    "CE": of(information.cross_entropy),
}
"""What VIFB and MEFB compute alike."""
NO_REFERENCE: dict[bool, dict[str, GreyFormula]] = {
    mend: {
        "NIQE": of_fused(no_reference.published_niqe, mend_flat=mend),
        "BRISQUE": of_fused(no_reference.published_brisque, mend_flat=mend),
    }
    for mend in (False, True)
}
"""By whether flat areas are mended."""
QABF_SATURATING = of(qabf.qabf, equal_gain=255.0)
SSIM_SUM = total(ssim.ssim)
QP = of(qp.qp)
MEF_SSIM = of(mef.mef_ssim)
MEF_MS_SSIM = of(mef.mef_ms_ssim)
pearson_qncie = partial(qncie, pearson=True)
