"""ReCoNet as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, official_file

_REPOSITORY = "dlut-dimt/ReCoNet"
_COMMIT = "0870f5f37852ace85850d9fd2d4570eb57682d22"

SPEC = MethodSpec(
    name="reconet",
    title="ReCoNet",
    summary="Three recurrences of one small network.",
    paper=(
        "Huang et al.: ReCoNet: Recurrent correction network for fast and efficient multi-modality image"
        " fusion"
    ),
    year=2022,
    venue="ECCV",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence="MIT",
    artifacts=(
        official_file(
            "reconet",
            _REPOSITORY,
            _COMMIT,
            "archive/params.pth",
            sha256="d4f013c85e48d10d4f6c8b6574f16e4fe9cb5df48c77fc17c1e524f04bb3c290",
            git_blob="891fab61dbd23199f86faf3f1962f40689221d99",
            size=40_395,
            converted={
                "weights.safetensors": "287f106b2a37bd23b449ada066cff2a3c483cb7cc6ef864413418ec609d4437e"
            },
            licence="MIT",
        ),
    ),
    grey="opencv-flag",
    status="verified",
    note="Version 0, which the authors recommend. The official script saves grey. Training data not stated.",
    options={"network": "fusionbench.methods.reconet.network:ReCoNet"},
    factory=FACTORY,
)
