"""SGDFuse as a method of the harness: weights, masks and noise around the network."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fusionbench.contracts.method import MethodContext, MethodSpec
from fusionbench.errors import InputError, MissingWeightsError

from .checkpoint import load_weights
from .masks import MaskCache, best_available, pair_masks
from .network.network import SGDFuseNetwork, image_noise

MINIMUM_SIZE = 32


class SGDFuse:
    """Fuses any size ≥ 32×32. Options: `weights` (a file from `fusionbench train sgdfuse`), `masks` (a
    provider's name), `mask_options`.
    """

    def __init__(self, spec: MethodSpec, context: MethodContext) -> None:
        self.spec, self.context = spec, context
        options = {**spec.options, **context.options}
        unknown = set(options) - {"weights", "masks", "mask_options"}
        if unknown:
            raise InputError(
                f"{spec.name} has no option {sorted(unknown)[0]!r}; its options are masks, mask_options,"
                " weights"
            )
        self._weights = str(options.get("weights", ""))
        self._mask_name = str(options.get("masks", "saliency"))
        self._mask_options = dict(options.get("mask_options", {}))
        self.network: SGDFuseNetwork | None = None
        self._facts: dict[str, Any] = {}

    def load(self, device: torch.device, precision: str) -> None:
        """Build the network with its weights and the mask provider. Raises MissingWeightsError or
        InputError.
        """
        if self._weights:
            path = Path(self._weights)
        elif self.spec.artifacts:
            path = self.context.weights(self.spec.artifacts[0].name)
        else:
            raise MissingWeightsError(
                f"{self.spec.name} ships no weights: train them with `fusionbench train sgdfuse --preset"
                " paper` and pass the file with --option weights=PATH"
            )
        network, self._facts = load_weights(path)
        self.network = network.to(device)
        selection = best_available(self._mask_name, **self._mask_options)
        self._provider = selection.provider
        self._mask_reason = selection.reason
        if selection.reason:
            warnings.warn(f"masks {self._mask_name!r} can't be used: {selection.reason}", stacklevel=2)
        self._cache = MaskCache(self.context.cache_dir / "masks") if self.context.cache_dir else None

    @torch.no_grad()
    def fuse(self, infrared: Tensor, visible: Tensor) -> Tensor:
        """infrared N×1×H×W and visible N×3×H×W in [0, 1] → fused N×3×H×W in [0, 1].

        The noise of an image depends on the run's seed and the image's content, not on its batch. Raises
        InputError below 32×32.
        """
        if self.network is None:
            raise InputError(f"{self.spec.name}: call load(device, precision) before fuse")
        if min(infrared.shape[-2:]) < MINIMUM_SIZE:
            height, width = infrared.shape[-2:]
            raise InputError(
                f"{self.spec.name} fuses images of at least {MINIMUM_SIZE}×{MINIMUM_SIZE}, got"
                f" {width}×{height}"
            )
        mask_ir, mask_vi = self._masks(infrared, visible)
        noise = image_noise(infrared, visible, self.context.seed, self.network.noise_channels)
        fused: Tensor = self.network(infrared, visible, mask_ir, mask_vi, noise)
        return fused.float()

    def provenance(self) -> dict[str, Any]:
        """Mask provider used, and how the weights were trained."""
        return {
            "masks": {
                "provider": self._provider.fingerprint,
                "requested": self._mask_name,
                "reason": self._mask_reason,
            },
            "preset": self.network.config.preset if self.network else None,
            "training": self._facts,
        }

    def _masks(self, infrared: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        pairs = zip(_levels(infrared), _levels(visible), strict=True)
        maps = [pair_masks(self._provider, ir[..., 0].copy(), vi, self._cache) for ir, vi in pairs]
        both = torch.from_numpy(np.array(maps, np.float32)).to(infrared.device)
        return both[:, :1], both[:, 1:]


def _levels(images: Tensor) -> npt.NDArray[np.uint8]:
    """N×C×H×W in [0, 1] → uint8 N×H×W×C."""
    levels = images.detach().mul(255).round().clamp(0, 255).byte().permute(0, 2, 3, 1)
    return np.ascontiguousarray(levels.cpu().numpy())
