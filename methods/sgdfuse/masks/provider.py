"""The interface of a mask provider, and what all of them share: image checks, image hashes, fingerprints,
weight files."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from fusionbench.contracts.artifact import Artifact
from fusionbench.errors import ImageError, MissingWeightsError
from fusionbench.files import artifacts

Image = npt.NDArray[np.uint8]
Objectness = npt.NDArray[np.float32]


class ProviderUnavailableError(MissingWeightsError):
    """A provider that can't run here: its weights, package or folder are missing, or are not what they should
    be."""


@runtime_checkable
class MaskProvider(Protocol):
    """Turns an image into objectness.

    ``name`` is the provider's registered name; ``fingerprint`` names everything that determines its maps
    (name, options, sha256 of the weights) and goes into cache keys and provenance. Providers are
    deterministic: the same image gives the same map.
    """

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    def objectness(self, image: Image, name: str | None = None) -> Objectness:
        """Objectness, float32 H×W in [0,1], of ``image``, uint8 H×W×3 RGB or H×W.

        A grey image (H×W, or three equal channels) counts as infrared where a provider makes a difference.
        ``name`` (a stem such as ``ir/00001D``) matters to the ``file`` provider alone.
        """
        ...


def check_image(image: Image) -> Image:
    """``image`` itself if it is uint8, H×W or H×W×3 and not empty; ``ImageError`` otherwise."""
    array = np.asarray(image)
    if array.dtype != np.uint8:
        raise ImageError(
            f"mask providers take uint8 images, not {array.dtype}: scale to 0…255 and convert first"
        )
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        raise ImageError(f"mask providers take H×W or H×W×3 images, not an array of shape {array.shape}")
    return array


def is_grey(image: Image) -> bool:
    """Whether ``image`` carries no colour: H×W, or H×W×3 with three equal channels."""
    if image.ndim == 2:
        return True
    return bool(np.array_equal(image[..., 0], image[..., 1]) and np.array_equal(image[..., 0], image[..., 2]))


def image_hash(image: Image) -> str:
    """Hex sha256 of the image's shape and bytes; the same picture as H×W and as H×W×3 gives two values."""
    array = np.ascontiguousarray(check_image(image))
    digest = hashlib.sha256(f"{array.shape}".encode())
    digest.update(array.data.cast("B"))
    return digest.hexdigest()


OBJECTNESS_VERSION = 1
"""Part of every fingerprint: raise it when the area prior or the joining of segments changes."""


def make_fingerprint(name: str, options: Mapping[str, Any], weights_sha256: str | None = None) -> str:
    """``name(option=value,…)@weights/objectness<version>``: one readable line, stable under the order of the
    options."""
    listed = ",".join(f"{key}={json.dumps(options[key], default=str)}" for key in sorted(options))
    weights = f"@sha256:{weights_sha256}" if weights_sha256 else ""
    return f"{name}({listed}){weights}/objectness{OBJECTNESS_VERSION}"


def file_sha256(path: Path) -> str:
    """Hex sha256 of a weight file (read once a process)."""
    return artifacts.file_hashes(path)[0]


def weight_file(given: str | Path | None, variable: str, artifact: Artifact) -> Path:
    """Path of a provider's weight file: the option, else the environment variable, else fusionbench's
    artifact cache.

    Never downloads. A file named by the user is taken as it is (its sha256 goes into the fingerprint); one
    found in the cache must have the artifact's checksum. Raises ``ProviderUnavailableError`` that says where
    it looked and how to get the file.
    """
    chosen = given or os.environ.get(variable)
    if not chosen:
        try:
            return artifacts.locate(artifact)
        except MissingWeightsError as error:
            raise ProviderUnavailableError(f"{error} {_elsewhere(variable)}") from error
    path = Path(chosen).expanduser()
    if not path.is_file():
        source = "the option `checkpoint`" if given else f"the environment variable {variable}"
        raise ProviderUnavailableError(
            f"no weight file at {path} (from {source}). "
            f"Run `fusionbench weights fetch {artifact.name}`. {_elsewhere(variable)}"
        )
    return path


def _elsewhere(variable: str) -> str:
    return (
        f"Or name a file with the option `checkpoint` or the environment variable {variable}; "
        "the mask provider `saliency` needs no weights."
    )
