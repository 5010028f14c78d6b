"""LUT-Fuse as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, official_file

_REPOSITORY = "zyb5/LUT-Fuse"
_COMMIT = "ab5878e2465520bd20711e7d793d97253b8b7a70"
_LICENCE = "MIT"
_CONVERTED = {"weights.safetensors": "42498d87062994d841399a936a503a5b3385f38a8d3a8159b3def515b23d41ae"}

SPEC = MethodSpec(
    name="lutfuse",
    title="LUT-Fuse",
    summary=(
        "A learned table from luma, gradient, context and infrared to the fused luma; a small network gives"
        " the context."
    ),
    paper=(
        "Yi, Zhang, Xiang, Yan, Xu, Ma: LUT-Fuse: Towards extremely fast infrared and visible image fusion"
        " via distillation to learnable look-up tables"
    ),
    doi="10.48550/arXiv.2509.00346",
    year=2025,
    venue="ICCV",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=_LICENCE,
    artifacts=(
        official_file(
            "lutfuse-table",
            _REPOSITORY,
            _COMMIT,
            "ckpts/fine_tuned_lut.npy",
            sha256="e237e9807915e2252b3a3f5905e7badefdb89c07ac1e80dbc390a526e31ed6a0",
            git_blob="dae17a0bbafef6905d18fe3e8b657a311405a4df",
            size=262_272,
            converted=_CONVERTED,
            licence=_LICENCE,
        ),
        official_file(
            "lutfuse-context",
            _REPOSITORY,
            _COMMIT,
            "ckpts/generator_context.pth",
            sha256="e79da8ecfdc3512a1c9f55efc1d47238154b596df2db48b6f01b235fdf575900",
            git_blob="3b1cea6723c2d263925a3009d43163712756209e",
            size=38_648,
            converted=_CONVERTED,
            licence=_LICENCE,
        ),
    ),
    input="rgb",
    output="rgb",
    rounding="truncate",
    published_as="LUT-Fuse",
    status="verified",
    note=(
        "Its training data isn't named, so nothing can be marked. The official script shrinks images to"
        " multiples of 16; here they keep their size."
    ),
    options={"network": "fusionbench.methods.lutfuse.network:LUTFuse"},
    factory=FACTORY,
)
