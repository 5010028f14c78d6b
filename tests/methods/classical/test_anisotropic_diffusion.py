"""ADF against the images its authors' code produced for the VIFB benchmark, and its two parts against closed
forms.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import torch

from fusionbench.images.codec import as_grey, read_image, read_rgb
from fusionbench.methods.classical.anisotropic_diffusion import diffuse, principal_weights


def plane(array: Any) -> Any:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32) / np.float32(255))[None, None]


@pytest.mark.parametrize("name", ["carLight", "fight", "manWalking", "walking"])
def test_equal_to_the_published_images(make_method: Any, reference_data: Any, name: str) -> None:
    folder = reference_data / "goldens/metrics/images/vifb"
    _, method = make_method("adf")
    infrared, visible = as_grey(read_image(folder / f"ir/{name}.jpg")), read_rgb(folder / f"vi/{name}.jpg")
    channels = [method.fuse(plane(infrared), plane(visible[..., c]))[0, 0].numpy() for c in range(3)]
    fused = np.rint(np.stack(channels, axis=2) * 255).astype(np.uint8)
    # The published files are JPEG of quality 75 (MATLAB's default): compare after the same compression.
    ok, data = cv2.imencode(".jpg", cv2.cvtColor(fused, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 75])
    assert ok
    compressed = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1]
    published = read_rgb(folder / f"fused/ADF/{name}.jpg")
    # Rounding ties may fall differently in another build of torch or libjpeg; here not one pixel differs.
    assert np.mean(compressed == published) > 0.999


def test_diffusion_of_one_bright_pixel_by_hand() -> None:
    image = torch.zeros(1, 1, 5, 5)
    image[..., 2, 2] = 1.0
    once = diffuse(image, steps=1, kappa=2.0, rate=0.1)[0, 0]
    flow = 0.1 * np.exp(-0.25)
    assert once[2, 3] == pytest.approx(flow)
    assert once[1, 1] == pytest.approx(flow / 2)
    assert once[2, 2] == pytest.approx(1 - 6 * flow)
    assert once.sum() == pytest.approx(1.0)


def test_principal_weights_equal_the_eigenvector() -> None:
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(3, 1, 20, 30, generator=generator)
    first = shared + 0.2 * torch.randn(shared.shape, generator=generator)
    second = 0.4 * shared + 0.2 * torch.randn(shared.shape, generator=generator)
    weights, others = principal_weights(first, second)
    for k in range(3):
        covariance = np.cov(np.stack([first[k].double().ravel(), second[k].double().ravel()]))
        leading = np.linalg.eigh(covariance)[1][:, -1]
        assert weights[k].item() == pytest.approx(leading[0] / leading.sum(), abs=1e-6)
        assert others[k].item() == pytest.approx(leading[1] / leading.sum(), abs=1e-6)


def test_principal_weights_without_detail_are_equal() -> None:
    nothing = torch.zeros(1, 1, 4, 4)
    assert principal_weights(nothing, nothing)[0].item() == 0.5
