"""SGDFuse as data: the shipped compact model and the paper's full-size preset (recipe, no weights)."""

from fusionbench.contracts.artifact import Artifact
from fusionbench.contracts.method import MethodSpec

from .masks.artifacts import MASK_ARTIFACTS, TWO_SENSOR

_HERE = "fusionbench.methods.sgdfuse"
_PAPER = (
    "Zhang, Hua, Ju, Zhou, Liu, Kot: SGDFuse: SAM-guided diffusion for high-fidelity infrared and visible"
    " image fusion"
)

_LICENCE = "MIT (trained on MSRS, RoadScene, LLVIP and M3SVD pairs, research use)"

_WEIGHTS = Artifact(
    name="sgdfuse-default",
    filename="sgdfuse.safetensors",
    resource=f"{_HERE}:weights/sgdfuse.safetensors",
    sha256="e32c1aa0921e45d0e57244c183aa069ff13f25a3729cf54ac52cf8f17b6812d3",
    bytes=2_553_426,
    licence=_LICENCE,
)

_QUALITY = Artifact(
    name="sgdfuse-quality",
    filename="sgdfuse-quality.safetensors",
    resource=f"{_HERE}:weights/sgdfuse-quality.safetensors",
    sha256="5c90eb533ba5c9440796bc7713e6bce20b0b702a3fefde058e4acbb2cb4ada64",
    bytes=2_561_570,
    licence=_LICENCE,
)

_MASKS = tuple(artifact.model_copy(update={"optional": True}) for artifact in MASK_ARTIFACTS)

SPECS = [
    MethodSpec(
        name="sgdfuse",
        title="SGDFuse (compact)",
        summary=(
            "Two-stage fusion with mask-guided diffusion, for those who look for objects: masks decide how a"
            " pixel is treated. Compact model trained here, weights in the package."
        ),
        paper=_PAPER,
        year=2025,
        venue="arXiv",
        code_url="https://github.com/boshizhang123/SGDFuse",
        licence="MIT",
        family="diffusion",
        artifacts=(_WEIGHTS, TWO_SENSOR, *_MASKS),
        trained_on=("msrs:train", "roadscene:train", "llvip:train", "m3svd:train", "demo:train"),
        input="rgb",
        output="rgb",
        minimum_size=32,
        status="ported",
        note=(
            "A re-implementation: the authors' repository has no runnable model. Deviations stand in the"
            " model card, methods/sgdfuse/README.md."
        ),
        published_as="SGDFuse",
        options={"masks": "two-sensor", "mask_options": {}, "weights": ""},
        factory=f"{_HERE}.adapter:SGDFuse",
        trainer=f"{_HERE}.training.train:train",
        ablation=f"{_HERE}.ablation.ablate:ablate",
    ),
    MethodSpec(
        name="sgdfuse-quality",
        title="SGDFuse (compact, quality)",
        summary="The first version, trained for the field's quality metrics; masks have little say.",
        paper=_PAPER,
        year=2025,
        venue="arXiv",
        code_url="https://github.com/boshizhang123/SGDFuse",
        licence="MIT",
        family="diffusion",
        artifacts=(_QUALITY, *_MASKS),
        trained_on=("msrs:train", "roadscene:train", "llvip:train", "m3svd:train"),
        input="rgb",
        output="rgb",
        minimum_size=32,
        status="ported",
        note=(
            "A re-implementation: the authors' repository has no runnable model. Trained with `fusionbench"
            " train sgdfuse --preset quality`. The model card is methods/sgdfuse/README.md."
        ),
        published_as="SGDFuse",
        options={"masks": "saliency", "mask_options": {}, "weights": ""},
        factory=f"{_HERE}.adapter:SGDFuse",
    ),
    MethodSpec(
        name="sgdfuse-paper",
        title="SGDFuse (paper preset)",
        summary=(
            "The paper's widths and losses to the letter; train it with `fusionbench train sgdfuse --preset"
            " paper`."
        ),
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
