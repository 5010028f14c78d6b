"""The quality metrics as data: what `fusionbench info metric NAME` prints."""

from fusionbench.contracts.evaluator import MetricSpec


def _constant(fused: str, source: str, sources: str, equal: str) -> dict[str, str]:
    """What comes out of constant images: a number, ``finite``, or ``no value`` and why (see ``MetricSpec.constant``)."""
    return {
        "fused image": fused,
        "one source": source,
        "both sources": sources,
        "all three, equal": equal,
    }


_OF_THE_FUSED_IMAGE = _constant("0", "finite", "finite", "0")
_STRETCHED = _constant(*["no value: the stretch to 0…255 is 0/0"] * 4)
_NO_STATISTICS = _constant("no value: too flat", "finite", "finite", "no value: too flat")

INFORMATION = (
    MetricSpec(
        name="EN", title="Entropy", family="information", unit="bit", value_range="0…8", digits=2,
        constant=_OF_THE_FUSED_IMAGE,
        formula="−Σ p log₂ p over the 256-bin histogram of the fused image",
        source="J. W. Roberts, J. A. van Aardt, F. B. Ahmed, J. Appl. Remote Sens. 2, 2008",
        conventions={
            "cddfuse": "on rounded float grey levels", "cddfuse-f64": "as cddfuse", "linfeng": "as cddfuse, MATLAB grey", "linfeng-legacy": "as linfeng",
            "vifb": "mean over the colour channels", "vifb-corrected": "as vifb", "ivif-zoo": "−Σ p log₂(p + 10⁻⁷)", "corrected": "as linfeng",
        },
        pitfalls=("Noise raises it.", "Some ports clamp levels to 1…256, which merges bins 0 and 1."),
    ),
    MetricSpec(
        name="CE", title="Cross entropy", family="information", direction="lower", unit="bit", value_range="about 0…∞",
        constant=_constant("finite", "finite", "finite", "0"),
        formula="(Σ p_A log₂(p_A/p_F) + Σ p_B log₂(p_B/p_F))/2 over bins that neither histogram leaves empty",
        source="D. M. Bulanon, T. F. Burks, V. Alchanatis, Biosystems Engineering 103(1), 2009",
        conventions={"vifb": "mean over the colour channels", "vifb-corrected": "as vifb", "corrected": "on MATLAB grey"},
        pitfalls=("Skipped bins can make it negative.", "0 where the histograms share no bin."),
    ),
    MetricSpec(
        name="MI", title="Mutual information", family="information", value_range="0…16", digits=2,
        constant=_constant("0", "finite", "0", "0"),
        formula="I(A;F) + I(B;F), I(X;F) = H(X) + H(F) − H(X,F), 256×256 joint histogram",
        source="G. Qu, D. Zhang, P. Yan, Electronics Letters 38(7), 2002",
        conventions={
            "cddfuse": "nats", "cddfuse-f64": "nats", "linfeng": "bits; levels 254 and 255 merged in the joint histogram (uint8 saturation)",
            "linfeng-legacy": "as linfeng", "vifb": "nats; mean over the colour channels", "vifb-corrected": "as vifb", "ivif-zoo": "bits", "corrected": "bits",
        },
        pitfalls=("Nats and bits differ by a factor of 1.4427: 2.59 bits are 1.79 nats.",),
    ),
    MetricSpec(
        name="NMI", title="Normalised mutual information", family="information", value_range="0…2",
        constant=_STRETCHED,
        formula="2·[I(A;F)/(H(A)+H(F)) + I(B;F)/(H(B)+H(F))]",
        source="M. Hossny, S. Nahavandi, D. Creighton, Electronics Letters 44(18), 2008",
        conventions={"mefb": "Hossny's", "ivif-zoo": "2·MI/(H(A)+H(B)): another quantity", "corrected": "Hossny's"},
        pitfalls=("2, not 1, for a perfect fusion.", "IVIF_ZOO divides MI by the entropies of the sources: not comparable.",),
    ),
    MetricSpec(
        name="Qncie", title="Nonlinear correlation information entropy", family="information", value_range="0…1",
        constant=_STRETCHED,
        formula="1 + Σ (λ/3) log₂₅₆(λ/3) of the eigenvalues of the 3×3 matrix of NCC = (H(X) + H(Y) − H(X,Y))/log₂ 256",
        source="Q. Wang, Y. Shen, J. Jin, in: Image Fusion: Algorithms and Applications, 2008",
        conventions={"mefb": "as the formula", "ivif-zoo": "Pearson's r in place of NCC: 0.871 for 0.805", "corrected": "as the formula"},
        pitfalls=("IVIF_ZOO's value is another quantity: Pearson's r in place of NCC.",),
    ),
    MetricSpec(
        name="TE", title="Tsallis entropy metric", family="information", value_range="0…∞",
        constant=_STRETCHED,
        formula="Σ_X (1 − Σ p_XF^q/(p_X p_F)^(q−1))/(1 − q), q = 1.85",
        source="N. Cvejic, C. N. Canagarajah, D. R. Bull, Electronics Letters 42(11), 2006; R. Nava, G. Cristóbal, B. Escalante-Ramírez, SPIE 6527, 2007",
        conventions={"mefb": "marginals transposed, as coded", "corrected": "as the formula"},
        pitfalls=("MEFB transposes the marginals: another value for any pair whose joint histogram isn't symmetric.",),
    ),
    *(
        MetricSpec(
            name=f"FMI_{feature}", title=f"Feature mutual information ({title})", family="information", value_range="0…1",
            minimum_size=1 if feature == "wavelet" else 3,
            constant=constant,
            formula="mean over 3×3 windows of (I(a;f)/(H(a)+H(f)) + I(b;f)/(H(b)+H(f))) of the windows' feature distributions, joint distribution by a copula",
            source="M. Haghighat, M. A. Razian, Fast-FMI, ICIAT 2014",
            conventions={"linfeng": note_linfeng, "mefb": "as the formula", "corrected": "as the formula"} if note_linfeng
            else {"mefb": "as the formula", "corrected": "as the formula"},
            pitfalls=pitfalls,
        )
        for feature, title, note_linfeng, constant, pitfalls in (
            ("pixel", "grey levels", "called without a feature: it is FMI_edge", _constant("0", "finite", "0", "1"), ("Published FMI_pixel from this code base is FMI_edge.",)),
            ("gradient", "gradient", "horizontal derivative only", _constant("0", "finite", "0", "1"), ("MATLAB's gradient with one output: the horizontal derivative alone.",)),
            ("edge", "Sobel edge map", "", _constant("finite", "finite", "finite", "1"), ("Near 1 for any image, a constant one included: windows without an edge count as equal.",)),
            ("dct", "DCT of the whole image", "as the formula", _constant("finite", "finite", "finite", "1"), ("The 3×3 windows are of coefficients, not of pixels.",)),
            ("wavelet", "dmey wavelet", "as the formula", _constant("finite", "finite", "finite", "1"), ("The four subbands are rescaled to [0, 1] together.",)),
        )
    ),
)  # fmt: skip

