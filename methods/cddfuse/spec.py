"""CDDFuse as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "Zhaozixiang1228/MMIF-CDDFuse"
_COMMIT = "fd8da1f39d8d403b7343e577bd5a30cba38c7b7b"

SPEC = MethodSpec(
    name="cddfuse",
    title="CDDFuse",
    summary="Base and detail features by correlation-driven decomposition.",
    paper=(
        "Zhao et al.: CDDFuse: Correlation-driven dual-branch feature decomposition for multi-modality image"
        " fusion"
    ),
    year=2023,
    venue="CVPR",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=(
        official_file(
            "cddfuse",
            _REPOSITORY,
            _COMMIT,
            "models/CDDFuse_IVF.pth",
            git_blob="d2794226bd48961132111bceff89ce3c955b3985",
        ),
    ),
    trained_on=("msrs:train",),
    grey="bt601-rounded",
    quantise="minmax",
    rounding="half-down",
    minimum_size=2,
    published_as="CDDFuse",
    status="needs-weights",
    note="The official script stretches each image and saves grey; the visible image's colour is added.",
    options={"network": "fusionbench.methods.cddfuse.network:CDDFuse"},
    factory=FACTORY,
)
