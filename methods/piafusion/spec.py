"""PIAFusion as data: the official TensorFlow network, and the PyTorch port, which is another network."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_OFFICIAL = ("Linfeng-Tang/PIAFusion", "10b5c59ea27bfb012466a0355f082e5e6d76b557")
_PORT = ("linklist2/PIAFusion_pytorch", "dc1abc3371ee8f468b306a9ed3138187e39decc4")
_PAPER = "Tang, Yuan, Zhang, Jiang, Ma: PIAFusion: A progressive infrared and visible image fusion network"
_DECODER, _ENCODER = "PIAFusion/decoder", "PIAFusion/encoder"
_LAYOUT = (
    (f"{_DECODER}/conv1/bias", (256,), 0),
    (f"{_DECODER}/conv1/kernel", (3, 3, 256, 256), 1024),
    (f"{_DECODER}/conv1x1/bias", (1,), 2360320),
    (f"{_DECODER}/conv1x1/kernel", (1, 1, 32, 1), 2360324),
    (f"{_DECODER}/conv2/bias", (128,), 2360452),
    (f"{_DECODER}/conv2/kernel", (3, 3, 256, 128), 2360964),
    (f"{_DECODER}/conv3/bias", (64,), 3540612),
    (f"{_DECODER}/conv3/kernel", (3, 3, 128, 64), 3540868),
    (f"{_DECODER}/conv4/bias", (32,), 3835780),
    (f"{_DECODER}/conv4/kernel", (3, 3, 64, 32), 3835908),
    (f"{_ENCODER}/Conv1/conv3x3/bias", (16,), 3909636),
    (f"{_ENCODER}/Conv1/conv3x3/kernel", (3, 3, 16, 16), 3909700),
    (f"{_ENCODER}/Conv2/conv3x3/bias", (32,), 3918916),
    (f"{_ENCODER}/Conv2/conv3x3/kernel", (3, 3, 16, 32), 3919044),
    (f"{_ENCODER}/Conv3/conv3x3/bias", (64,), 3937476),
    (f"{_ENCODER}/Conv3/conv3x3/kernel", (3, 3, 32, 64), 3937732),
    (f"{_ENCODER}/Conv4/conv3x3/bias", (128,), 4011460),
    (f"{_ENCODER}/Conv4/conv3x3/kernel", (3, 3, 64, 128), 4011972),
    (f"{_ENCODER}/conv5x5_ir/bias", (16,), 4306884),
    (f"{_ENCODER}/conv5x5_ir/kernel", (1, 1, 1, 16), 4306948),
    (f"{_ENCODER}/conv5x5_vi/bias", (16,), 4307012),
    (f"{_ENCODER}/conv5x5_vi/kernel", (1, 1, 1, 16), 4307076),
)

SPECS = [
    MethodSpec(
        name="piafusion",
        title="PIAFusion",
        summary="Two streams that exchange what sets them apart; the official TensorFlow network.",
        paper=_PAPER,
        year=2022,
        venue="Information Fusion 83-84",
        code_url=f"https://github.com/{_OFFICIAL[0]}",
        commit=_OFFICIAL[1],
        licence="MIT",
        artifacts=(
            official_file(
                "piafusion",
                *_OFFICIAL,
                "checkpoint/PIAFusion/IAFusion.model-29.data-00000-of-00001",
                git_blob="a730a7c46d8c315e8bcefeb827d5520499e66751",
                size=5_066_380,
                licence="MIT",
            ),
        ),
        trained_on=("msrs:train",),
        grey="piafusion",
        colour="piafusion",
        minimum_size=2,
        status="needs-weights",
        published_as="PIAFusion",
        note="A studio-range luma with an unusual weight for green, as the official code has it.",
        options={
            "network": "fusionbench.methods.piafusion.network:PIAFusion",
            "tensorflow_layout": _LAYOUT,
        },
        factory=FACTORY,
    ),
    MethodSpec(
        name="piafusion-port",
        title="PIAFusion (PyTorch port)",
        summary=(
            "The unofficial port that the official README links: another network, with weights of its own."
        ),
        paper=_PAPER,
        year=2022,
        venue="Information Fusion 83-84",
        code_url=f"https://github.com/{_PORT[0]}",
        commit=_PORT[1],
        licence=NO_LICENCE,
        artifacts=(
            official_file(
                "piafusion-port",
                *_PORT,
                "pretrained/fusion_model_epoch_29.pth",
                git_blob="689e94f57e8fe3b4f29ed1f90becec4b91eb5f84",
            ),
        ),
        trained_on=("msrs:train",),
        colour="seafusion",
        rounding="truncate",
        minimum_size=2,
        status="needs-weights",
        note=(
            "Its author says that the results aren't ideal; the paper's numbers come from the TensorFlow"
            " network."
        ),
        options={"network": "fusionbench.methods.piafusion.network:PIAFusionPort"},
        factory=FACTORY,
    ),
]
