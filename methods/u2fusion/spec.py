"""U2Fusion as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file, packed_layout

_REPOSITORY = "hanna-xu/U2Fusion"
_COMMIT = "0a5882140df67b3e0b588e1f2233e18cf944f1a4"
_LAYERS = (
    ("Generator/encoder/conv1_1", 2, 44),
    *((f"Generator/encoder/dense_block_conv{n}", 44 * n, 44) for n in range(1, 6)),
    ("Generator_1/decoder/conv2_1", 264, 128),
    ("Generator_1/decoder/conv2_2", 128, 64),
    ("Generator_1/decoder/conv2_3", 64, 32),
    ("Generator_1/decoder/conv2_4", 32, 1),
)

SPEC = MethodSpec(
    name="u2fusion",
    title="U2Fusion",
    summary="One densely connected network for several fusion tasks; the authors' TensorFlow weights.",
    paper="Xu, Ma, Jiang, Guo, Ling: U2Fusion: A unified unsupervised image fusion network",
    year=2022,
    venue="IEEE TPAMI 44(1)",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=(
        official_file(
            "u2fusion",
            _REPOSITORY,
            _COMMIT,
            "model/model.ckpt.data-00000-of-00001",
            sha256="e50cada8d4ec92f2577ad5db5d212fba521dffb35d04e00a20364b43512c64c8",
            git_blob="70083a119d1450610b192b93fdfc5b0e42e4858e",
            size=2_636_868,
            converted={
                "weights.safetensors": "06bcf4ef0a61ea3f8ca4c932919d34100cc48d4d26639ff6e583f924f8227a6d"
            },
        ),
    ),
    trained_on=("u2fusion-own",),
    colour="u2fusion",
    quantise="max-rgb",
    rounding="half-up",
    minimum_size=2,
    status="verified",
    published_as="U2Fusion",
    note="Visible image first, as in the official script; the brightest value of each image becomes 255.",
    options={
        "network": "fusionbench.methods.u2fusion.network:U2Fusion",
        "tensorflow_layout": packed_layout(
            [
                variable
                for name, inputs, outputs in _LAYERS
                for variable in ((f"{name}/bias", (outputs,)), (f"{name}/kernel", (3, 3, inputs, outputs)))
            ]
        ),
    },
    factory=FACTORY,
)
