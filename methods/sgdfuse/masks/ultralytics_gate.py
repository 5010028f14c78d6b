"""The harness's door to ultralytics (``fusionbench.files.ultralytics_gate``), with the errors of a mask
provider.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from fusionbench.files import ultralytics_gate as gate

from .provider import ProviderUnavailableError


@contextmanager
def restricted_ultralytics() -> Iterator[Any]:
    """Within the block ultralytics loads weight files restrictedly and prints nothing; yields the package.

    Raises ``ProviderUnavailableError`` when the package is missing or too old to load restrictedly.
    """
    with ExitStack() as stack:
        try:
            package = stack.enter_context(gate.restricted_ultralytics())
        except gate.UltralyticsError as error:
            raise ProviderUnavailableError(f"{error}, or use the mask provider `saliency`") from error
        yield package


def unreadable(path: Path, error: Exception, artifact: str) -> ProviderUnavailableError:
    """The error for a weight file that the restricted loader refuses."""
    advice = f"If it is damaged, delete it and run `fusionbench weights fetch {artifact}`"
    return ProviderUnavailableError(str(gate.unreadable(path, error, advice)))