FEATURES = (
    MetricSpec(
        name="SD", title="Standard deviation", family="image feature", unit="grey level", value_range="0…127.5", differentiable=True, digits=2,
        constant=_OF_THE_FUSED_IMAGE,
        formula="√(mean((F − mean F)²))",
        source="Y.-J. Rao, Meas. Sci. Technol. 8(4), 1997",
        conventions={
            "cddfuse": "population", "cddfuse-f64": "as cddfuse", "linfeng": "as cddfuse",
            "linfeng-legacy": "saturating uint8 arithmetic: values of 8…11 whatever the image", "vifb": "mean over the colour channels",
            "vifb-corrected": "as vifb", "corrected": "population",
        },
        pitfalls=("torch.std divides by n − 1 by default.",),
    ),
    MetricSpec(
        name="SF", title="Spatial frequency", family="image feature", unit="grey level", value_range="0…361", differentiable=True, minimum_size=2, digits=2,
        constant=_OF_THE_FUSED_IMAGE,
        formula="√(mean of squared differences along rows + the same along columns)",
        source="A. M. Eskicioglu, P. S. Fisher, IEEE Trans. Commun. 43(12), 1995",
        conventions={
            "cddfuse": "each mean over its own count", "cddfuse-f64": "as cddfuse", "linfeng": "as cddfuse", "linfeng-legacy": "on [0, 1]: 255 times smaller",
            "vifb": "both sums divided by H·W; colour channels side by side, with the seams between them",
            "vifb-corrected": "both sums divided by H·W; mean over the channels", "ivif-zoo": "as cddfuse", "corrected": "as cddfuse",
        },
        pitfalls=("Noise, halos and checkerboards raise it.", "Published values below 0.1 are on [0, 1].",),
    ),
    MetricSpec(
        name="AG", title="Average gradient", family="image feature", unit="grey level", value_range="0…255", differentiable=True, minimum_size=2, digits=2,
        constant=_OF_THE_FUSED_IMAGE,
        formula="mean √((gx² + gy²)/2), central differences inside, one-sided at the border",
        source="G. Cui, H. Feng, Z. Xu, Q. Li, Y. Chen, Optics Communications 341, 2015",
        conventions={
            "cddfuse": "sum over H·W", "cddfuse-f64": "as cddfuse", "linfeng": "sum over (H−1)(W−1): 0.37 % more at 640×480", "linfeng-legacy": "as linfeng",
            "vifb": "as linfeng, mean over the colour channels", "vifb-corrected": "as vifb", "ivif-zoo": "as cddfuse", "corrected": "as cddfuse",
        },
        pitfalls=("Noise raises it.", "The divisor differs between code bases: H·W or (H−1)(W−1).",),
    ),
    MetricSpec(
        name="EI", title="Edge intensity", family="image feature", unit="grey level", value_range="0…1442", digits=2,
        constant=_OF_THE_FUSED_IMAGE,
        formula="mean √(gx² + gy²) of Sobel gradients",
        source="B. Rajalingam, R. Priya, Int. J. Eng. Sci. Invention 2018",
        conventions={"vifb": "replicated border; mean over the colour channels", "vifb-corrected": "as vifb", "ivif-zoo": "zero border", "corrected": "replicated border"},
        pitfalls=("Noise raises it.", "A zero border adds a frame of edges: 66.0 for 63.8 on one and the same image.",),
    ),
    MetricSpec(
        name="Qabf", title="Edge preservation Q^{AB/F}", family="image feature", value_range="0…1", differentiable=True, digits=3,
        constant=_constant("finite", "finite", "finite (edges at the zero border); no value where both are 0: 0/0", "finite"),
        formula="Σ(Q^AF g_A + Q^BF g_B)/Σ(g_A + g_B), Q = 0.9994/(1+e^{−15(G−0.5)}) · 0.9879/(1+e^{−22(A−0.8)}), Sobel with zero border",
        source="C. S. Xydeas, V. Petrovic, Electronics Letters 36(4), 2000",
        conventions={
            "cddfuse": "orientations not wrapped; G = g_F where the strengths are equal", "cddfuse-f64": "as cddfuse", "linfeng": "as cddfuse",
            "linfeng-legacy": "on [0, 1], where G = g_F at equality is near 0", "vifb": "G ≥ 2·g_F at equality; mean over the colour channels",
            "vifb-corrected": "as vifb", "corrected": "orientations modulo π, G = 1 at equality: about 9 % higher",
        },
        pitfalls=("Equality of strengths is an exact test: on images scaled to [0, 1] it depends on the order of summation.",),
    ),
    MetricSpec(
        name="Nabf", title="Fusion artefacts (Kumar)", family="image feature", direction="lower", value_range="0…1", minimum_size=2,
        constant=_OF_THE_FUSED_IMAGE,
        formula="Σ_{g_F > g_A, g_B} ((1−Q_A)w_A + (1−Q_B)w_B)/Σ(w_A + w_B), w = g^1.5 where g ≥ 2, else 0.001",
        source="B. K. Shreyamsha Kumar, Signal, Image and Video Processing 7, 2013",
        conventions={
            "linfeng": "infrared is taken for the fused image (argument order)", "ivif-zoo": "w = 0 where g < 2", "corrected": "as the formula",
        },
        pitfalls=("Published values of this metric from the MATLAB code base score the infrared image.",),
    ),
    MetricSpec(
        name="Labf", title="Lost edge information", family="image feature", direction="lower", value_range="0…1", minimum_size=2,
        constant=_constant("finite", "finite", "finite", "finite (0.99)"),
        formula="as Nabf, over the pixels where g_F ≤ g_A or g_F ≤ g_B", source="V. Petrovic, C. Xydeas, ICCV 2005; Kumar 2013",
        conventions={"ivif-zoo": "w = 0 where g < 2; only where g_F ≤ g_A and g_F ≤ g_B", "corrected": "as the formula"},
        pitfalls=("Where IVIF_ZOO asks for both conditions at once, pixels between the strengths of the sources count nowhere.",),
    ),
    MetricSpec(
        name="Nabf_petrovic", title="Fusion artefacts (Petrovic)", family="image feature", direction="lower", value_range="0…2", minimum_size=2,
        constant=_OF_THE_FUSED_IMAGE,
        formula="Σ_{g_F > g_A, g_B} (2−Q_A−Q_B)(w_A+w_B)/Σ(w_A + w_B)", source="V. Petrovic, C. Xydeas, ICCV 2005",
        conventions={"corrected": "as the formula"},
        pitfalls=("Above 1, up to 2, where the sources are flat and the fused image is not.", "Not the Nabf of tables since 2013, which is Kumar's.",),
    ),
    MetricSpec(
        name="Qabf_petrovic", title="Edge preservation (Petrovic 2005)", family="image feature", value_range="0…1", minimum_size=2,
        constant=_constant("finite", "finite", "finite", "finite (0.01)"),
        formula="Σ(Q_A w_A + Q_B w_B)/Σ(w_A + w_B) with Nabf's Q and w; 1 − Labf − Nabf", source="V. Petrovic, C. Xydeas, ICCV 2005",
        conventions={"corrected": "as the formula"},
        pitfalls=("Not Qabf: other gradients, constants and weights.",),
    ),
    MetricSpec(
        name="Qp", title="Phase congruency metric", family="image feature", value_range="0…1", minimum_size=2,
        constant=_constant("finite", "finite", "finite", "no value: no feature in any image"),
        formula="product of local correlations of phase congruency and its principal moments",
        source="J. Zhao, R. Laganière, Z. Liu, Int. J. Innov. Comput. Inf. Control 3(6A), 2007",
        conventions={"mefb": "as the formula", "corrected": "as the formula"},
        pitfalls=("A fused image without features scores near 1: a constant one gets 0.997 on a TNO pair, since a correlation of nothing with nothing counts 1.",),
    ),
)  # fmt: skip

