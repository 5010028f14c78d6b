"""Puts the synthetic scene beside the tests within their reach (tests are no package)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
