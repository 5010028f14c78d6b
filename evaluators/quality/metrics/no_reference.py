"""NIQE and BRISQUE with their published parameters, which are looked up among the artifacts and loaded once
a process.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from fusionbench.errors import FusionBenchError
from fusionbench.files.artifacts import locate

from ..specs.artifacts import BRISQUE_MODEL, BRISQUE_RANGES, NIQE_MODEL
from ..undefined import Undefined
from .brisque import OpinionModel, brisque, load_opinion_model
from .niqe import PristineModel, load_pristine_model, niqe

UInt8 = npt.NDArray[np.uint8]


@cache
def _pristine_model() -> PristineModel:
    return load_pristine_model(locate(NIQE_MODEL))


@cache
def _opinion_model() -> OpinionModel:
    return load_opinion_model(locate(BRISQUE_MODEL), locate(BRISQUE_RANGES))


def published_niqe(fused: UInt8, *, mend_flat: bool) -> float:
    """`niqe.niqe` with the authors' pristine model. ``Undefined`` with instructions where it is missing."""
    try:
        model = _pristine_model()
    except FusionBenchError as missing:
        raise Undefined(f"NIQE's parameters: {missing}") from missing
    return niqe(fused, model, mend_flat=mend_flat)


def published_brisque(fused: UInt8, *, mend_flat: bool) -> float:
    """`brisque.brisque` with the authors' support vectors. ``Undefined`` with instructions where they are
    missing.
    """
    try:
        model = _opinion_model()
    except FusionBenchError as missing:
        raise Undefined(f"BRISQUE's parameters: {missing}") from missing
    return brisque(fused, model, mend_flat=mend_flat)
