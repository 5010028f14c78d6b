"""What every classical method keeps: shape, range, any size, batches, and an image fused with itself."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch

from fusionbench.contracts.method import Method
from fusionbench.errors import InputError
from fusionbench.methods.classical.spec import SPECS

NAMES = [spec.name for spec in SPECS]
SIZES = [(1, 1), (1, 9), (2, 2), (5, 7), (40, 40), (161, 123)]


def sources(spec: Any, size: Any, batch: Any = 1, seed: Any = 0) -> Any:
    generator = torch.Generator().manual_seed(seed)
    infrared = torch.rand(batch, 1, *size, generator=generator)
    return infrared, torch.rand(batch, 3 if spec.input == "rgb" else 1, *size, generator=generator)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_shape_type_and_range(make_method: Any, name: str, size: Any) -> None:
    spec, method = make_method(name)
    assert isinstance(method, Method)
    fused = method.fuse(*sources(spec, size))
    assert fused.shape == (1, 3 if spec.output == "rgb" else 1, *size)
    assert fused.dtype == torch.float32
    assert torch.isfinite(fused).all()
    assert fused.min() >= 0
    assert fused.max() <= 1


@pytest.mark.parametrize("size", [(5, 7), (61, 43)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_an_image_gives_the_same_bits_alone_and_in_a_batch(make_method: Any, name: str, size: Any) -> None:
    spec, method = make_method(name)
    infrared, visible = sources(spec, size, batch=4)
    together = method.fuse(infrared, visible)
    for k in range(4):
        assert torch.equal(method.fuse(infrared[k : k + 1], visible[k : k + 1])[0], together[k])


@pytest.mark.parametrize("name", NAMES)
def test_the_sources_are_left_alone(make_method: Any, name: str) -> None:
    spec, method = make_method(name)
    infrared, visible = sources(spec, (33, 20))
    kept = infrared.clone(), visible.clone()
    method.fuse(infrared, visible)
    assert torch.equal(infrared, kept[0])
    assert torch.equal(visible, kept[1])


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", [n for n in NAMES if n not in {"visible", "infrared"}])
def test_an_image_fused_with_itself_is_itself(make_method: Any, name: str, size: Any) -> None:
    _, method = make_method(name)
    image = torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(method.fuse(image, image), image, atol=2e-6, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_constant_images(make_method: Any, name: str) -> None:
    spec, method = make_method(name)
    black, white = torch.zeros(1, 1, 20, 30), torch.ones(1, 3 if spec.input == "rgb" else 1, 20, 30)
    fused = method.fuse(black, white)
    assert torch.isfinite(fused).all()
    torch.testing.assert_close(fused, fused[..., :1, :1].expand_as(fused), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_autocast_does_not_lower_the_precision(make_method: Any, name: str) -> None:
    spec, method = make_method(name)
    pair = sources(spec, (40, 50))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under_autocast = method.fuse(*pair)
    assert torch.equal(under_autocast, method.fuse(*pair))


def test_options_override_the_published_parameters(make_method: Any) -> None:
    _, method = make_method("guided-filter", r1=3)
    assert method.provenance()["parameters"]["r1"] == 3
    assert method.provenance()["parameters"]["r2"] == 7


def test_a_misspelt_option_is_refused_with_the_known_ones(make_method: Any) -> None:
    with pytest.raises(InputError, match=r"'r3'.*base_radius, r1, eps1, r2, eps2"):
        make_method("guided-filter", r3=3)


def test_specs_are_cheap_to_import() -> None:
    code = (
        "import sys, fusionbench.methods.classical.spec as s; "
        "assert len(s.SPECS) == 10; print([m for m in ('torch', 'numpy', 'cv2', 'pywt') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
