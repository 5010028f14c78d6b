"""YDTR as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "tthinking/YDTR"
_COMMIT = "b1f01b4ba7b2f40e4fcaec620f29640960db7e98"

SPEC = MethodSpec(
    name="ydtr",
    title="YDTR",
    summary="Both images through one transformer, added, and through it once more.",
    paper="Tang, He, Liu: YDTR: Infrared and visible image fusion via Y-shape dynamic transformer",
    doi="10.1109/TMM.2022.3192661",
    year=2023,
    venue="IEEE TMM 25",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=(
        official_file(
            "ydtr",
            _REPOSITORY,
            _COMMIT,
            "models/model_10.pth",
            saved_as="ydtr_model_10.pth",
            sha256="183c31a103ada74063e644b300d6708ed567dcc231a9d0f8d52e098c6c2a0d32",
            git_blob="92cdc1934effb7257bf205ce7105debe9ef1598f",
            size=893_678,
            converted={
                "weights.safetensors": "121f11260371c2bd178354aebc7ddd2cbe4f910b0aa38dff0eaba22f34574aa8"
            },
        ),
    ),
    grey="pillow",
    rounding="truncate",
    status="verified",
    note="Published online in 2022. The official script saves grey. Training data not named.",
    options={"network": "fusionbench.methods.ydtr.network:YDTR"},
    factory=FACTORY,
)
