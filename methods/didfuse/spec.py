"""DIDFuse as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "Zhaozixiang1228/IVIF-DIDFuse"
_COMMIT = "5f287300dce7cbc90b9e08e6872455af6baa279f"
_CONVERTED = {"weights.safetensors": "7a2a1ed2504b0767f3449b1733777c6ef60c3837e00bc389cb087318b178ec84"}

SPEC = MethodSpec(
    name="didfuse",
    title="DIDFuse",
    summary="Base and detail features of an auto-encoder, added.",
    paper=(
        "Zhao, Xu, Zhang, Liu, Zhang, Li: DIDFuse: Deep image decomposition for infrared and visible image"
        " fusion"
    ),
    year=2020,
    venue="IJCAI",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=(
        official_file(
            "didfuse-encoder",
            _REPOSITORY,
            _COMMIT,
            "Models/Encoder_weight_IJCAI.pkl",
            sha256="4d84a4e64e58469d3d4591f83c6683ead3e422498519db99bb617cb29d268471",
            git_blob="c9f3e83870331ecb37ecb16f370c83690cfb7411",
            size=454_838,
            converted=_CONVERTED,
        ),
        official_file(
            "didfuse-decoder",
            _REPOSITORY,
            _COMMIT,
            "Models/Decoder_weight_IJCAI.pkl",
            sha256="c6974e2a7c66ab579a77bacb086023237a229e769d459783bad8ff43e52e9986",
            git_blob="8c23399b709d445d01a1c539a6f3d2652d715d9d",
            size=600_772,
            converted=_CONVERTED,
        ),
    ),
    trained_on=("roadscene",),
    grey="pillow",
    minimum_size=2,
    status="verified",
    note="Trained on 180 FLIR pairs, the source of RoadScene. The official script saves grey.",
    options={"network": "fusionbench.methods.didfuse.network:DIDFuse"},
    factory=FACTORY,
)
