"""SFDFusion as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "lqz2/SFDFusion"
_COMMIT = "769ab0489a8440c8d375740b4fe01c51b566a4ec"

SPEC = MethodSpec(
    name="sfdfusion",
    title="SFDFusion",
    summary=(
        "A branch for the image plane and one for amplitudes and phases of the Fourier plane, merged by"
        " convolutions."
    ),
    paper=(
        "Hu, Zhang, Yuan, Zhang: SFDFusion: An efficient spatial-frequency domain fusion network for infrared"
        " and visible image fusion"
    ),
    doi="10.3233/FAIA240524",
    year=2024,
    venue="ECAI",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=(
        official_file(
            "sfdfusion",
            _REPOSITORY,
            _COMMIT,
            "models/model-1_1_10_1.pth",
            sha256="65307415ea2f05ee158cce94e0b3ee4565fef77cfcee2707c81cf4be5f078032",
            git_blob="666421db5e6d8e92073a6f95c9824092509992b5",
            size=573_384,
            converted={
                "weights.safetensors": "86a5778f51b0332c8195b9c80770f82d725e8c83c8afb03c14d79ad9c0b8df0d"
            },
        ),
    ),
    trained_on=("msrs:train",),
    colour="seafusion",
    rounding="truncate",
    size_multiple=2,
    published_as="SFDFusion",
    status="verified",
    note=(
        "The official scripts save grey and cut odd sides by a pixel; the colour is the one that their"
        " unfinished mode intends."
    ),
    options={"network": "fusionbench.methods.sfdfusion.network:SFDFusion"},
    factory=FACTORY,
)
