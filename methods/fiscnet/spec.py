"""FISCNet as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "zheng980629/FISCNet"
_COMMIT = "6931507763316b2a6282222a477812a83ae197eb"

SPEC = MethodSpec(
    name="fiscnet",
    title="FISCNet",
    summary="Phases of both images merged in the Fourier plane, details made up for in the image plane.",
    paper=(
        "Zheng, Zhou, Huang, Zhao: Frequency integration and spatial compensation network for infrared and"
        " visible image fusion"
    ),
    doi="10.1016/j.inffus.2024.102359",
    year=2024,
    venue="Information Fusion",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=(
        official_file(
            "fiscnet",
            _REPOSITORY,
            _COMMIT,
            "pretrained_model/FISCNet_model.pth",
            sha256="274c21b835e02e89f2bcad4227619e743675ffd73e00f4af1a4a1854efd59e3f",
            git_blob="a7eba060a1ff95a69034182a658dc43132f6f994",
            size=1_480_225,
            converted={
                "weights.safetensors": "3c284b72196e810f813b0400ff71837b1cc6551acf4e1390b510c4ac429cb6bf"
            },
        ),
    ),
    trained_on=("m3fd:train",),
    colour="seafusion",
    minimum_size=16,
    published_as="FISCNet",
    status="verified",
    note="Trained on the fusion subset of M3FD.",
    options={"network": "fusionbench.methods.fiscnet.network:FISCNet"},
    factory=FACTORY,
)
