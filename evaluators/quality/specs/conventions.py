"""The conventions as data: whose exact definitions a column of numbers follows."""

from fusionbench.contracts import ConventionSpec

CONVENTIONS = (
    ConventionSpec(
        name="cddfuse",
        title="CDDFuse evaluator",
        summary=(
            "The Python evaluator of MMIF-CDDFuse, which most tables since 2023 use. Grey: OpenCV"
            " BGR2GRAY in float32, rounded half to even; levels 0…255. MI in nats; MI, VIF, SSIM,"
            " SCD are sums over the two sources, CC and MSE means. Computed here in float64 (the "
            "original's float32 differs by up to 5·10⁻⁷), but for SSIM, whose float32 rounding is"
            " visible in the fifth digit and therefore kept."
        ),
        source="Zhaozixiang1228/MMIF-CDDFuse@fd8da1f utils/Evaluator.py",
    ),
    ConventionSpec(
        name="cddfuse-f64",
        title="CDDFuse evaluator in float64",
        summary="As cddfuse, with SSIM in float64 too.",
        source="Zhaozixiang1228/MMIF-CDDFuse@fd8da1f utils/Evaluator.py, images cast to float64",
    ),
    ConventionSpec(
        name="linfeng",
        title="Linfeng Tang's MATLAB evaluation, current",
        summary=(
            "Grey: MATLAB rgb2gray. MI in bits with levels 254 and 255 merged in the joint "
            "histogram; MSE on [0, 1], PSNR of it with peak 255 (about 48.13 dB too high); SSIM "
            "with L = 1 on levels 0…255, mean of the two; MS-SSIM is MEF-MS-SSIM; FMI_pixel is "
            "FMI_edge; Nabf takes infrared for the fused image."
        ),
        source="Linfeng-Tang/Evaluation-for-Image-Fusion@0e87153 Evaluation/*.m",
    ),
    ConventionSpec(
        name="linfeng-legacy",
        title="Linfeng Tang's MATLAB evaluation before its float fix",
        summary=(
            "What the tables of 2021–2022 print: SD and VIF in saturating uint8 arithmetic, SF "
            "and Qabf on [0, 1], SSIM is MEF-SSIM."
        ),
        source=(
            "Linfeng-Tang/Evaluation-for-Image-Fusion@0e87153 Metric/Metric_TNO.xlsx and @5d6c43a"
            " Evaluation/*.m"
        ),
    ),
    ConventionSpec(
        name="vifb",
        title="VIFB benchmark",
        summary=(
            "MATLAB; colour fused images are scored channel by channel and averaged, grey sources"
            " repeated; grey fused images against rgb2gray of the sources. MI in nats; RMSE and "
            "PSNR divide by the pixel count after the root; SF runs over the channels side by "
            "side."
        ),
        source="xingchenzhang/VIFB@22b2ea9 metrics/*.m",
    ),
    ConventionSpec(
        name="vifb-corrected",
        title="VIFB benchmark, mended",
        summary="As vifb, with RMSE, PSNR and SF computed as meant.",
        source="xingchenzhang/VIFB@22b2ea9 metrics/*.m, our corrections",
    ),
    ConventionSpec(
        name="mefb",
        title="MEFB benchmark",
        summary=(
            "The metrics of MEFB, in MATLAB. Colour images are scored channel by channel and "
            "averaged, a grey source is repeated; only MEF-SSIM is computed on rgb2gray. Qw is "
            "that of the edge maps alone, TE's marginals are transposed, MEF-SSIM has three "
            "scales, Qcb stretches x/255, PSNR divides by the pixel count after the root. Its Qp "
            "and Qc follow rules that aren't known here: not offered."
        ),
        source="xingchenzhang/MEFB@9e185bf metrics/*.m",
        version=2,
    ),
    ConventionSpec(
        name="ivif-zoo",
        title="IVIF_ZOO",
        summary=(
            "The metrics of IVIF_ZOO, on Pillow's grey levels: biased EN, NMI over the sources' "
            "entropies, EI with zero border, PSNR 48.13 dB too high, SSIM and MS-SSIM with "
            "vanishing constants (MS-SSIM with a zero row and column before odd sides), VIF with "
            "an off-centre window, Qncie with Pearson's r, Nabf and Labf without weak edges. "
            "Computed here in float64; the original's float32 differs by 10⁻⁷, in SSIM, MS-SSIM "
            "and VIF by up to 10⁻⁴. Its CE (cross entropy of sigmoids of 0…255) means nothing; "
            "it, Qcb, Qy and TE aren't offered."
        ),
        source="RollingPlain/IVIF_ZOO@61b0a44",
        version=2,
    ),
    ConventionSpec(
        name="utlive",
        title="LIVE laboratory, no-reference metrics",
        summary=(
            "NIQE and BRISQUE of the fused image's grey levels (MATLAB rgb2gray) as their "
            "authors' released code computes them, rounding noise of flat areas included."
        ),
        source="utlive/niqe@d80aead, utlive/BRISQUE@2e2a5ac",
        version=2,
    ),
    ConventionSpec(
        name="utlive-corrected",
        title="LIVE laboratory, flat areas mended",
        summary=(
            "As utlive, with |I − μ| < 10⁻⁸ set to 0, so that the values don't depend on rounding noise."
        ),
        source="utlive/niqe@d80aead, utlive/BRISQUE@2e2a5ac, our corrections",
        version=2,
    ),
    ConventionSpec(
        name="corrected",
        title="Known bugs mended",
        summary=(
            "Grey: MATLAB rgb2gray. Every metric as its paper defines it: MI in bits without "
            "merged levels, PSNR of errors on one scale, SSIM with L = 255 (mean of two), Qabf "
            "with orientations modulo π and G = 1 at equality, Nabf with its arguments in order, "
            "FMI_pixel on pixels, Qw not Qe, flat areas of NIQE and BRISQUE set to 0."
        ),
        source="the metrics' papers; see each metric",
    ),
)
