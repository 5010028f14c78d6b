"""The built-in reports: one folder or module each, whose specs stand in ``spec.py`` as pure data.

``discover`` is the entry point through which the catalog finds them; it imports no heavy library.
"""

from fusionbench.plugins.catalog import specs_below


def discover() -> list[object]:
    """All specs of the built-in reports, in alphabetical order of their modules."""
    return specs_below(__name__, __path__)
