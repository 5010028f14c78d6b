"""SGDFuse as data: the shipped compact model and the paper's full-size preset (recipe, no weights)."""

from fusionbench.contracts.artifact import Artifact
from fusionbench.contracts.method import MethodSpec

from .masks.artifacts import MASK_ARTIFACTS

_HERE = "fusionbench.methods.sgdfuse"
_PAPER = "Zhang, Hua, Ju, Zhou, Liu, Kot: SGDFuse: SAM-guided diffusion for high-fidelity infrared and visible image fusion"

_WEIGHTS = Artifact(
    name="sgdfuse-default",
    filename="sgdfuse.safetensors",
    resource=f"{_HERE}:weights/sgdfuse.safetensors",
    sha256="5c90eb533ba5c9440796bc7713e6bce20b0b702a3fefde058e4acbb2cb4ada64",
    bytes=2_561_570,
    licence="MIT (trained on MSRS, RoadScene, LLVIP and M3SVD pairs, research use)",
)

SPECS = [
    MethodSpec(
        name="sgdfuse",
        title="SGDFuse (compact)",
        default=True,
        summary="Two-stage fusion with mask-guided diffusion; compact model trained here, weights in the package.",
        paper=_PAPER,
        year=2025,
        venue="arXiv",
        code_url="https://github.com/boshizhang123/SGDFuse",
        licence="MIT",
        family="diffusion",
        artifacts=(_WEIGHTS, *(a.model_copy(update={"optional": True}) for a in MASK_ARTIFACTS)),
        trained_on=("msrs:train", "roadscene:train", "llvip:train", "m3svd:train"),
        input="rgb",
        output="rgb",
        minimum_size=32,
        status="ported",
        note="A re-implementation: the authors' repository has no runnable model. Deviations stand in the model card, methods/sgdfuse/README.md.",
        published_as="SGDFuse",
        options={"masks": "saliency", "mask_options": {}, "weights": ""},
        factory=f"{_HERE}.adapter:SGDFuse",
        trainer=f"{_HERE}.training.train:train",
        ablation=f"{_HERE}.ablation.ablate:ablate",
    ),
    MethodSpec(
        name="sgdfuse-paper",
        title="SGDFuse (paper preset)",
        summary="The paper's widths and losses to the letter; train it with `fusionbench train sgdfuse --preset paper`.",
        paper=_PAPER,
        year=2025,
        venue="arXiv",
        code_url="https://github.com/boshizhang123/SGDFuse",
        licence="MIT",
        family="diffusion",
        trained_on=("msrs:train",),
        input="rgb",
        output="rgb",
        minimum_size=32,
        status="needs-weights",
        note="Weights are too large to ship; pass your own with the option weights=PATH.",
        options={"masks": "sam", "mask_options": {}, "weights": ""},
        factory=f"{_HERE}.adapter:SGDFuse",
        trainer=f"{_HERE}.training.train:train",
    ),
]
