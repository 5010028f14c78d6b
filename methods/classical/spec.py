"""The classical methods as data. ``options`` holds each method's parameters, as published unless the note
says otherwise.
"""

from fusionbench.contracts.method import MethodSpec

_HERE = "fusionbench.methods.classical"

SPECS = [
    MethodSpec(
        name="visible",
        title="Visible image",
        summary="The visible image unchanged: what a detector or segmenter gets without fusion.",
        family="classical",
        input="rgb",
        output="rgb",
        tileable=True,
        status="verified",
        factory=f"{_HERE}.pixelwise:build_visible",
    ),
    MethodSpec(
        name="infrared",
        title="Infrared image",
        summary="The infrared image unchanged, as grey RGB: the other single-sensor reference.",
        family="classical",
        output="rgb",
        tileable=True,
        status="verified",
        factory=f"{_HERE}.pixelwise:build_infrared",
    ),
    MethodSpec(
        name="average",
        title="Average",
        summary="Mean of infrared and visible luma: what every multi-scale method does to its base layer.",
        family="classical",
        tileable=True,
        status="verified",
        factory=f"{_HERE}.pixelwise:build_average",
    ),
    MethodSpec(
        name="max",
        title="Maximum",
        summary="The brighter of infrared and visible luma at each pixel; strong in pixel metrics.",
        family="classical",
        grey="opencv",  # rounded luma, so that the maximum of two 8-bit levels is an 8-bit level
        tileable=True,
        status="verified",
        factory=f"{_HERE}.pixelwise:build_maximum",
    ),
    MethodSpec(
        name="laplacian",
        title="Laplacian pyramid",
        summary="Laplacian pyramid, stronger detail coefficient at each place, averaged base.",
        paper="The Laplacian Pyramid as a Compact Image Code",
        doi="10.1109/TCOM.1983.1095851",
        year=1983,
        venue="IEEE TCOM",
        family="classical",
        options={"levels": 4, "a": 0.4},
        note="Four levels: the usual depth in fusion; the paper fixes only the pyramid.",
        factory=f"{_HERE}.laplacian:build",
    ),
    MethodSpec(
        name="dwt",
        title="Discrete wavelet transform",
        summary="Wavelet transform, stronger detail coefficient at each place, averaged approximation.",
        paper="Multisensor Image Fusion Using the Wavelet Transform",
        doi="10.1006/gmip.1995.1022",
        year=1995,
        venue="GMIP",
        family="classical",
        options={"wavelet": "db2", "levels": 4},
        note="Choice by coefficient, without the paper's area activity and consistency check; on the CPU.",
        factory=f"{_HERE}.wavelet:build",
    ),
    MethodSpec(
        name="guided-filter",
        title="GFF",
        summary="Two scales, saliency weight maps refined by guided filters.",
        paper="Image Fusion with Guided Filtering",
        doi="10.1109/TIP.2013.2244222",
        year=2013,
        venue="IEEE TIP",
        family="classical",
        options={"base_radius": 15, "r1": 45, "eps1": 0.3, "r2": 7, "eps2": 1e-6},
        note="Refined weights below zero are set to zero before they are normalised.",
        factory=f"{_HERE}.guided_filter:build",
    ),
    MethodSpec(
        name="adf",
        title="ADF",
        summary=(
            "Anisotropic diffusion splits base from detail, a Karhunen-Loeve weight fuses the details. "
            "Here because its fused images are published (VIFB): ours, compressed alike, equal them."
        ),
        paper=(
            "Fusion of Infrared and Visible Sensor Images Based on Anisotropic Diffusion and "
            "Karhunen-Loeve Transform"
        ),
        doi="10.1109/JSEN.2015.2478655",
        year=2016,
        venue="IEEE Sensors J.",
        family="classical",
        options={"steps": 10, "kappa": 30.0, "rate": 0.15},
        status="verified",
        factory=f"{_HERE}.anisotropic_diffusion:build",
    ),
    MethodSpec(
        name="gtf",
        title="GTF",
        summary=(
            "Infrared intensities with visible gradients, by total-variation minimisation. "
            "Here because learned fusion compares itself with it most often."
        ),
        paper="Infrared and Visible Image Fusion via Gradient Transfer and Total Variation Minimization",
        doi="10.1016/j.inffus.2016.02.001",
        year=2016,
        venue="Inf. Fusion",
        family="classical",
        options={"balance": 4.0, "steps": 400, "primal_step": 0.01},
        note=(
            "The published objective, another solver (Chambolle-Pock instead of reweighted norms): 400 steps "
            "end 0.1 grey levels (mean) from where 5000 steps end, measured on MSRS."
        ),
        factory=f"{_HERE}.gradient_transfer:build",
    ),
    MethodSpec(
        name="two-scale",
        title="TSIFVS",
        summary="Mean-filter base, saliency-weighted detail; fast (VIFB calls it TIF).",
        paper="Two-Scale Image Fusion of Visible and Infrared Images Using Saliency Detection",
        doi="10.1016/j.infrared.2016.01.009",
        year=2016,
        venue="Infrared Phys. Technol.",
        family="classical",
        options={"radius": 17},
        factory=f"{_HERE}.two_scale:build",
    ),
]
