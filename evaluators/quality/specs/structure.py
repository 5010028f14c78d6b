"""The metrics of local structural similarity as data."""

from fusionbench.contracts import MetricSpec

from .constant import constant

STRUCTURE = (
    MetricSpec(
        name="SSIM",
        title="Structural similarity",
        family="structural",
        value_range="−1…1 (mean), −2…2 (sum)",
        minimum_size=11,
        formula=(
            "mean of (2μ₁μ₂+C₁)(2σ₁₂+C₂)/((μ₁²+μ₂²+C₁)(σ₁²+σ₂²+C₂)) for each source, C₁ = (0.01 L)², "
            "C₂ = (0.03 L)²"
        ),
        source="Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, IEEE TIP 13(4), 2004",
        constant=constant("finite", "finite", "finite", "1 (2 where it is a sum)"),
        conventions={
            "cddfuse": "sum; 7×7 mean window, sample variances, L = 2, float32",
            "cddfuse-f64": "as cddfuse, in float64",
            "linfeng": "mean; Gaussian 11×11 σ 1.5, replicated border, L = 1 on levels 0…255",
            "linfeng-legacy": "MEF-SSIM under another name",
            "vifb": "sum; Gaussian 11×11 σ 1.5, whole windows, L = 255; mean over the colour channels",
            "vifb-corrected": "as vifb",
            "ivif-zoo": (
                "sum; Gaussian 11×11, L = 255 on levels multiplied by 255 again: as L = 1; float32 in"
                " the original (10⁻⁴ off)"
            ),
            "corrected": "mean; as linfeng with L = 255",
        },
        pitfalls=(
            (
                "With L = 1 or 2 on levels 0…255 the constants vanish: 0.95 for 1.29 on one and the "
                "same pair; the ranking of methods changes."
            ),
        ),
        differentiable=True,
    ),
    MetricSpec(
        name="MS-SSIM",
        title="Multi-scale structural similarity",
        aliases=("MSSSIM",),
        family="structural",
        value_range="0…1 (mean), 0…2 (sum)",
        minimum_size=161,
        formula="Π cs_l^{w_l}·SSIM_5^{w_5} over five scales",
        source="Z. Wang, E. P. Simoncelli, A. C. Bovik, Asilomar 2003",
        constant=constant("finite", "finite", "finite", "1 (2 where it is a sum)"),
        conventions={
            "linfeng": "MEF-MS-SSIM under this name (minimum size 41)",
            "ivif-zoo": (
                "sum; L = 1 on levels 0…255; a zero row and column before odd sides (avg_pool2d with "
                "padding); float32 in the original"
            ),
            "corrected": "mean, L = 255",
        },
        pitfalls=(
            (
                "Two metrics go by this name: Wang's (five scales) and MEF-MS-SSIM (three scales, no "
                "luminance)."
            ),
        ),
        differentiable=True,
    ),
    MetricSpec(
        name="MEF-SSIM",
        title="SSIM for multi-exposure fusion",
        family="structural",
        value_range="−1…1",
        minimum_size=11,
        formula=(
            "similarity of each fused patch to the patch of highest contrast and weighted mean "
            "structure of the sources"
        ),
        source="K. Ma, K. Zeng, Z. Wang, IEEE TIP 24(11), 2015",
        constant=constant("finite", "finite", "finite", "1"),
        conventions={
            "mefb": "MEF-MS-SSIM under this name (three scales, minimum size 41), on rgb2gray",
            "corrected": "one scale",
        },
        pitfalls=(
            (
                "Made for exposure stacks: it rewards the patch of higher contrast, whichever sensor "
                "it comes from."
            ),
            "The MATLAB tables of 2021 call it SSIM.",
        ),
    ),
    MetricSpec(
        name="MEF-MS-SSIM",
        title="SSIM for multi-exposure fusion, three scales",
        family="structural",
        value_range="0…1",
        minimum_size=41,
        formula="Π Q_l^{w_l} of MEF-SSIM on three scales, w = (0.0448, 0.2856, 0.3001)/sum",
        source="K. Ma, K. Zeng, Z. Wang, IEEE TIP 24(11), 2015",
        constant=constant("finite", "finite", "finite", "1"),
        conventions={
            "corrected": "as the formula",
        },
        pitfalls=("Tables of the MATLAB code base call it MS_SSIM.",),
    ),
    MetricSpec(
        name="Qs",
        title="Piella's quality index Q_S",
        family="structural",
        value_range="−1…1",
        minimum_size=11,
        formula="mean of λ SSIM(A,F) + (1−λ) SSIM(B,F), λ by local variance",
        source="G. Piella, H. Heijmans, ICIP 2003",
        constant=constant("finite", "finite", "finite", "1"),
        conventions={
            "corrected": "as the formula",
        },
        pitfalls=("One of three indices that papers call Piella's metric: Q_S, Q_W and Q_E differ.",),
    ),
    MetricSpec(
        name="Qw",
        title="Piella's weighted index Q_W",
        family="structural",
        value_range="−1…1",
        minimum_size=11,
        formula="Q_S weighted by the larger local variance",
        source="G. Piella, H. Heijmans, ICIP 2003",
        constant=constant(
            "finite", "finite", "no value: the weights are 0/0", "no value: the weights are 0/0"
        ),
        conventions={
            "mefb": "Qw of the Prewitt edge maps alone; mean over the colour channels",
            "corrected": "as the formula",
        },
        pitfalls=("MEFB's function of this name weighs the edge maps, not the images.",),
    ),
    MetricSpec(
        name="Qe",
        title="Piella's edge-dependent index Q_E",
        family="structural",
        value_range="−1…1",
        minimum_size=11,
        formula="Q_W of the images times Q_W of their edge maps",
        source="G. Piella, H. Heijmans, ICIP 2003",
        constant=constant(
            "finite", "finite", "no value: the weights are 0/0", "no value: the weights are 0/0"
        ),
        conventions={
            "corrected": "as the formula",
        },
        pitfalls=("A product of two indices: positive where both are negative.",),
    ),
    MetricSpec(
        name="Qc",
        title="Cvejic's index Q_C",
        family="structural",
        value_range="−1…1",
        minimum_size=7,
        formula="mean of sim·SSIM(A,F) + (1−sim)·SSIM(B,F), sim = σ_AF/(σ_AF + σ_BF) clipped to 0…1",
        source="N. Cvejic, A. Loza, D. Bull, N. Canagarajah, Int. J. Signal Process. 2(3), 2005",
        constant=constant("0", "finite", "0", "1"),
        conventions={
            "corrected": "as the formula",
        },
        pitfalls=("Flat windows: rounding noise decides in the original; here each source counts half.",),
    ),
    MetricSpec(
        name="Qy",
        title="Yang's index Q_Y",
        family="structural",
        value_range="−1…1",
        minimum_size=7,
        formula="λ SSIM(A,F) + (1−λ) SSIM(B,F) where SSIM(A,B) ≥ 0.75, else the larger of the two",
        source="C. Yang, J.-Q. Zhang, X.-R. Wang, X. Liu, Information Fusion 9(2), 2008",
        constant=constant("0", "finite", "0", "1"),
        conventions={
            "mefb": "as the formula; mean over the colour channels",
            "corrected": "as the formula",
        },
        pitfalls=("IVIF_ZOO's window and constants give 0.937 for 0.805.",),
    ),
)
