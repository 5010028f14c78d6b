"""PFCFuse as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "HXY13/PFCFuse-Image-Fusion"
_COMMIT = "d9e02afa46f32655dcaf9bd216a993c71e3b2708"

SPEC = MethodSpec(
    name="pfcfuse",
    title="PFCFuse",
    summary="CDDFuse's dual-branch network with pooling in the base branch.",
    paper="Hu, Liu, Yang: PFCFuse: A Poolformer and CNN fusion network for infrared-visible image fusion",
    doi="10.1109/TIM.2024.3450061",
    year=2024,
    venue="IEEE TIM",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=(
        official_file(
            "pfcfuse",
            _REPOSITORY,
            _COMMIT,
            "PFCFuse_IVF.pth",
            sha256="6fad97b6213264ba111d16ba479ff97dc1507adff1a40b95852ec6f4e171feb1",
            git_blob="df5839f6f7e11767010afe89017a188aad47df0b",
            size=2_179_985,
            converted={
                "weights.safetensors": "5da8a18e8174e64754eb5a3b1fb73c02a0bad4b38c930bd7faa48ecd35b737ab"
            },
        ),
    ),
    trained_on=("msrs:train",),
    colour="opencv",
    quantise="minmax",
    rounding="truncate",
    minimum_size=2,
    published_as="PFCFuse",
    status="verified",
    note="Each image's luma is stretched to its own range, as the official script saves it.",
    options={"network": "fusionbench.methods.pfcfuse.network:PFCFuse"},
    factory=FACTORY,
)
