"""The metrics of edges, contrast and texture as data."""

from fusionbench.contracts import MetricSpec

from .constant import OF_THE_FUSED_IMAGE, constant

FEATURES = (
    MetricSpec(
        name="SD",
        title="Standard deviation",
        family="image feature",
        unit="grey level",
        value_range="0…127.5",
        formula="√(mean((F − mean F)²))",
        source="Y.-J. Rao, Meas. Sci. Technol. 8(4), 1997",
        constant=OF_THE_FUSED_IMAGE,
        conventions={
            "cddfuse": "population",
            "cddfuse-f64": "as cddfuse",
            "linfeng": "as cddfuse",
            "linfeng-legacy": "saturating uint8 arithmetic: values of 8…11 whatever the image",
            "vifb": "mean over the colour channels",
            "vifb-corrected": "as vifb",
            "mefb": "as vifb",
            "ivif-zoo": "population",
            "corrected": "population",
        },
        pitfalls=("torch.std divides by n − 1 by default.",),
        differentiable=True,
        digits=2,
    ),
    MetricSpec(
        name="SF",
        title="Spatial frequency",
        family="image feature",
        unit="grey level",
        value_range="0…361",
        minimum_size=2,
        formula="√(mean of squared differences along rows + the same along columns)",
        source="A. M. Eskicioglu, P. S. Fisher, IEEE Trans. Commun. 43(12), 1995",
        constant=OF_THE_FUSED_IMAGE,
        conventions={
            "cddfuse": "each mean over its own count",
            "cddfuse-f64": "as cddfuse",
            "linfeng": "as cddfuse",
            "linfeng-legacy": "on [0, 1]: 255 times smaller",
            "vifb": "both sums divided by H·W; colour channels side by side, with the seams between them",
            "vifb-corrected": "both sums divided by H·W; mean over the channels",
            "mefb": "both sums divided by H·W; mean over the colour channels (no seams, unlike vifb)",
            "ivif-zoo": "as cddfuse",
            "corrected": "as cddfuse",
        },
        pitfalls=(
            "Noise, halos and checkerboards raise it.",
            "Published values below 0.1 are on [0, 1].",
        ),
        differentiable=True,
        digits=2,
    ),
    MetricSpec(
        name="AG",
        title="Average gradient",
        family="image feature",
        unit="grey level",
        value_range="0…255",
        minimum_size=2,
        formula="mean √((gx² + gy²)/2), central differences inside, one-sided at the border",
        source="G. Cui, H. Feng, Z. Xu, Q. Li, Y. Chen, Optics Communications 341, 2015",
        constant=OF_THE_FUSED_IMAGE,
        conventions={
            "cddfuse": "sum over H·W",
            "cddfuse-f64": "as cddfuse",
            "linfeng": "sum over (H−1)(W−1): 0.37 % more at 640×480",
            "linfeng-legacy": "as linfeng",
            "vifb": "as linfeng, mean over the colour channels",
            "vifb-corrected": "as vifb",
            "mefb": "as vifb",
            "ivif-zoo": "as cddfuse",
            "corrected": "as cddfuse",
        },
        pitfalls=(
            "Noise raises it.",
            "The divisor differs between code bases: H·W or (H−1)(W−1).",
        ),
        differentiable=True,
        digits=2,
    ),
    MetricSpec(
        name="EI",
        title="Edge intensity",
        family="image feature",
        unit="grey level",
        value_range="0…1443",
        formula="mean √(gx² + gy²) of Sobel gradients",
        source="B. Rajalingam, R. Priya, Int. J. Eng. Sci. Invention 2018",
        constant=OF_THE_FUSED_IMAGE,
        conventions={
            "vifb": "replicated border; mean over the colour channels",
            "vifb-corrected": "as vifb",
            "mefb": "as vifb",
            "ivif-zoo": "zero border",
            "corrected": "replicated border",
        },
        pitfalls=(
            "Noise raises it.",
            "A zero border adds a frame of edges: 66.0 for 63.8 on one and the same image.",
        ),
        digits=2,
    ),
    MetricSpec(
        name="Qabf",
        title="Edge preservation Q^{AB/F}",
        family="image feature",
        value_range="0…0.99",
        formula=(
            "Σ(Q^AF g_A + Q^BF g_B)/Σ(g_A + g_B), Q = 0.9994/(1+e^{−15(G−0.5)}) · "
            "0.9879/(1+e^{−22(A−0.8)}), Sobel with zero border"
        ),
        source="C. S. Xydeas, V. Petrovic, Electronics Letters 36(4), 2000",
        constant=constant(
            "finite", "finite", "finite (edges at the zero border); no value where both are 0: 0/0", "finite"
        ),
        conventions={
            "cddfuse": "orientations not wrapped; G = g_F where the strengths are equal",
            "cddfuse-f64": "as cddfuse",
            "linfeng": "as cddfuse",
            "linfeng-legacy": "on [0, 1], where G = g_F at equality is near 0",
            "vifb": "G ≥ 2·g_F at equality; mean over the colour channels",
            "vifb-corrected": "as vifb",
            "mefb": "as vifb",
            "ivif-zoo": "as cddfuse",
            "corrected": "orientations modulo π, G = 1 at equality: about 9 % higher",
        },
        pitfalls=(
            (
                "Equality of strengths is an exact test: on images scaled to [0, 1] it depends on the"
                " order of summation."
            ),
        ),
        differentiable=True,
    ),
    MetricSpec(
        name="Nabf",
        title="Fusion artefacts (Kumar)",
        family="image feature",
        direction="lower",
        value_range="0…1",
        minimum_size=2,
        formula=(
            "Σ_{g_F > g_A, g_B} ((1−Q_A)w_A + (1−Q_B)w_B)/Σ(w_A + w_B), w = g^1.5 where g ≥ 2, else 0.001"
        ),
        source="B. K. Shreyamsha Kumar, Signal, Image and Video Processing 7, 2013",
        constant=OF_THE_FUSED_IMAGE,
        conventions={
            "linfeng": "infrared is taken for the fused image (argument order)",
            "ivif-zoo": "w = 0 where g < 2",
            "corrected": "as the formula",
        },
        pitfalls=("Published values of this metric from the MATLAB code base score the infrared image.",),
    ),
    MetricSpec(
        name="Labf",
        title="Lost edge information",
        family="image feature",
        direction="lower",
        value_range="0…1",
        minimum_size=2,
        formula="as Nabf, over the pixels where g_F ≤ g_A or g_F ≤ g_B",
        source="V. Petrovic, C. Xydeas, ICCV 2005; Kumar 2013",
        constant=constant("finite", "finite", "finite", "finite (0.99)"),
        conventions={
            "ivif-zoo": "w = 0 where g < 2; only where g_F ≤ g_A and g_F ≤ g_B",
            "corrected": "as the formula",
        },
        pitfalls=(
            (
                "Where IVIF_ZOO asks for both conditions at once, pixels between the strengths of the"
                " sources count nowhere."
            ),
        ),
    ),
    MetricSpec(
        name="Nabf_petrovic",
        title="Fusion artefacts (Petrovic)",
        family="image feature",
        direction="lower",
        value_range="0…2",
        minimum_size=2,
        formula="Σ_{g_F > g_A, g_B} (2−Q_A−Q_B)(w_A+w_B)/Σ(w_A + w_B)",
        source="V. Petrovic, C. Xydeas, ICCV 2005",
        constant=OF_THE_FUSED_IMAGE,
        conventions={
            "corrected": "as the formula",
        },
        pitfalls=(
            "Above 1, up to 2, where the sources are flat and the fused image is not.",
            "Not the Nabf of tables since 2013, which is Kumar's.",
        ),
    ),
    MetricSpec(
        name="Qabf_petrovic",
        title="Edge preservation (Petrovic 2005)",
        family="image feature",
        value_range="0…1",
        minimum_size=2,
        formula="Σ(Q_A w_A + Q_B w_B)/Σ(w_A + w_B) with Nabf's Q and w; 1 − Labf − Nabf",
        source="V. Petrovic, C. Xydeas, ICCV 2005",
        constant=constant("finite", "finite", "finite", "finite (0.01)"),
        conventions={
            "corrected": "as the formula",
        },
        pitfalls=("Not Qabf: other gradients, constants and weights.",),
    ),
    MetricSpec(
        name="Qp",
        title="Phase congruency metric",
        family="image feature",
        value_range="about 0…1",
        minimum_size=2,
        formula="product of local correlations of phase congruency and its principal moments",
        source="J. Zhao, R. Laganière, Z. Liu, Int. J. Innov. Comput. Inf. Control 3(6A), 2007",
        constant=constant("finite", "finite", "finite", "no value: no feature in any image"),
        conventions={
            "corrected": "as the formula",
        },
        pitfalls=(
            (
                "A fused image without features scores near 1: a constant one gets 0.997 on a TNO "
                "pair, since a correlation of nothing with nothing counts 1."
            ),
        ),
    ),
)
