"""DATFuse as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "tthinking/DATFuse"
_COMMIT = "0cd93f15fb5552c7aef79b7be56726c863d6c5ba"

SPEC = MethodSpec(
    name="datfuse",
    title="DATFuse",
    summary="Channel and spatial attention around a small transformer.",
    paper=(
        "Tang, He, Liu, Duan, Si: DATFuse: Infrared and visible image fusion via dual attention transformer"
    ),
    doi="10.1109/TCSVT.2023.3234340",
    year=2023,
    venue="IEEE TCSVT 33(7)",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=(
        official_file(
            "datfuse",
            _REPOSITORY,
            _COMMIT,
            "model_10.pth",
            saved_as="datfuse_model_10.pth",
            sha256="075b636954cbd425fc29be808bcfb42232e29b203f054c2a637ed301300d5a1d",
            git_blob="7baa8da48696b6e3c0c9f8f21fcdf88b6debbd98",
            size=65_189,
            converted={
                "weights.safetensors": "cd24c47ae26f2d719cbd5bff60d38e9b33ec517380f62f879c88d0cef46609e0"
            },
        ),
    ),
    grey="pillow",
    rounding="truncate",
    status="verified",
    note=(
        "The official script saves grey. Its rare negative pixels wrap around there (one in 1.8 million on"
        " MSRS); here they are 0. Training data not named."
    ),
    options={"network": "fusionbench.methods.datfuse.network:DATFuse"},
    factory=FACTORY,
)
