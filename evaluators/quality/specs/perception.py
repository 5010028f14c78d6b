"""The metrics of perceived fidelity as data."""

from fusionbench.contracts import MetricSpec

from .constant import STRETCHED, constant

PERCEPTION = (
    MetricSpec(
        name="VIF",
        title="Visual information fidelity",
        family="perception",
        value_range="0…∞",
        minimum_size=41,
        formula=(
            "vifp(A,F) + vifp(B,F), vifp = Σ log₁₀(1 + g²σ₁²/(σ_v²+2))/Σ log₁₀(1 + σ₁²/2) over four scales"
        ),
        source="H. R. Sheikh, A. C. Bovik, IEEE TIP 15(2), 2006 (pixel domain)",
        constant=constant("0", "no value: 0/0", "no value: 0/0", "no value: 0/0"),
        conventions={
            "cddfuse": "as the formula",
            "cddfuse-f64": "as the formula",
            "linfeng": "as the formula",
            "linfeng-legacy": "uint8 products saturate at 255 at the first scale",
            "ivif-zoo": "window half a pixel off centre, zero border: about 6 % higher",
            "corrected": "as the formula",
        },
        pitfalls=(
            "Not VIFF, though many papers call it so.",
            "legacy values rank methods differently.",
            (
                "In large saturated areas local variances are rounding noise near the threshold "
                "10⁻¹⁰: implementations agree to about 10⁻⁸ there, the original included."
            ),
        ),
        differentiable=True,
    ),
    MetricSpec(
        name="VIFF",
        title="Visual information fidelity for fusion",
        family="perception",
        value_range="0…∞",
        minimum_size=41,
        formula=(
            "Σ_s p_s Σ VID/Σ VIND, the source with the smaller gain at each pixel, p = (1, 0, 0.15, 1)/2.15"
        ),
        source="Y. Han, Y. Cai, Y. Cao, X. Xu, Information Fusion 14(2), 2013",
        constant=constant("0", "finite", "1", "1"),
        conventions={
            "mefb": "as the formula; mean over the colour channels",
            "corrected": "as the formula, on rgb2gray",
        },
        pitfalls=(
            "Since CDDFuse, papers print the sum of two vifp under this name: see VIF.",
            "The source with the smaller gain is taken in each window, not the better one.",
        ),
    ),
    MetricSpec(
        name="Qcb",
        title="Chen–Blum metric",
        family="perception",
        value_range="0…1",
        formula="mean of λ_A Q_AF + λ_B Q_BF of masked contrasts after contrast sensitivity filtering",
        source="Y. Chen, R. S. Blum, Image and Vision Computing 27(10), 2009",
        constant=STRETCHED,
        conventions={
            "vifb": "mean over the colour channels",
            "vifb-corrected": "as vifb",
            "mefb": (
                "stretch of x/255, whose ties fall differently: up to 2.5·10⁻⁴ off vifb; mean over "
                "the colour channels"
            ),
            "corrected": "on grey levels",
        },
        pitfalls=("IVIF_ZOO (not offered here) reads the contrast sensitivity at half the frequency.",),
    ),
    MetricSpec(
        name="Qcv",
        title="Chen–Varshney metric",
        family="perception",
        direction="lower",
        value_range="0…∞",
        formula="Σ λ D/Σ λ over 16×16 regions: visible difference to each source, weighted by its saliency",
        source="H. Chen, P. K. Varshney, Information Fusion 8(2), 2007",
        constant=STRETCHED,
        conventions={
            "vifb": "mean over the colour channels",
            "vifb-corrected": "as vifb",
            "mefb": "mean over the colour channels",
            "corrected": "on grey levels",
        },
        pitfalls=(
            (
                "Regions are cut on a grid of 16×16 from the upper left corner; what is cut off is "
                "filled up with zeros."
            ),
        ),
        digits=1,
    ),
)
