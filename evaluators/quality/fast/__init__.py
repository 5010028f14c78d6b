"""Compiled versions of the definitions that users wait for, each equal to its definition within rounding.

`registry.py` names them; `swift` gives the fast version of a definition where there is one.
"""

from .registry import swift

__all__ = ["swift"]
