"""Turns a fusion function into a ``Method``: parameters from the spec, float32 on the device, everything else
pure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from fusionbench.contracts.method import MethodContext, MethodSpec
from fusionbench.errors import InputError

FusionFunction = Callable[..., torch.Tensor]
"""``function(infrared, visible, **parameters) -> fused``, on float32 tensors in [0,1]."""


class ClassicalMethod:
    """A method without weights. ``function`` is called with the ``parameters`` of the spec, overridden by the
    context's options.
    """

    def __init__(self, function: FusionFunction, parameters: dict[str, Any]) -> None:
        self._function = function
        self._parameters = parameters
        self._device = torch.device("cpu")

    def load(self, device: torch.device, precision: str) -> None:
        """Choose the device. ``precision`` has no effect: there are no weights, and the filters are specified
        in float32.
        """
        self._device = torch.device(device)

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """Fuse N×1×H×W infrared and N×C×H×W visible (C by the spec) → N×1 or 3×H×W; all float32 in [0,1]."""
        # Autocast would quietly halve the precision of box sums and pyramids; a benchmark's baselines must
        # not depend on it.
        with torch.no_grad(), torch.autocast(self._device.type, enabled=False):
            fused = self._function(
                infrared.to(self._device, torch.float32),
                visible.to(self._device, torch.float32),
                **self._parameters,
            )
            return fused.clamp(0.0, 1.0)

    def provenance(self) -> dict[str, Any]:
        """The parameters used."""
        return {"parameters": dict(self._parameters)}


def method_of(function: FusionFunction) -> Callable[[MethodSpec, MethodContext], ClassicalMethod]:
    """The factory (``spec.factory``) of a fusion function.

    The factory raises ``InputError`` for an option that the spec doesn't know.
    """

    def build(spec: MethodSpec, context: MethodContext) -> ClassicalMethod:
        unknown = sorted(set(context.options) - set(spec.options))
        if unknown:
            known = ", ".join(spec.options) or "none"
            raise InputError(
                f"method {spec.name!r} has no option {', '.join(map(repr, unknown))}; "
                f"its options are: {known}"
            )
        return ClassicalMethod(function, {**spec.options, **context.options})

    return build
