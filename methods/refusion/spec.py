"""ReFusion as data: its model for infrared and visible images."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "HaowenBai/ReFusion"
_COMMIT = "54b733420e67042aa6ddd146ec3edef902122930"

SPEC = MethodSpec(
    name="refusion",
    title="ReFusion",
    summary="Two transformer branches, merged by crossed attention; trained with a loss that is learned too.",
    paper=(
        "Bai, Zhao, Zhang, Wu, Deng, Cui, Jiang, Xu: ReFusion: Learning image fusion from reconstruction with"
        " learnable loss via meta-learning"
    ),
    doi="10.1007/s11263-024-02256-8",
    year=2024,
    venue="IJCV",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=(
        official_file(
            "refusion",
            _REPOSITORY,
            _COMMIT,
            "models/ReFusion_IVIF.pth",
            sha256="1b8358d8dab5e95c9d3f668782abda85359685669444946001ac41ea96891b2c",
            git_blob="3100f489eb9eb0e75001279695db46d617786a0f",
            size=281_203,
            converted={
                "weights.safetensors": "a80c5801307c4faa5b72f22f16aba2d8311b74bde640ceba05efd3cd50e2c225"
            },
        ),
    ),
    colour="seafusion",
    quantise="minmax",
    rounding="half-down",
    published_as="ReFusion",
    status="verified",
    note=(
        "Its repository names no training data, so nothing can be marked; its example pictures are of MSRS's"
        " test split."
    ),
    options={"network": "fusionbench.methods.refusion.network:ReFusion"},
    factory=FACTORY,
)
