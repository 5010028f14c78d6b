"""ITFuse as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "tthinking/ITFuse"
_COMMIT = "26137effac7b314c4c64fb97f097e398e1dbc2fb"

SPEC = MethodSpec(
    name="itfuse",
    title="ITFuse",
    summary="Two modalities exchange keys and queries over three stages, then a transformer.",
    paper="Tang, He, Liu: ITFuse: An interactive transformer for infrared and visible image fusion",
    doi="10.1016/j.patcog.2024.110822",
    year=2024,
    venue="Pattern Recognition 156",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=(
        official_file(
            "itfuse",
            _REPOSITORY,
            _COMMIT,
            "models/model.pth",
            saved_as="itfuse_model.pth",
            sha256="578f4d651c998134c4984ae635286557aa96aea99d9d5b9aa610021134113a69",
            git_blob="7ac877ec81f24b17db64425de2571137f5934347",
            size=400_371,
            converted={
                "weights.safetensors": "ceed33dd8c1365c455c901685f16585e5bfc4ef1b7dc449f14f10a41deaa8ab1"
            },
        ),
    ),
    grey="pillow",
    rounding="truncate",
    status="verified",
    note=(
        "Its images have a low contrast; the authors' look the same. The official script saves grey. Training"
        " data not named."
    ),
    options={"network": "fusionbench.methods.itfuse.network:ITFuse"},
    factory=FACTORY,
)
