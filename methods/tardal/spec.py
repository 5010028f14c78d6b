"""TarDAL as data: its three published generators."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, official_file

_REPOSITORY = "JinyuanLiu-CV/TarDAL"
_COMMIT = "1d1d1e99b96e7de0cd4e4f57aa0d321e5b5e2727"
_LICENCE = "GPL-3.0 (repository at HEAD; the commit of the weights has none)"
_VARIANTS = {
    "": (
        "optimised for human vision, the authors' default",
        1_203_451,
        "9da84f454dcb142d6c3076e17a40912c77c6a48f",
        "e0fa61e25cffa9fb14ff17b47ea7ba237a6e8c6f37e1b9b115d63354ff0f13e1",
        {"weights_tardal.safetensors": "52c1648fe80b282cad233a751e607c6c9551d3722c2e514ce505682712237719"},
    ),
    "+": (
        "optimised for object detection",
        1_201_819,
        "4b0a597fe329b492cca531157dd53f72506bc5d4",
        "cff3756548b511e3e415616debc557cdc85b3bb19393ca158cac8d08f232897c",
        {
            "weights_tardal_plus.safetensors": (
                "c277f4d64fdf8a77892de3eddc4e14900f6655d628408a9cb0d8dec7fd19ea48"
            )
        },
    ),
    "++": (
        "for human vision and detection jointly",
        1_201_819,
        "2b412b9c3a1e0e40710624c4367beee33cedc90a",
        "7009d125e36db043d6918d9358e10c6dca7fdf2dd08ada09c5ecd294f45f98c5",
        {
            "weights_tardal_plusplus.safetensors": (
                "21216de77ccd9e85fa984e545c09bc4a7a405e9a06fa869a8e356d7a2cfddd3d"
            )
        },
    ),
}


def _spec(suffix: str) -> MethodSpec:
    purpose, size, git_blob, sha256, converted = _VARIANTS[suffix]
    name = "tardal" + suffix.replace("++", "-plusplus").replace("+", "-plus")
    return MethodSpec(
        name=name,
        title=f"TarDAL{suffix}",
        summary=f"The generator of version 0, {purpose}.",
        paper=(
            "Liu et al.: Target-aware dual adversarial learning and a multi-scenario multi-modality benchmark"
        ),
        year=2022,
        venue="CVPR",
        code_url=f"https://github.com/{_REPOSITORY}",
        commit=_COMMIT,
        licence=_LICENCE,
        artifacts=(
            official_file(
                name,
                _REPOSITORY,
                _COMMIT,
                f"weights/tardal{suffix}.pt",
                sha256=sha256,
                git_blob=git_blob,
                size=size,
                converted=converted,
                licence=_LICENCE,
            ),
        ),
        trained_on=("m3fd", "tno", "roadscene"),
        grey="opencv",
        colour="opencv",
        rounding="truncate",
        # The other two are the same network in evaluation mode; no copy of their weights was available to check
        # them.
        status="needs-weights" if suffix else "verified",
        published_as=None if suffix else "TarDAL",
        note=(
            "In evaluation mode, as its README says; large areas come out black, which is what the official"
            " code saves."
            if suffix
            else "Normalised by each image's own statistics, as the README's command does."
        )
        + " Its training script names no dataset: those of the paper are marked.",
        options={
            "network": "fusionbench.methods.tardal.network:TarDAL",
            "arguments": {"image_statistics": not suffix},
        },
        factory=FACTORY,
    )


SPECS = [_spec(suffix) for suffix in _VARIANTS]
