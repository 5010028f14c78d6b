"""MFEIF as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "JinyuanLiu-CV/MFEIF"
_COMMIT = "07906adf34beb3de396aaf76a858a16887d547a4"

SPEC = MethodSpec(
    name="mfeif",
    title="MFEIF",
    summary="Features at three levels and three dilations, weighed by an edge attention.",
    paper=(
        "Liu, Fan, Jiang, Liu, Luo: Learning a deep multi-scale feature ensemble and an edge-attention"
        " guidance for image fusion"
    ),
    doi="10.1109/TCSVT.2021.3056725",
    year=2022,
    venue="IEEE TCSVT 32(1)",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=(
        official_file(
            "mfeif",
            _REPOSITORY,
            _COMMIT,
            "weights/default.pth",
            saved_as="mfeif_default.pth",
            sha256="de730170d4e7c794c476bdf1ace00b3f949ce12fe332dec4d83aa0a961d809b6",
            git_blob="c075054a11728ae32c4e6557d4d3b1dcd9afce47",
            size=1_523_983,
            converted={
                "weights.safetensors": "fa120b621f0c999ee8bee7d2f97629f990bb0bf46e6b1643761cc138e8b1a28f"
            },
        ),
    ),
    grey="opencv-flag",
    status="verified",
    note=(
        "Published online in 2021. The weights leave attention and deeper levels without effect. The official"
        " script saves grey. Training data not named."
    ),
    options={"network": "fusionbench.methods.mfeif.network:MFEIF"},
    factory=FACTORY,
)
