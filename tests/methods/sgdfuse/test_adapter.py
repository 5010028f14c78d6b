"""The shipped model through its adapter: checksum, batch independence, size errors, missing weights."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch

import fusionbench.methods.sgdfuse as package
from fusionbench.contracts.method import MethodContext
from fusionbench.errors import InputError, MissingWeightsError
from fusionbench.methods.sgdfuse.adapter import SGDFuse
from fusionbench.methods.sgdfuse.masks.artifacts import TWO_SENSOR
from fusionbench.methods.sgdfuse.network.luma import rgb_to_luma
from fusionbench.methods.sgdfuse.network.network import count_parameters
from fusionbench.methods.sgdfuse.spec import SPECS
from fusionbench.plugins import catalog

WEIGHTS = Path(package.__path__[0]) / "weights"
SPEC = {spec.name: spec for spec in SPECS}


def loaded(name: str) -> SGDFuse:
    spec = SPEC[name]
    fuser = SGDFuse(spec, MethodContext(weights=lambda _: WEIGHTS / spec.artifacts[0].filename))
    fuser.load(torch.device("cpu"), "fp32")
    return fuser


@pytest.fixture(scope="module")
def method() -> SGDFuse:
    return loaded("sgdfuse")


@pytest.fixture(scope="module")
def quality() -> SGDFuse:
    return loaded("sgdfuse-quality")


def pair(count: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shape: dict[str, Any] = {"size": (height, width), "mode": "bicubic"}
    infrared = torch.nn.functional.interpolate(torch.rand(count, 1, 6, 6, generator=generator), **shape)
    visible = torch.nn.functional.interpolate(torch.rand(count, 3, 6, 6, generator=generator), **shape)
    return infrared.clamp(0, 1).mul(255).round() / 255, visible.clamp(0, 1).mul(255).round() / 255


def test_shipped_files_are_the_specs() -> None:
    artifacts = [SPEC["sgdfuse"].artifacts[0], SPEC["sgdfuse-quality"].artifacts[0], TWO_SENSOR]
    total = 0
    for artifact in artifacts:
        data = (WEIGHTS / artifact.filename).read_bytes()
        assert hashlib.sha256(data).hexdigest() == artifact.sha256
        assert len(data) == artifact.bytes
        total += len(data)
    assert total <= 8 * 2**20


def test_batch_of_three_equals_one_by_one(method: str) -> None:
    infrared, visible = pair(3, 53, 47)
    together = method.fuse(infrared, visible)
    assert together.shape == (3, 3, 53, 47)
    for index in (2, 0, 1):
        alone = method.fuse(infrared[index : index + 1], visible[index : index + 1])
        torch.testing.assert_close(alone[0], together[index], atol=1e-4, rtol=0)


def test_repeats_exactly(method: str) -> None:
    infrared, visible = pair(1, 64, 64)
    assert torch.equal(method.fuse(infrared, visible), method.fuse(infrared, visible))


def hot_target() -> tuple[torch.Tensor, torch.Tensor]:
    infrared, visible = pair(1, 96, 96)
    infrared = torch.zeros_like(infrared)
    infrared[..., 40:60, 40:60] = 1.0
    return infrared, visible * 0.3


def test_quality_keeps_the_brighter_source(quality: Any) -> None:
    assert float(quality.fuse(*hot_target())[..., 45:55, 45:55].mean()) > 0.85


def test_masks_decide(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same warm square: nearly the maximum under a mask, between visible and maximum without; it never
    vanishes.
    """
    infrared, visible = hot_target()
    inside = torch.zeros_like(infrared)
    inside[..., 38:62, 38:62] = 1.0
    made = {}
    for name, mask in (("given", inside), ("blank", torch.zeros_like(inside))):
        monkeypatch.setattr(method, "_masks", lambda ir, vi, mask=mask: (mask, mask))
        made[name] = float(method.fuse(infrared, visible)[..., 45:55, 45:55].mean())
    assert made["given"] > 0.8
    assert 0.45 < made["blank"] < made["given"] - 0.1


@pytest.mark.parametrize("scene", [0, 13])
def test_borders_are_as_good_as_the_inside(method: str, scene: Any) -> None:
    """A loss that sees a convolution's zero border once taught the model to write a checkered strip there."""
    spec = catalog.datasets.get("demo")
    dataset = catalog.build(spec.factory)(spec, None)
    loaded = dataset.load(list(dataset.pairs("test"))[scene])
    infrared = torch.tensor(loaded.infrared)[None, None].float() / 255
    visible = torch.tensor(loaded.visible).permute(2, 0, 1)[None].float() / 255
    maximum = torch.maximum(infrared, rgb_to_luma(visible))
    change = 255 * (rgb_to_luma(method.fuse(infrared, visible)) - maximum)
    grain = {"columns": change.diff(dim=-1).abs()[0, 0], "rows": change.diff(dim=-2).abs()[0, 0].T}
    for name, steps in grain.items():  # a grey level to the next one, along the direction
        inside = float(steps[:, 8:-8].mean())
        for border in (steps[:, :2], steps[:, -2:]):
            assert float(border.mean()) < inside + 3, name


def test_provenance_names_masks_and_training(method: str) -> None:
    facts = method.provenance()
    assert facts["masks"]["provider"].startswith("two-sensor")
    assert facts["training"]["mask_providers"] == ["two-sensor", "saliency", "labels"]
    assert count_parameters(method.network) < 8e6


def test_too_small_images_are_named(method: str) -> None:
    with pytest.raises(InputError, match="32×32"):
        method.fuse(torch.zeros(1, 1, 31, 40), torch.zeros(1, 3, 31, 40))


def test_paper_preset_has_no_weights() -> None:
    with pytest.raises(MissingWeightsError, match="preset paper"):
        SGDFuse(SPEC["sgdfuse-paper"], MethodContext()).load(torch.device("cpu"), "fp32")


def test_unknown_option() -> None:
    with pytest.raises(InputError, match="mask_option"):
        SGDFuse(SPEC["sgdfuse"], MethodContext(options={"mask": "sam"}))
