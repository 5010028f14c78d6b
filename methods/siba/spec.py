"""SIBA as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "Afreshbird/SIBA"
_COMMIT = "880a1ddf9eaa610c64e5f25f87fbb146448addc9"

SPEC = MethodSpec(
    name="siba",
    title="SIBA",
    summary="Attention between channels, in which the source images themselves give the queries.",
    paper=(
        "Wang, Han, Kuang, Wang, Chen, Qiao, Yang, Liu, Zhang, Wang: The source image is the best attention"
        " for infrared and visible image fusion"
    ),
    year=2025,
    venue="ICCV",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=(
        official_file(
            "siba",
            _REPOSITORY,
            _COMMIT,
            "checkpoint/SIBA_epoch60.pth",
            sha256="c93d70653eddbbaa7ad4b53ccb9034e02e4fb39434e8f7187a06a5d8ee43ba54",
            git_blob="fcc8398b8dff8b769f90f5af7460c31282a0c030",
            size=2_311_919,
            converted={
                "weights.safetensors": "59b5022a80b065dfcb81cd7e5b32110b6f88ac0d6c5170b183463d41f23ef264"
            },
        ),
    ),
    trained_on=("msrs:train", "roadscene"),
    colour="seafusion",
    rounding="truncate",
    published_as="SIBA",
    status="verified",
    note="Its README names RoadScene without a split as training data, so all of RoadScene is marked.",
    options={"network": "fusionbench.methods.siba.network:SIBA"},
    factory=FACTORY,
)
