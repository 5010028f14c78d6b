"""DAFusion as data."""

from fusionbench.contracts import Artifact, MethodSpec

from ..sources import FACTORY, NO_LICENCE, conversions

_REPOSITORY = "wang-x-1997/DAFusion"
_COMMIT = "fba8584213cbe8f72a9ea27ea967a1219266b945"

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
    artifacts=(
        Artifact(
            name="dafusion",
            filename="dafusion.safetensors",
            sha256="78a1cb99e1c1b92455e01560a7c34f1fc8f4c474a9ab805da754c924c6a8cde1",
            instructions=(
                f"The official files model_E.pth, model_F.pth and model_D.pth (folder Model of "
                f"https://github.com/{_REPOSITORY}/tree/{_COMMIT}) are pickled programs and are never loaded; "
                f"`python -m fusionbench.methods.conversion dafusion model_E.pth model_F.pth model_D.pth "
                f"--out dafusion.safetensors` rewrites them without executing anything."
            ),
            licence=NO_LICENCE,
            alternatives=conversions(
                {"weights.safetensors": "e1bddf866674228c6e80d8f24a8cdb775df2f38aed76f4f5c8082558319da018"},
                NO_LICENCE,
            ),
        ),
    ),
    colour="dafusion",
    rounding="truncate",
    status="verified",
    published_as="DAFusion",
    note="Normalised by each image's own statistics (the modules were published in training mode); venue unverified.",
    options={"network": "fusionbench.methods.dafusion.network:DAFusion"},
    factory=FACTORY,
)
