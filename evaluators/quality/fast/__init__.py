"""Compiled versions of the definitions that users wait for: the default metrics, the SSIM family and FMI.

Each is a plain loop over rows and pixels, equal to its definition within rounding
(`tests/evaluators/quality/fast`). `swift` gives the fast version of a definition where there is one.
"""

from .registry import swift

__all__ = ["swift"]