STRUCTURE = (
    MetricSpec(
        name="SSIM", title="Structural similarity", family="structural", value_range="−1…1 (mean), −2…2 (sum)", differentiable=True, minimum_size=11, digits=3,
        constant=_constant("finite", "finite", "finite", "1 (2 where it is a sum)"),
        formula="mean of (2μ₁μ₂+C₁)(2σ₁₂+C₂)/((μ₁²+μ₂²+C₁)(σ₁²+σ₂²+C₂)) for each source, C₁ = (0.01 L)², C₂ = (0.03 L)²",
        source="Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, IEEE TIP 13(4), 2004",
        conventions={
            "cddfuse": "sum; 7×7 mean window, sample variances, L = 2, float32", "cddfuse-f64": "as cddfuse, in float64",
            "linfeng": "mean; Gaussian 11×11 σ 1.5, replicated border, L = 1 on levels 0…255", "linfeng-legacy": "MEF-SSIM under another name",
            "vifb": "sum; Gaussian 11×11 σ 1.5, whole windows, L = 255; mean over the colour channels", "vifb-corrected": "as vifb",
            "ivif-zoo": "sum; Gaussian 11×11, L = 255 on levels multiplied by 255 again: as L = 1", "corrected": "mean; as linfeng with L = 255",
        },
        pitfalls=("With L = 1 or 2 on levels 0…255 the constants vanish: 0.95 for 1.29 on one and the same pair; the ranking of methods changes.",),
    ),
    MetricSpec(
        name="MS-SSIM", title="Multi-scale structural similarity", family="structural", value_range="0…1 (mean), 0…2 (sum)", differentiable=True, minimum_size=161,
        constant=_constant("finite", "finite", "finite", "1 (2 where it is a sum)"),
        formula="Π cs_l^{w_l}·SSIM_5^{w_5} over five scales", source="Z. Wang, E. P. Simoncelli, A. C. Bovik, Asilomar 2003",
        conventions={"linfeng": "MEF-MS-SSIM under this name (minimum size 41)", "ivif-zoo": "sum, L = 255", "corrected": "mean, L = 255"},
        pitfalls=("Two metrics go by this name: Wang's (five scales) and MEF-MS-SSIM (three scales, no luminance).",),
    ),
    MetricSpec(
        name="MEF-SSIM", title="SSIM for multi-exposure fusion", family="structural", value_range="−1…1", minimum_size=11,
        constant=_constant("finite", "finite", "finite", "1"),
        formula="similarity of each fused patch to the patch of highest contrast and weighted mean structure of the sources",
        source="K. Ma, K. Zeng, Z. Wang, IEEE TIP 24(11), 2015", conventions={"mefb": "one scale", "corrected": "one scale"},
        pitfalls=("Made for exposure stacks: it rewards the patch of higher contrast, whichever sensor it comes from.", "The MATLAB tables of 2021 call it SSIM.",),
    ),
    MetricSpec(
        name="MEF-MS-SSIM", title="SSIM for multi-exposure fusion, three scales", family="structural", value_range="0…1", minimum_size=41,
        constant=_constant("finite", "finite", "finite", "1"),
        formula="Π Q_l^{w_l} of MEF-SSIM on three scales, w = (0.0448, 0.2856, 0.3001)/sum",
        source="K. Ma, K. Zeng, Z. Wang, IEEE TIP 24(11), 2015", conventions={"corrected": "as the formula"},
        pitfalls=("Tables of the MATLAB code base call it MS_SSIM.",),
    ),
    MetricSpec(
        name="Qs", title="Piella's quality index Q_S", family="structural", value_range="−1…1", minimum_size=11,
        constant=_constant("finite", "finite", "finite", "1"),
        formula="mean of λ SSIM(A,F) + (1−λ) SSIM(B,F), λ by local variance", source="G. Piella, H. Heijmans, ICIP 2003",
        conventions={"mefb": "as the formula", "corrected": "as the formula"},
        pitfalls=("One of three indices that papers call Piella's metric: Q_S, Q_W and Q_E differ.",),
    ),
    MetricSpec(
        name="Qw", title="Piella's weighted index Q_W", family="structural", value_range="−1…1", minimum_size=11,
        constant=_constant("finite", "finite", "no value: the weights are 0/0", "no value: the weights are 0/0"),
        formula="Q_S weighted by the larger local variance", source="G. Piella, H. Heijmans, ICIP 2003",
        conventions={"mefb": "returns Qe (hard-coded switch)", "corrected": "as the formula"},
        pitfalls=("MEFB's function of this name returns Qe.",),
    ),
    MetricSpec(
        name="Qe", title="Piella's edge-dependent index Q_E", family="structural", value_range="−1…1", minimum_size=11,
        constant=_constant("finite", "finite", "no value: the weights are 0/0", "no value: the weights are 0/0"),
        formula="Q_W of the images times Q_W of their edge maps", source="G. Piella, H. Heijmans, ICIP 2003",
        conventions={"mefb": "as the formula", "corrected": "as the formula"},
        pitfalls=("A product of two indices: positive where both are negative.",),
    ),
    MetricSpec(
        name="Qc", title="Cvejic's index Q_C", family="structural", value_range="−1…1", minimum_size=7,
        constant=_constant("0", "finite", "0", "1"),
        formula="mean of sim·SSIM(A,F) + (1−sim)·SSIM(B,F), sim = σ_AF/(σ_AF + σ_BF) clipped to 0…1",
        source="N. Cvejic, A. Loza, D. Bull, N. Canagarajah, Int. J. Signal Process. 2(3), 2005",
        conventions={"mefb": "as the formula", "corrected": "as the formula"},
        pitfalls=("Flat windows: rounding noise decides in the original; here each source counts half.",),
    ),
    MetricSpec(
        name="Qy", title="Yang's index Q_Y", family="structural", value_range="−1…1", minimum_size=7,
        constant=_constant("0", "finite", "0", "1"),
        formula="λ SSIM(A,F) + (1−λ) SSIM(B,F) where SSIM(A,B) ≥ 0.75, else the larger of the two",
        source="C. Yang, J.-Q. Zhang, X.-R. Wang, X. Liu, Information Fusion 9(2), 2008",
        conventions={"mefb": "as the formula", "corrected": "as the formula"},
        pitfalls=("IVIF_ZOO's window and constants give 0.937 for 0.805.",),
    ),
)  # fmt: skip

