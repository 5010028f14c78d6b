"""SDNet as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, official_file, packed_layout

_REPOSITORY = "HaoZhang1018/SDNet"
_COMMIT = "bf6a2eeed1f723f0fd319b882d2bf38016bf6e55"
_STREAM_LAYERS = {
    1: (5, 5, 1, 16),
    2: (3, 3, 16, 16),
    3: (3, 3, 32, 16),
    4: (3, 3, 48, 16),
    7: (3, 3, 128, 16),
    8: (3, 3, 16, 4),
    9: (3, 3, 4, 1),
}
_JOINT_LAYERS = {5: ("fuse", (1, 1, 128, 1)), 6: ("sept", (1, 1, 1, 128))}


def _variables() -> list[tuple[str, tuple[int, ...]]]:
    """All 32 variables in ascending order of their names, as they lie in the file."""
    found: dict[str, tuple[int, ...]] = {}
    for number, kernel in _STREAM_LAYERS.items():
        for stream in ("ir", "vi"):
            scope = f"fusion_model/layer{number}_{stream}"
            found[f"{scope}/w{number}_{stream}"] = kernel
            found[f"{scope}/b{number}_{stream}"] = kernel[-1:]
    for number, (stream, kernel) in _JOINT_LAYERS.items():
        scope = f"fusion_model/layer{number}_{stream}"
        found[f"{scope}/w{number}_{stream}"] = kernel
        found[f"{scope}/b{number}_{stream}"] = kernel[-1:]
    return sorted(found.items())


SPEC = MethodSpec(
    name="sdnet",
    title="SDNet",
    summary="Squeeze-and-decomposition network; the fusion half of the infrared-visible model.",
    paper="Zhang, Ma: SDNet: A versatile squeeze-and-decomposition network for real-time image fusion",
    year=2021,
    venue="IJCV 129",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence="MIT",
    artifacts=(
        official_file(
            "sdnet",
            _REPOSITORY,
            _COMMIT,
            "IR_VIS/checkpoint/IRVIS.model-10.data-00000-of-00001",
            sha256="17e4426453f09f3dae7887244f48eed54550bdd584792ac284597ee3713293a0",
            git_blob="d755870b7aa713519d223d2e8cd5fe477e21007b",
            size=268_364,
            converted={
                "weights.safetensors": "0297f09357239e0e8633e23db7d03b66365e07264052ba66ee8d06f638969544"
            },
            licence="MIT",
        ),
    ),
    grey="pillow-round-trip",
    quantise="minmax",
    rounding="half-up",
    status="verified",
    note=(
        "Luma read and stretched as the official test script does; it saves grey, the visible image's colour"
        " is added. Training data not named."
    ),
    options={
        "network": "fusionbench.methods.sdnet.network:SDNet",
        "tensorflow_layout": packed_layout(_variables()),
    },
    factory=FACTORY,
)
