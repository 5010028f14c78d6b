"""MMDRFuse as data: the student that the authors publish as the method, and the teacher it was distilled
from.
"""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "yanglinDeng/MMDRFuse"
_COMMIT = "c9e5014493a7322a87cc24a58b66052123ac5bbe"


def _spec(
    part: str, *, summary: str, note: str, git_blob: str, sha256: str, size: int, converted: dict[str, str]
) -> MethodSpec:
    teacher = part == "teacher"
    name = "mmdrfuse-teacher" if teacher else "mmdrfuse"
    return MethodSpec(
        name=name,
        title="MMDRFuse (teacher)" if teacher else "MMDRFuse",
        summary=summary,
        paper=(
            "Deng, Xu, Cheng, Wu, Kittler: MMDRFuse: Distilled mini-model with dynamic refresh for"
            " multi-modality image fusion"
        ),
        doi="10.48550/arXiv.2408.15641",
        year=2024,
        venue="ACM Multimedia",
        code_url=f"https://github.com/{_REPOSITORY}",
        commit=_COMMIT,
        licence=NO_LICENCE,
        artifacts=(
            official_file(
                name,
                _REPOSITORY,
                _COMMIT,
                f"pretrained_models/{part}.model",
                sha256=sha256,
                git_blob=git_blob,
                size=size,
                converted=converted,
            ),
        ),
        trained_on=("llvip:train",),
        grey="pillow",
        quantise="minmax",
        rounding="half-up",
        size_multiple=2 if teacher else 1,
        minimum_size=4 if teacher else 2,
        published_as=None if teacher else "MMDRFuse",
        status="verified",
        note=note,
        options={"network": f"fusionbench.methods.mmdrfuse.network:{part.title()}"},
        factory=FACTORY,
    )


SPECS = [
    _spec(
        "student",
        summary="Two convolutions with 113 parameters, distilled from a larger network.",
        note="The official script saves grey, stretched to the whole range; the colour is added here.",
        git_blob="e9d810b34cf75c566a0c44a254629415ddc07ad6",
        sha256="e5ad5bab796f4480dbbc35a8f6f63e69ba3ccd1842476d2c2453ca1aca6eb17c",
        size=2_207,
        converted={"weights.safetensors": "86f81de6ad0ff96d079131531d8dfb9c3da51eea32a26a8c677e80590e45f61e"},
    ),
    _spec(
        "teacher",
        summary="The dense encoder and decoder that the student was distilled from.",
        note="There is no official test script for it: it is run as the student is.",
        git_blob="e501b9e6478bfbc85f3148e4a00eee42f1f4acf5",
        sha256="6a4f86a0a543ceb1af93d9b1e955e9108ee35a5014710c6a2b0e071cdc8e25b5",
        size=2_234_263,
        converted={
            "weights_teacher.safetensors": "9c824131720178c57d408bb66fc0422c04ee4fc9f75f4fb122ee3c3ccb28147e"
        },
    ),
]
