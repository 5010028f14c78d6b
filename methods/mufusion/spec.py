"""MUFusion as data: two sets of weights, named after the data they were trained on."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, official_file

_REPOSITORY = "AWCXV/MUFusion"
_COMMIT = "223134e6317081bbf57cf51d175e93b386bb7602"
_VARIANTS = {
    "TNO": (
        "f2ade87d0fa2a39b22541fd21a40320dad07e2e1",
        "5d96ad1812c61e005edb439c85e341bac91c7bf275f1a41cd20a0a62769b2dbb",
        {"weights.safetensors": "673bdf44fd0adc7d47a9a230ba161a912352f310d6f3dd3963282238536d7d3a"},
    ),
    "RoadScene": (
        "17942c2edd69d7044bafcf92e9aa9cbcf200d7a7",
        "8c358e4869092fb0bb553947674ee1b04bfffe06eb200354c3a62ee005f093fd",
        {},
    ),
}


def _spec(data: str) -> MethodSpec:
    git_blob, sha256, converted = _VARIANTS[data]
    default = data == "TNO"
    name = "mufusion" if default else f"mufusion-{data.lower()}"
    return MethodSpec(
        name=name,
        title="MUFusion" if default else f"MUFusion ({data})",
        summary=f"A U-shaped network on overlapping tiles; weights trained on patches of {data}.",
        paper="Cheng et al.: MUFusion: A general unsupervised image fusion network based on memory unit",
        year=2023,
        venue="Information Fusion 92",
        code_url=f"https://github.com/{_REPOSITORY}",
        commit=_COMMIT,
        licence="MIT",
        artifacts=(
            official_file(
                name,
                _REPOSITORY,
                _COMMIT,
                f"ir_vis/models/{data}.model",
                sha256=sha256,
                git_blob=git_blob,
                size=2_227_655,
                converted=converted,
                licence="MIT",
            ),
        ),
        trained_on=(data.lower(),),
        colour="mufusion",
        minimum_size=128,
        status="verified" if default else "needs-weights",
        note="As the authors' colour script (no stretch; their grey script stretches).",
        options={"network": "fusionbench.methods.mufusion.network:MUFusion"},
        factory=FACTORY,
    )


SPECS = [_spec(data) for data in _VARIANTS]