ERRORS = (
    MetricSpec(
        name="CC", title="Correlation coefficient", family="correlation and error", value_range="−1…1", differentiable=True, digits=3,
        constant=_constant(*["no value: 0/0"] * 4),
        formula="(r(A,F) + r(B,F))/2, Pearson", source="S. Deshmukh, S. Bhosle, Int. J. Image Graph. Signal Process. 2010",
        conventions={"cddfuse": "as the formula", "cddfuse-f64": "as the formula", "linfeng": "as the formula", "linfeng-legacy": "as the formula", "corrected": "as the formula"},
        pitfalls=("The mean of the sources scores high, however dull it is.",),
    ),
    MetricSpec(
        name="SCD", title="Sum of the correlations of differences", family="correlation and error", value_range="−2…2", differentiable=True, digits=2,
        constant=_constant("finite", "no value: 0/0", "no value: 0/0", "no value: 0/0"),
        formula="r(F−B, A) + r(F−A, B), signed differences", source="V. Aslantas, E. Bendes, AEÜ 69(12), 2015",
        conventions={"cddfuse": "as the formula", "cddfuse-f64": "as the formula", "linfeng": "as the formula", "linfeng-legacy": "as the formula", "corrected": "as the formula"},
        pitfalls=("Undefined where the fused image equals a source.", "Differences in unsigned arithmetic destroy it."),
    ),
    MetricSpec(
        name="MSE", title="Mean squared error", family="correlation and error", direction="lower", value_range="0…65025", differentiable=True,
        constant=_constant("finite", "finite", "finite", "0"),
        formula="(mse(A,F) + mse(B,F))/2", source="P. Jagalingam, A. V. Hegde, Aquatic Procedia 4, 2015",
        conventions={"cddfuse": "levels 0…255", "cddfuse-f64": "levels 0…255", "linfeng": "levels on [0, 1]", "linfeng-legacy": "levels on [0, 1]", "corrected": "levels 0…255"},
        pitfalls=("Smallest for the mean of the sources.", "On levels 0…255 or on [0, 1]: a factor of 65025.",),
    ),
    MetricSpec(
        name="RMSE", title="Root mean squared error", family="correlation and error", direction="lower", value_range="0…255", differentiable=True,
        constant=_constant("finite", "finite", "finite", "0"),
        formula="(√mse(A,F) + √mse(B,F))/2", source="P. Jagalingam, A. V. Hegde, Aquatic Procedia 4, 2015",
        conventions={"vifb": "√SSE/(H·W): divided after the root", "vifb-corrected": "mean over the colour channels", "corrected": "as the formula"},
        pitfalls=("VIFB's values (0.06) aren't errors of any scale.",),
    ),
    MetricSpec(
        name="PSNR", title="Peak signal-to-noise ratio", family="correlation and error", unit="dB", value_range="0…∞", differentiable=True, digits=2,
        constant=_constant("finite", "finite", "finite", "no value: infinite"),
        formula="10 log₁₀(255²/MSE)", source="P. Jagalingam, A. V. Hegde, Aquatic Procedia 4, 2015",
        conventions={
            "cddfuse": "peak = maximum of the fused image", "cddfuse-f64": "as cddfuse", "linfeng": "peak 255, MSE on [0, 1]: 48.13 dB too high", "linfeng-legacy": "as linfeng",
            "vifb": "20 log₁₀(255/√RMSE) with VIFB's RMSE", "vifb-corrected": "mean over the colour channels", "ivif-zoo": "as linfeng", "corrected": "as the formula",
        },
        pitfalls=("In cddfuse the peak is the fused image's own maximum: dark images lose by it, down to below 0.", "Values above 50 dB on fusion results come from mixed scales.",),
    ),
)  # fmt: skip

