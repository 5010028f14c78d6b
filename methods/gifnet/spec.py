"""GIFNet as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "AWCXV/GIFNet"
_COMMIT = "c8ad04ae3bfefcebfa9abe94d1d5895c8db56a44"

SPEC = MethodSpec(
    name="gifnet",
    title="GIFNet",
    summary="One network for many fusion tasks; two streams exchange queries.",
    paper=(
        "Cheng et al.: One model for all: Low-level task interaction is a key to task-agnostic image fusion"
    ),
    year=2025,
    venue="CVPR",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=(
        official_file(
            "gifnet",
            _REPOSITORY,
            _COMMIT,
            "model/Final.model",
            sha256="bfc1dfef0d5b386b0c04f172daf8f6af52ba395f26dc3dd5757425fd32eb1038",
            git_blob="6f46be326d831b14aea26a53d876197a905c51dc",
            size=3_408_450,
            converted={
                "weights.safetensors": "e4edf510a134281155cb245b0b93d55953e559806050aa1ee3dd15b36feeaf42"
            },
        ),
    ),
    grey="truncated",
    colour="mufusion",
    minimum_size=16,
    status="verified",
    note=(
        "Run as for a colour visible image; statistics are taken over the whole image, so it can't be tiled."
        " Training data not named."
    ),
    options={"network": "fusionbench.methods.gifnet.network:GIFNet"},
    factory=FACTORY,
)
