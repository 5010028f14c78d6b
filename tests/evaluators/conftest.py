"""Lets the tests of all evaluators import what they share (``memory_dataset.py``)."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
