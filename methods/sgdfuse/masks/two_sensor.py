"""Objects of a pair, found by one small network that looks at both sensors: the provider that ships with
fusionbench.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from .artifacts import TWO_SENSOR
from .provider import (
    Image,
    Objectness,
    ProviderUnavailableError,
    check_image,
    file_sha256,
    is_grey,
    make_fingerprint,
    weight_file,
)
from .two_sensor_network import TwoSensorNetwork

WEIGHTS_VARIABLE = "FUSIONBENCH_TWO_SENSOR_WEIGHTS"
SMALLEST_SIDE = 32


class TwoSensorMasks:
    """Probability that a pixel shows a road user, from infrared and visible together; both masks of a pair
    are this map.

    ``checkpoint``: a file from ``training/mask_head.py``; without it the environment variable
    ``FUSIONBENCH_TWO_SENSOR_WEIGHTS``, then the file in the package. ``floor``: probabilities below it count
    as 0.
    """

    name = "two-sensor"

    def __init__(
        self, checkpoint: str | Path | None = None, floor: float = 0.02, device: str = "cpu"
    ) -> None:
        path = weight_file(checkpoint, WEIGHTS_VARIABLE, TWO_SENSOR)
        self._device, self._floor = torch.device(device), floor
        network = TwoSensorNetwork()
        try:
            network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
        except (SafetensorError, RuntimeError, OSError) as error:
            raise ProviderUnavailableError(
                f"{path} holds no weights of the provider two-sensor: {error}"
            ) from error
        self._network = network.to(self._device).to(memory_format=torch.channels_last).eval()
        self.fingerprint = make_fingerprint(self.name, {"floor": floor}, file_sha256(path))

    @torch.no_grad()
    def of_pair(self, infrared: Image, visible: Image) -> Objectness:
        """Objectness, float32 H×W in [0,1], of infrared uint8 H×W and visible uint8 H×W×3 (RGB)."""
        ir = torch.from_numpy(np.ascontiguousarray(infrared))[None, None].to(self._device).float() / 255
        vi = (
            torch.from_numpy(np.ascontiguousarray(visible)).permute(2, 0, 1)[None].to(self._device).float()
            / 255
        )
        with torch.autocast(self._device.type, enabled=False):
            found = torch.sigmoid(self._network(ir, vi))[0, 0].cpu().numpy()
        return np.where(found < self._floor, 0, found).astype(np.float32)

    def objectness(self, image: Image, name: str | None = None) -> Objectness:
        """The map of one sensor alone, the other one being black: worse than of a pair."""
        image = check_image(image)
        if min(image.shape[:2]) < SMALLEST_SIDE:
            return np.zeros(image.shape[:2], np.float32)
        dark = np.zeros_like(image)
        if not is_grey(image):
            return self.of_pair(dark[..., 0], image)
        grey = image if image.ndim == 2 else image[..., 0]
        return self.of_pair(grey, np.zeros((*grey.shape, 3), np.uint8))
