"""The one exception with which a metric says that its value does not exist for these images."""

from __future__ import annotations


class Undefined(ValueError):
    """A metric can't be computed on these images (constant, too small …); the message is the reason.

    The scorer turns it into NaN plus this reason: a metric never returns a silent NaN.
    """
