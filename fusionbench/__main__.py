"""``python -m fusionbench``: the command line, where the ``fusionbench`` script isn't on the path."""

from .cli import main

if __name__ == "__main__":  # spawned workers import this module too
    main()
