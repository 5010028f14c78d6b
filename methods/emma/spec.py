"""EMMA as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "Zhaozixiang1228/MMIF-EMMA"
_COMMIT = "9983ca2f627588cd001ed08e21eadf1ab5c48beb"

SPEC = MethodSpec(
    name="emma",
    title="EMMA",
    summary="A four-scale U-Net of transformer and residual units, trained equivariantly.",
    paper="Zhao et al.: Equivariant multi-modality image fusion",
    year=2024,
    venue="CVPR",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=(
        official_file(
            "emma",
            _REPOSITORY,
            _COMMIT,
            "model/EMMA.pth",
            git_blob="46f382475767323b83f3f7f52dc2bed0ac6b7476",
        ),
    ),
    trained_on=("msrs:train",),
    grey="bt601-rounded",
    quantise="minmax",
    rounding="half-down",
    minimum_size=32,
    published_as="EMMA",
    status="needs-weights",
    note=(
        "Sides that aren't multiples of 32 are fused in overlapping windows without blending, as the"
        " authors do."
    ),
    options={"network": "fusionbench.methods.emma.network:EMMA"},
    factory=FACTORY,
)
