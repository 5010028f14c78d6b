"""The one exception with which a metric says that its value does not exist for these images."""

from __future__ import annotations


class Undefined(ValueError):
    """A metric can't be computed on these images (constant, too small …); the message is the reason.

    The scorer turns it into NaN plus this reason: a metric never returns a silent NaN.
    """


def require_size(shape: tuple[int, ...], smallest: int, what: str) -> None:
    """Raise ``Undefined`` if a side of an H×W image is shorter than `smallest` pixels; `what` is the
    metric's name.
    """
    height, width = shape[0], shape[1]
    if min(height, width) < smallest:
        need = "need" if " and " in what else "needs"
        raise Undefined(f"{what} {need} at least {smallest}×{smallest} px, got {width}×{height}")
