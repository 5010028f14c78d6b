"""DAFusion as data."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "wang-x-1997/DAFusion"
_COMMIT = "fba8584213cbe8f72a9ea27ea967a1219266b945"
_PARTS = (
    (
        "E",
        137_853,
        "a7bbcf47eaa09c71da38938b80cc61de8bf09ac0",
        "206a1c6ee06d0f50100ea9152955af0465eb0e4ac9aab9222a049ee3b7556a4c",
    ),
    (
        "F",
        630_910,
        "111af5c1bbe70afea316a946a7faa2d5c16735b1",
        "f2eaac67f4cd4f92856cdc02aec9738e37b29a7060093d1357f799a5b8f2e98b",
    ),
    (
        "D",
        389_256,
        "600fe8cadc91b9b2a3bd181849593a252576e163",
        "1d8d3df3f4053093b60593c7327ae201f19e99b96bf0f61bcc4d63244e78e3a5",
    ),
)
_CONVERTED = {
    "dafusion.safetensors": "78a1cb99e1c1b92455e01560a7c34f1fc8f4c474a9ab805da754c924c6a8cde1",
    "weights.safetensors": "e1bddf866674228c6e80d8f24a8cdb775df2f38aed76f4f5c8082558319da018",
}

SPEC = MethodSpec(
    name="dafusion",
    title="DAFusion",
    summary="Features fused under a degradation embedding, decoded by statistics transfer.",
    paper="Wang et al.: A degradation-aware guided fusion network for infrared and visible image",
    year=2025,
    venue="Information Fusion",
    code_url=f"https://github.com/{_REPOSITORY}",
    commit=_COMMIT,
    licence=NO_LICENCE,
    artifacts=tuple(
        official_file(
            f"dafusion-{part}",
            _REPOSITORY,
            _COMMIT,
            f"Model/model_{part}.pth",
            sha256=sha256,
            git_blob=git_blob,
            size=size,
            converted=_CONVERTED,
            instructions=(
                f"It is Model/model_{part}.pth in https://github.com/{_REPOSITORY}/tree/{_COMMIT}, a pickled"
                " program that is never loaded: when model_E.pth, model_F.pth and model_D.pth are there, run"
                " `fusionbench weights convert --for dafusion`."
            ),
        )
        for part, size, git_blob, sha256 in _PARTS
    ),
    colour="dafusion",
    rounding="truncate",
    status="verified",
    published_as="DAFusion",
    note=(
        "Normalised by each image's own statistics (the modules were published in training mode); training"
        " data not stated; venue unverified."
    ),
    options={
        "network": "fusionbench.methods.dafusion.network:DAFusion",
        # Tensors are named after the part whose file they come from.
        "pickled_parts": {f"dafusion-{part}": part for part, *_ in _PARTS},
    },
    factory=FACTORY,
)
