"""LRRNet as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "hli1221/imagefusion-LRRNet"
_COMMIT = "e489fc325ea6acb9b7327b1de2c0cc4a09172ba4"

SPEC = MethodSpec(
    name="lrrnet",
    title="LRRNet",
    summary="Unrolled low-rank and sparse decomposition.",
    paper="Li, Xu, Wu, Lu, Kittler: LRRNet: A novel representation learning guided fusion framework",
    doi="10.1109/TPAMI.2023.3268209",
    year=2023,
    venue="IEEE TPAMI 45(9)",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=(
        official_file(
            "lrrnet",
            _REPOSITORY,
            _COMMIT,
            "model/final_lrr_net_lam2_1.5_wir_3.0_lam3_gram_2000_epoch_4_block_4.model",
            sha256="1de9dd8dee9b650ce69c74ea53e3b9a6b749222f1059a689aabf28f68ee63e29",
            git_blob="b24a0e55795dce4407e7546e1b7d728473725a33",
            size=218_515,
            converted={
                "weights.safetensors": "af412f0107070254697dc249ba2c96139fb2e58fce7cb297782dcaff721806cb"
            },
        ),
    ),
    trained_on=("kaist",),
    grey="opencv-flag",
    rounding="truncate",
    minimum_size=2,
    status="verified",
    note="Stretched to its own range by the network's own formula. The official script saves grey.",
    options={"network": "fusionbench.methods.lrrnet.network:LRRNet"},
    factory=FACTORY,
)
