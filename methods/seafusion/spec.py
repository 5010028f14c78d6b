"""SeAFusion as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, official_file

_REPOSITORY = "Linfeng-Tang/SeAFusion"
_COMMIT = "c80fbd7028a3aa7d4d1afbb23e31a2a1a5b89351"

SPEC = MethodSpec(
    name="seafusion",
    title="SeAFusion",
    summary="Gradient residual dense blocks, trained in the loop of a segmentation network.",
    paper="Tang, Yuan, Ma: Image fusion in the loop of high-level vision tasks",
    doi="10.1016/j.inffus.2021.12.004",
    year=2022,
    venue="Information Fusion 82",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence="MIT",
    artifacts=(
        official_file(
            "seafusion",
            _REPOSITORY,
            _COMMIT,
            "model/Fusion/fusionmodel_final.pth",
            sha256="8d65a7f9a50f36349803368cf9920f40420776995e7e8cc8a56d8d30e499431d",
            git_blob="6d98f55fa969849c905ccbe1d2ba81da0a24c909",
            size=682_043,
            converted={
                "weights.safetensors": "ab3314a1d52ef3e119d71e1069799e5fe3d16436165b5cd73b6cb883b2285b33"
            },
            licence="MIT",
        ),
    ),
    trained_on=("msrs:train",),
    colour="seafusion",
    quantise="minmax-rgb",
    rounding="truncate",
    status="verified",
    note="Stretched over R, G and B together, as the official script saves it.",
    options={"network": "fusionbench.methods.seafusion.network:SeAFusion"},
    factory=FACTORY,
)
