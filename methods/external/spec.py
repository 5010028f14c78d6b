"""The external methods as data, read from the YAML files beside this module."""

from pathlib import Path

from fusionbench.external.reading import read_method

SPECS = [read_method(path) for path in sorted(Path(__file__).parent.glob("*.yaml"))]
