"""NIQE and BRISQUE of the fused image with their published parameters, which are looked up among the artifacts and loaded once a process."""

from __future__ import annotations

from functools import cache

from fusionbench.errors import FusionBenchError
from fusionbench.files.artifacts import locate

from .brisque import OpinionModel, brisque, load_opinion_model
from .niqe import PristineModel, load_pristine_model, niqe
from .noreference_artifacts import BRISQUE_MODEL, BRISQUE_RANGES, NIQE_MODEL
from .triple import GreyTriple
from .undefined import Undefined


@cache
def _pristine_model() -> PristineModel:
    return load_pristine_model(locate(NIQE_MODEL))


@cache
def _opinion_model() -> OpinionModel:
    return load_opinion_model(locate(BRISQUE_MODEL), locate(BRISQUE_RANGES))


def niqe_of_fused(t: GreyTriple, *, mend_flat: bool) -> float:
    """NIQE of the fused image. Raises ``Undefined`` with instructions where the pristine model isn't at hand; see `niqe.niqe`."""
    try:
        model = _pristine_model()
    except FusionBenchError as missing:
        raise Undefined(f"NIQE's parameters: {missing}") from missing
    return niqe(t.fused, model, mend_flat=mend_flat)


def brisque_of_fused(t: GreyTriple, *, mend_flat: bool) -> float:
    """BRISQUE of the fused image. Raises ``Undefined`` with instructions where the model isn't at hand; see `brisque.brisque`."""
    try:
        model = _opinion_model()
    except FusionBenchError as missing:
        raise Undefined(f"BRISQUE's parameters: {missing}") from missing
    return brisque(t.fused, model, mend_flat=mend_flat)