PERCEPTION = (
    MetricSpec(
        name="VIF", title="Visual information fidelity", family="perception", value_range="0…∞", differentiable=True, minimum_size=41, digits=3,
        constant=_constant("0", "no value: 0/0", "no value: 0/0", "no value: 0/0"),
        formula="vifp(A,F) + vifp(B,F), vifp = Σ log₁₀(1 + g²σ₁²/(σ_v²+2))/Σ log₁₀(1 + σ₁²/2) over four scales",
        source="H. R. Sheikh, A. C. Bovik, IEEE TIP 15(2), 2006 (pixel domain)",
        conventions={
            "cddfuse": "as the formula", "cddfuse-f64": "as the formula", "linfeng": "as the formula", "linfeng-legacy": "uint8 products saturate at 255 at the first scale",
            "ivif-zoo": "window half a pixel off centre, zero border: about 6 % higher", "corrected": "as the formula",
        },
        pitfalls=(
            "Not VIFF, though many papers call it so.", "legacy values rank methods differently.",
            "In large saturated areas local variances are rounding noise near the threshold 10⁻¹⁰: implementations agree to about 10⁻⁸ there, the original included.",
        ),
    ),
    MetricSpec(
        name="VIFF", title="Visual information fidelity for fusion", family="perception", value_range="0…∞", minimum_size=41,
        constant=_constant("0", "finite", "1", "1"),
        formula="Σ_s p_s Σ VID/Σ VIND, the source with the smaller gain at each pixel, p = (1, 0, 0.15, 1)/2.15",
        source="Y. Han, Y. Cai, Y. Cao, X. Xu, Information Fusion 14(2), 2013",
        conventions={"mefb": "as the formula, on rgb2gray; the original takes L of Lab of colour images", "corrected": "as the formula, on rgb2gray"},
        pitfalls=(
            "On colour images MEFB scores L of Lab; which range and rounding its conversion has isn't recorded, so it isn't offered: L on 0…255 in place of rgb2gray "
            "changes values by up to 28 % (8 MSRS pairs), L on 0…100 by a factor of 2.4. On grey images there is no difference.",
            "Since CDDFuse, papers print the sum of two vifp under this name: see VIF.", "The source with the smaller gain is taken at each pixel, not the better one.",),
    ),
    MetricSpec(
        name="Qcb", title="Chen–Blum metric", family="perception", value_range="0…1",
        constant=_STRETCHED,
        formula="mean of λ_A Q_AF + λ_B Q_BF of masked contrasts after contrast sensitivity filtering", source="Y. Chen, R. S. Blum, Image and Vision Computing 27(10), 2009",
        conventions={"vifb": "mean over the colour channels", "vifb-corrected": "as vifb", "mefb": "on grey levels", "corrected": "on grey levels"},
        pitfalls=("IVIF_ZOO (not offered here) reads the contrast sensitivity at half the frequency.",),
    ),
    MetricSpec(
        name="Qcv", title="Chen–Varshney metric", family="perception", direction="lower", value_range="0…∞", digits=1,
        constant=_STRETCHED,
        formula="Σ λ D/Σ λ over 16×16 regions: visible difference to each source, weighted by its saliency", source="H. Chen, P. K. Varshney, Information Fusion 8(2), 2007",
        conventions={"vifb": "mean over the colour channels", "vifb-corrected": "as vifb", "mefb": "on grey levels", "corrected": "on grey levels"},
        pitfalls=("Regions are cut on a grid of 16×16 from the upper left corner; what is cut off is filled up with zeros.",),
    ),
)  # fmt: skip

