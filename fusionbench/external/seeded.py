"""Runs a script with fixed random seeds: ``python seeded.py SEED SCRIPT [ARGUMENT …]``.

This file is executed by the interpreter of an official repository's environment, which doesn't have
fusionbench: it uses the standard library, and NumPy and PyTorch where they are.
"""

import os
import random
import runpy
import sys


def main() -> None:
    """Seed every random generator, then run the script as if it had been started itself."""
    seed, script = int(sys.argv[1]), sys.argv[2]
    random.seed(seed)
    try:
        import numpy
    except ImportError:
        pass
    else:
        numpy.random.seed(seed)
    try:
        import torch
    except ImportError:
        pass
    else:
        torch.manual_seed(seed)
    sys.argv = sys.argv[2:]
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
