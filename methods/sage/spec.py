"""SAGE as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, official_file

_REPOSITORY = "RollingPlain/SAGE_IVIF"
_COMMIT = "377fdbef6b8b6ccbd1139358ad66bb41ea084dc1"

SPEC = MethodSpec(
    name="sage",
    title="SAGE",
    summary="The sub-network distilled from a SAM-guided one, for inference.",
    paper="Wu, Liu, Fu, Peng, Liu, Fan, Liu: Every SAM drop counts",
    year=2025,
    venue="CVPR",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence="MIT",
    artifacts=(
        official_file(
            "sage",
            _REPOSITORY,
            _COMMIT,
            "checkpoints/checkpoints.pt",
            sha256="ecfde477ca4cd65401f207d5dc91ce6c475a49891d768dbdb7a66366255ee836",
            git_blob="2c8c8ef807025f6899f7fc4264b8e6c12f91bec8",
            size=579_020,
            converted={
                "weights.safetensors": "d7c4ca289137275d1d71d44c292db7f8282f92fbb6c19e8a9b463bcd2c56d561"
            },
            licence="MIT",
        ),
    ),
    trained_on=("fmb:train",),
    grey="opencv",
    colour="sage",
    rounding="half-up",
    minimum_size=4,
    published_as="SAGE",
    status="verified",
    note="Grey pixels come out slightly tinted: the official code's neutral chroma is 128/255, not one half.",
    options={"network": "fusionbench.methods.sage.network:SAGE"},
    factory=FACTORY,
)
