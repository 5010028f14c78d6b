"""CAF as data: the network trained for detection, and that trained for segmentation."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "RollingPlain/CAF_IVIF"
_COMMIT = "bf12f26e131cc6cea5c065301098ce34d69e7b7a"
_VARIANTS = {
    "Det": (
        "caf",
        "detector",
        "43672978f8d29e1628b3bb7463bacd88bfd11eac",
        "b99ef24efea89cb9e91e13c470195618507c5557c9fdd469ce48cdbc00db16d0",
        {"weights.safetensors": "7b88dd3e087fbc52e2f0f2415d004d3d4f01a0181bc45f1f68cd312fb8e3aed4"},
    ),
    "Seg": (
        "caf-seg",
        "segmenter",
        "d389060cba0984550e0bbe54335b3c0d238d1acb",
        "63cda4acd1afa4e31fa0ad293767c62109c566e2d1081348e1d4a93eaa8bf948",
        {"weights_seg.safetensors": "2001de0f863843cd6080ca9d49ae6d003925aa73e4e3328cde4e644aed2e0bbd"},
    ),
}


def _spec(variant: str) -> MethodSpec:
    name, judge, git_blob, sha256, converted = _VARIANTS[variant]
    path = f"cache/{variant}_final.pth"
    return MethodSpec(
        name=name,
        title=f"CAF ({variant})",
        summary=f"A dense convolutional network, trained with a {judge} in the loop.",
        paper=(
            "Liu, Wu, Liu, Ma, Liu, Fan: Where elegance meets precision: Towards a compact, automatic, and"
            " flexible framework for multi-modality image fusion and applications"
        ),
        year=2024,
        venue="IJCAI",
        code_url=f"https://github.com/{_REPOSITORY}",
        commit=_COMMIT,
        licence=NO_LICENCE,
        artifacts=(
            official_file(
                name,
                _REPOSITORY,
                _COMMIT,
                path,
                sha256=sha256,
                git_blob=git_blob,
                size=612_123,
                converted=converted,
                instructions=(
                    f"It is {path} in https://github.com/{_REPOSITORY}/tree/{_COMMIT}, a pickled program that"
                    f" is never loaded: when it is there, run `fusionbench weights convert --for {name}`."
                ),
            ),
        ),
        colour="opencv",
        rounding="truncate",
        status="verified",
        note=(
            "Clipped at 0. The official script lets negative values wrap around, so that the darkest pixels"
            " come out near white. Training data not named."
        ),
        options={
            "network": "fusionbench.methods.caf.network:CAF",
            "pickled_parts": {name: ""},  # a whole module, whose tensors keep their names
        },
        factory=FACTORY,
    )


SPECS = [_spec(variant) for variant in _VARIANTS]