NO_REFERENCE = (
    MetricSpec(
        name="NIQE", title="Natural image quality evaluator", family="no-reference", direction="lower", value_range="0…∞", minimum_size=96,
        constant=_NO_STATISTICS,
        formula="√((μ − μ_p) pinv((Σ + Σ_p)/2) (μ − μ_p)ᵀ) of the statistics of 96×96 blocks of the fused image and of pristine images",
        source="A. Mittal, R. Soundararajan, A. C. Bovik, IEEE SPL 20(3), 2013",
        conventions={
            "utlive": "the released code: flat pixels as rounding leaves them",
            "utlive-corrected": "as utlive, flat pixels (|I − μ| < 10⁻⁸) set to 0",
            "corrected": "as utlive-corrected",
        },
        pitfalls=(
            "Parameters have to be fetched.", "With BRISQUE's fit of the same file name in place of NIQE's own (standard deviations, not scale parameters), the released code gives 2.6 to 7.7 times as much.",
            "Needs at least two whole 96×96 blocks; with few of them the covariance is poor and the value grows.",
        ),
    ),
    MetricSpec(
        name="BRISQUE", title="Blind spatial quality evaluator", family="no-reference", direction="lower", value_range="about 0…100", minimum_size=16, digits=2,
        constant=_NO_STATISTICS,
        formula="Σ c exp(−γ‖x − v‖²) − ρ (support vector regression) of 36 natural-scene statistics x at two scales, scaled to [−1, 1]",
        source="A. Mittal, A. K. Moorthy, A. C. Bovik, IEEE TIP 21(12), 2012",
        conventions={
            "utlive": "as released: features and scaled features pass through six-digit text", "utlive-corrected": "as utlive, flat pixels (|I − μ| < 10⁻⁸) set to 0",
            "corrected": "as utlive-corrected",
        },
        pitfalls=(
            "Parameters have to be fetched.",
            "Two models go by the name allmodel: the authors' (774 support vectors) belongs to their allrange; the one that PyPI packages carry (770) has its own ranges. Mixing them shifts values by up to 22.",
            "Can leave 0…100, below 0 included.",
        ),
    ),
)  # fmt: skip

METRICS = (*INFORMATION, *FEATURES, *STRUCTURE, *ERRORS, *PERCEPTION, *NO_REFERENCE)
