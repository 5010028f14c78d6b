"""SHIP as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "zheng980629/SHIP"
_COMMIT = "6b95318c7700fce74a476e057f077ecd90ff85b3"

SPEC = MethodSpec(
    name="ship",
    title="SHIP",
    summary="Spatial and channel interactions of high order.",
    paper="Zheng et al.: Probing synergistic high-order interaction in infrared and visible image fusion",
    year=2024,
    venue="CVPR",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=(
        official_file(
            "ship",
            _REPOSITORY,
            _COMMIT,
            "pretrained_model/SHIP_model.pth",
            sha256="e61783e79144d5c9da6681b833ad64624ed2e61f6a533fd18ab896349e3f7329",
            git_blob="ee040866877cdf3f5e2de3977aa395a383f6e80d",
            size=2_397_047,
            converted={
                "weights.safetensors": "480dbc736499ba3b09d5efb37de8a940f6ca4375b9295afd88e71b2487f8522b"
            },
        ),
    ),
    trained_on=("m3fd:train",),
    colour="seafusion",
    published_as="SHIP",
    status="verified",
    note="Circular convolutions sum thousands of products: float32 noise of full-size images reaches 1e-4.",
    options={"network": "fusionbench.methods.ship.network:SHIP"},
    factory=FACTORY,
)
