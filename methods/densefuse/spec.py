"""DenseFuse as data: the author's PyTorch version and his TensorFlow original."""

from fusionbench.contracts.artifact import Artifact
from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, conversions, official_file

_PAPER = {
    "paper": "Li, Wu: DenseFuse: A fusion approach to infrared and visible images",
    "year": 2019,
    "venue": "IEEE TIP 28(5)",
    "licence": NO_LICENCE,
    "trained_on": ("coco:train2014",),
    "grey": "pillow",
    "minimum_size": 2,
    "status": "verified",
    "factory": FACTORY,
}
_PYTORCH = ("hli1221/densefuse-pytorch", "4394b63e9295db1c6b7a5c3664551c90f0605f2b")
_TENSORFLOW = ("hli1221/imagefusion_densefuse", "ef23f0f06c4fce7a6c2c04c9d20119e3d96507b9")
_CHECKPOINT = "densefuse_model_bs2_epoch4_all_weight_1e2.ckpt.data-00000-of-00001"
_LAYOUT = (
    ("decoder/conv2_1/bias", (64,), 8),
    ("decoder/conv2_1/kernel", (3, 3, 64, 64), 776),
    ("decoder/conv2_2/bias", (32,), 443144),
    ("decoder/conv2_2/kernel", (3, 3, 64, 32), 443528),
    ("decoder/conv2_3/bias", (16,), 664712),
    ("decoder/conv2_3/kernel", (3, 3, 32, 16), 664904),
    ("decoder/conv2_4/bias", (1,), 720200),
    ("decoder/conv2_4/kernel", (3, 3, 16, 1), 720212),
    ("encoder/conv1_1/bias", (16,), 721940),
    ("encoder/conv1_1/kernel", (3, 3, 1, 16), 722132),
    ("encoder/dense_block_conv1/bias", (16,), 723860),
    ("encoder/dense_block_conv1/kernel", (3, 3, 16, 16), 724052),
    ("encoder/dense_block_conv2/bias", (16,), 751700),
    ("encoder/dense_block_conv2/kernel", (3, 3, 32, 16), 751892),
    ("encoder/dense_block_conv3/bias", (16,), 807188),
    ("encoder/dense_block_conv3/kernel", (3, 3, 48, 16), 807380),
)

SPECS = [
    MethodSpec(
        name="densefuse",
        title="DenseFuse",
        summary="A shared dense encoder, features averaged, a plain decoder (PyTorch version).",
        code_url=f"https://github.com/{_PYTORCH[0]}",
        commit=_PYTORCH[1],
        artifacts=(
            official_file(
                "densefuse",
                *_PYTORCH,
                "models/densefuse_gray.model",
                sha256="b34cf3650f04161b31ac2467decfeedf7eba39165b7618f846e0f298ecd2ac65",
                git_blob="50b73dfbbcbcce4198afbce192d1a43a8d3ad826",
                size=300_413,
                converted={
                    "weights.safetensors": "ae9c99ee44bf2ab775f519e860fff178cede9fc84e44fbd54af749ffd62948df"
                },
            ),
        ),
        rounding="truncate",
        note="The official script saves grey; its levels are kept and the visible image's colour is added.",
        options={"network": "fusionbench.methods.densefuse.network:DenseFuse"},
        **_PAPER,
    ),
    MethodSpec(
        name="densefuse-tf",
        title="DenseFuse (TensorFlow)",
        summary="The TensorFlow original with the SSIM weight 100: features added, result stretched.",
        code_url=f"https://github.com/{_TENSORFLOW[0]}",
        commit=_TENSORFLOW[1],
        artifacts=(
            Artifact(
                name="densefuse-tf",
                filename=_CHECKPOINT,
                sha256="f98c931b21b1977e348627457037cfa73211e882c1cec66cef0010134040aae6",
                bytes=890_324,
                instructions=(
                    "Unpack densefuse_gray.zip of"
                    f" https://github.com/{_TENSORFLOW[0]}/tree/{_TENSORFLOW[1]}/models (sha256"
                    " c848f19d4117e553cae0d9354d1e38712919a70822be1042ed08058fb8435c2a); the file is in it."
                ),
                licence=NO_LICENCE,
                alternatives=conversions(
                    {
                        "weights_tf.safetensors": (
                            "480e6b0aeee8ea393f2393c245886b7ee79f78660a2ab7601a0c2dba9191a05d"
                        )
                    },
                    NO_LICENCE,
                ),
            ),
        ),
        quantise="minmax",
        rounding="half-up",
        note="Without the resize to 256×256 of the last official commit, as in the published results.",
        options={
            "network": "fusionbench.methods.densefuse.network:DenseFuseTensorflow",
            "tensorflow_layout": _LAYOUT,
        },
        **_PAPER,
    ),
]
