"""The metrics of grey-level and feature information as data."""

from fusionbench.contracts import MetricSpec

from .constant import OF_THE_FUSED_IMAGE, STRETCHED, constant

_FMI = (
    "mean over 3×3 windows of (I(a;f)/(H(a)+H(f)) + I(b;f)/(H(b)+H(f))) of the windows' "
    "feature distributions, joint distribution by a copula"
)
_FAST_FMI = "M. Haghighat, M. A. Razian, Fast-FMI, AICT 2014"

INFORMATION = (
    MetricSpec(
        name="EN",
        title="Entropy",
        family="information",
        unit="bit",
        value_range="0…8",
        formula="−Σ p log₂ p over the 256-bin histogram of the fused image",
        source="J. W. Roberts, J. A. van Aardt, F. B. Ahmed, J. Appl. Remote Sens. 2, 2008",
        constant=OF_THE_FUSED_IMAGE,
        conventions={
            "cddfuse": "on rounded float grey levels",
            "cddfuse-f64": "as cddfuse",
            "linfeng": "as cddfuse, MATLAB grey",
            "linfeng-legacy": "as linfeng",
            "vifb": "mean over the colour channels",
            "vifb-corrected": "as vifb",
            "mefb": "as vifb",
            "ivif-zoo": (
                "−Σ p log₂(p + 10⁻⁷); the original sums in float32 (10⁻⁷ off), here and in this "
                "convention's other metrics"
            ),
            "corrected": "as linfeng",
        },
        pitfalls=(
            "Noise raises it.",
            "Some ports clamp levels to 1…256, which merges bins 0 and 1.",
        ),
        digits=2,
    ),
    MetricSpec(
        name="CE",
        title="Cross entropy",
        family="information",
        direction="lower",
        unit="bit",
        value_range="about 0…∞",
        formula="(Σ p_A log₂(p_A/p_F) + Σ p_B log₂(p_B/p_F))/2 over bins that neither histogram leaves empty",
        source="D. M. Bulanon, T. F. Burks, V. Alchanatis, Biosystems Engineering 103(1), 2009",
        constant=constant("finite", "finite", "finite", "0"),
        conventions={
            "vifb": "mean over the colour channels",
            "vifb-corrected": "as vifb",
            "mefb": "as vifb",
            "corrected": "on MATLAB grey",
        },
        pitfalls=(
            "Skipped bins can make it negative.",
            "0 where the histograms share no bin.",
        ),
    ),
    MetricSpec(
        name="MI",
        title="Mutual information",
        family="information",
        value_range="0…16",
        formula="I(A;F) + I(B;F), I(X;F) = H(X) + H(F) − H(X,F), 256×256 joint histogram",
        source="G. Qu, D. Zhang, P. Yan, Electronics Letters 38(7), 2002",
        constant=constant("0", "finite", "0", "0"),
        conventions={
            "cddfuse": "nats",
            "cddfuse-f64": "nats",
            "linfeng": "bits; levels 254 and 255 merged in the joint histogram (uint8 saturation)",
            "linfeng-legacy": "as linfeng",
            "vifb": "nats; mean over the colour channels",
            "vifb-corrected": "as vifb",
            "ivif-zoo": "bits",
            "corrected": "bits",
        },
        pitfalls=("Nats and bits differ by a factor of 1.4427: 2.59 bits are 1.79 nats.",),
        digits=2,
    ),
    MetricSpec(
        name="NMI",
        title="Normalised mutual information",
        family="information",
        value_range="0…2",
        formula="2·[I(A;F)/(H(A)+H(F)) + I(B;F)/(H(B)+H(F))]",
        source="M. Hossny, S. Nahavandi, D. Creighton, Electronics Letters 44(18), 2008",
        constant=STRETCHED,
        conventions={
            "mefb": "Hossny's; mean over the colour channels",
            "ivif-zoo": "2·MI/(H(A)+H(B)): another quantity",
            "corrected": "Hossny's",
        },
        pitfalls=(
            "2, not 1, for a perfect fusion.",
            "IVIF_ZOO divides MI by the entropies of the sources: not comparable.",
        ),
    ),
    MetricSpec(
        name="Qncie",
        title="Nonlinear correlation information entropy",
        family="information",
        value_range="0.80…1",
        formula=(
            "1 + Σ (λ/3) log₂₅₆(λ/3) of the eigenvalues of the 3×3 matrix of NCC = (H(X) + H(Y) − "
            "H(X,Y))/log₂ 256"
        ),
        source="Q. Wang, Y. Shen, J. Jin, in: Image Fusion: Algorithms and Applications, 2008",
        constant=STRETCHED,
        conventions={
            "mefb": "as the formula; mean over the colour channels",
            "ivif-zoo": "Pearson's r of the grey levels in place of NCC: 0.871 for 0.805",
            "corrected": "as the formula",
        },
        pitfalls=("IVIF_ZOO's value is another quantity: Pearson's r in place of NCC.",),
    ),
    MetricSpec(
        name="TE",
        title="Tsallis entropy metric",
        family="information",
        value_range="0…∞ (mefb: any)",
        formula="Σ_X (1 − Σ p_XF^q/(p_X p_F)^(q−1))/(1 − q), q = 1.85",
        source=(
            "N. Cvejic, C. N. Canagarajah, D. R. Bull, Electronics Letters 42(11), 2006; R. Nava, G. "
            "Cristóbal, B. Escalante-Ramírez, SPIE 6527, 2007"
        ),
        constant=STRETCHED,
        conventions={
            "mefb": (
                "marginals transposed, as coded: 136…11671 on the demo scenes; mean over the colour channels"
            ),
            "corrected": "as the formula",
        },
        pitfalls=(
            (
                "MEFB transposes the marginals: another value for any pair whose joint histogram "
                "isn't symmetric."
            ),
        ),
    ),
    MetricSpec(
        name="FMI_pixel",
        title="Feature mutual information (grey levels)",
        aliases=("FMI_none",),
        family="information",
        value_range="about 0…1",
        minimum_size=3,
        formula=_FMI,
        source=_FAST_FMI,
        constant=constant("0", "finite", "0", "1"),
        conventions={
            "linfeng": "called without a feature: it is FMI_edge",
            "mefb": "as the formula; mean over the colour channels",
            "corrected": "as the formula",
        },
        pitfalls=("Published FMI_pixel from this code base is FMI_edge.",),
    ),
    MetricSpec(
        name="FMI_gradient",
        title="Feature mutual information (gradient)",
        family="information",
        value_range="about 0…1",
        minimum_size=3,
        formula=_FMI,
        source=_FAST_FMI,
        constant=constant("0", "finite", "0", "1"),
        conventions={
            "linfeng": "horizontal derivative only",
            "mefb": "as the formula; mean over the colour channels",
            "corrected": "as the formula",
        },
        pitfalls=("MATLAB's gradient with one output: the horizontal derivative alone.",),
    ),
    MetricSpec(
        name="FMI_edge",
        title="Feature mutual information (Sobel edge map)",
        family="information",
        value_range="about 0…1",
        minimum_size=3,
        formula=_FMI,
        source=_FAST_FMI,
        constant=constant("finite", "finite", "finite", "1"),
        conventions={
            "mefb": "as the formula; mean over the colour channels",
            "corrected": "as the formula",
        },
        pitfalls=("Near 1 for any image, a constant one included: windows without an edge count as equal.",),
    ),
    MetricSpec(
        name="FMI_dct",
        title="Feature mutual information (DCT of the whole image)",
        family="information",
        value_range="about 0…1",
        minimum_size=3,
        formula=_FMI,
        source=_FAST_FMI,
        constant=constant("finite", "finite", "finite", "1"),
        conventions={
            "linfeng": "as the formula",
            "mefb": "as the formula; mean over the colour channels",
            "corrected": "as the formula",
        },
        pitfalls=(
            "The 3×3 windows are of coefficients, not of pixels.",
            "Coefficients of flat images are rounding noise, and so is the value then.",
        ),
    ),
    MetricSpec(
        name="FMI_wavelet",
        title="Feature mutual information (dmey wavelet)",
        aliases=("FMI_w",),
        family="information",
        value_range="about 0…1",
        formula=_FMI,
        source=_FAST_FMI,
        constant=constant("finite", "finite", "finite", "1"),
        conventions={
            "linfeng": "as the formula",
            "mefb": "as the formula; mean over the colour channels",
            "corrected": "as the formula",
        },
        pitfalls=(
            "The four subbands are rescaled to [0, 1] together.",
            (
                "Detail bands of flat areas are rounding noise, which the stretch of each window "
                "shows: values of saturated images depend on the order of summation."
            ),
        ),
    ),
)
