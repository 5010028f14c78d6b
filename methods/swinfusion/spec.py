"""SwinFusion as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "Linfeng-Tang/SwinFusion"
_COMMIT = "ceeec3fe935630b4d1f2f545984a7a6cb5133f62"

SPEC = MethodSpec(
    name="swinfusion",
    title="SwinFusion",
    summary="Shifted-window attention within and across the streams.",
    paper=(
        "Ma, Tang, Fan, Huang, Mei, Ma: SwinFusion: Cross-domain long-range learning for general image fusion"
    ),
    year=2022,
    venue="IEEE/CAA JAS 9(7)",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=(
        official_file(
            "swinfusion",
            _REPOSITORY,
            _COMMIT,
            "Model/Infrared_Visible_Fusion/Infrared_Visible_Fusion/models/10000_E.pth",
            git_blob="67788c10509e2e63b81190ad56c206de5eb514c5",
        ),
    ),
    trained_on=("msrs:train",),
    grey="pillow-ycbcr",
    colour="pillow",
    minimum_size=8,
    status="needs-weights",
    note=(
        "Luma and colour by Pillow's YCbCr, like the authors' later benchmark; their own script wants"
        " ready-made luma."
    ),
    options={"network": "fusionbench.methods.swinfusion.network:SwinFusion"},
    factory=FACTORY,
)
