"""Res2Fusion as data: the weights that the official script opens (SSIM weight 1000), and those with SSIM
weight 10.
"""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "Zhishe-Wang/Res2Fusion"
_COMMIT = "bfa461dc4a621bc3f2ed500834c080677acd5e5a"
_WEIGHTS = {
    "1e3": (
        "res2fusion",
        "f3fdf3593f566656fb22c421255748dba0d6f39e",
        "bce421db304ee56ea09cd6c76e0b55e6344d8b7236c2775537796cb5db901308",
        {"weights_1e3.safetensors": "e781dafecfcd84991721acc8b5d4f665564694db6dc8ae349e49b925400eee3d"},
    ),
    "1e1": (
        "res2fusion-1e1",
        "f96dedea2b6fc59d42a43b0b8be192da124c3f86",
        "9bfd8be90d2a103ca1911c9d3cc5776c29043eee5c0331c293b716695ce46e1a",
        {"weights.safetensors": "6d4c22a3ee01c79cc10f21ead8b869726a916ab9caebe71084e1bcc7f43b0f6e"},
    ),
}


def _spec(weight: str) -> MethodSpec:
    name, git_blob, sha256, converted = _WEIGHTS[weight]
    default = " (the script's default)" if name == "res2fusion" else ""
    return MethodSpec(
        name=name,
        title="Res2Fusion" if name == "res2fusion" else f"Res2Fusion ({weight})",
        summary=f"A Res2Net auto-encoder with non-local attentions; SSIM weight {weight}{default}.",
        paper=(
            "Wang, Wu, Wang, Xu, Shao: Res2Fusion: Infrared and visible image fusion based on dense Res2net"
            " and double nonlocal attention models"
        ),
        doi="10.1109/TIM.2021.3139654",
        year=2022,
        venue="IEEE TIM",
        code_url=f"https://github.com/{_REPOSITORY}",
        commit=_COMMIT,
        licence=NO_LICENCE,
        artifacts=(
            official_file(
                name,
                _REPOSITORY,
                _COMMIT,
                f"models/{weight}/Final_epoch_4_{weight}.model",
                sha256=sha256,
                git_blob=git_blob,
                size=406_207,
                converted=converted,
            ),
        ),
        trained_on=("coco:train2014",),
        grey="pillow",
        quantise="minmax",
        rounding="half-up",
        minimum_size=8,
        status="verified",
        note=(
            "Each image is stretched to its own range, a side effect of the official script's writer. The"
            " time grows with the square of the pixels. Which weights the paper reports isn't known. The"
            " official script saves grey."
        ),
        options={"network": "fusionbench.methods.res2fusion.network:Res2Fusion"},
        factory=FACTORY,
    )


SPECS = [_spec(weight) for weight in _WEIGHTS]
