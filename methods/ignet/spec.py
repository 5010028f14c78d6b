"""IGNet as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, official_file

_REPOSITORY = "lok-18/IGNet"
_COMMIT = "1757e6bad837f6a222fb88b7b8ddb9b8f148709b"

SPEC = MethodSpec(
    name="ignet",
    title="IGNet",
    summary="A graph neural network between the streams at three scales.",
    paper="Li et al.: Learning a graph neural network with cross modality interaction for image fusion",
    year=2023,
    venue="ACM Multimedia",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence="MIT",
    artifacts=(
        official_file(
            "ignet",
            _REPOSITORY,
            _COMMIT,
            "model/IGNet.pth",
            git_blob="de5b452c4a42e2c8c33f0615aa21e27951d22eb4",
            licence="MIT",
        ),
    ),
    colour="seafusion",
    quantise="minmax-rgb",
    rounding="truncate",
    size_multiple=8,
    published_as="IGNet",
    status="needs-weights",
    note=(
        "Normalised by each image's own statistics: the official script never leaves training mode. Training"
        " data not stated."
    ),
    options={"network": "fusionbench.methods.ignet.network:IGNet"},
    factory=FACTORY,
)
