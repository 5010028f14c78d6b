"""What the harness does around a method: padding, tiles, memory, precision, colour, rounding, wrong outputs
by name.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench.contracts.dataset import Pair, PairImages
from fusionbench.contracts.method import MethodContext, MethodSpec
from fusionbench.errors import FusionBenchError, ImageError, InputError
from fusionbench.execution.fusing import TILE, MethodFuser, fuse_in_tiles
from fusionbench.images.grey import GREY_CONVERSIONS, to_grey
from fusionbench.images.padding import pad_tensor, padding
from fusionbench.images.quantisation import ROUNDINGS, finish, stretch

Fuse = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Fake:
    """A method whose ``fuse`` is the function in ``context.options``; ``seen`` holds the shapes that it was
    given.
    """

    def __init__(self, spec: MethodSpec, context: MethodContext) -> None:
        self.function: Fuse = context.options["function"]
        self.seen: list[tuple[int, ...]] = []

    def load(self, device: torch.device, precision: str) -> None:
        pass

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        self.seen.append(tuple(infrared.shape))
        return self.function(infrared, visible)


def make_fuser(function: Fuse, precision: str = "fp32", **spec: Any) -> MethodFuser:
    sys.modules["fusionbench_fake_method"] = types.SimpleNamespace(Fake=Fake)  # type: ignore[assignment]
    return MethodFuser(
        MethodSpec(name="fake", title="Fake", factory="fusionbench_fake_method:Fake", **spec),
        MethodContext(options={"function": function}),
        "cpu",
        precision,
    )


def pictures(count: int, height: int, width: int) -> tuple[list[Pair], list[PairImages]]:
    rng = np.random.default_rng(height * 1000 + width)
    images = [
        PairImages(
            rng.integers(0, 256, (height, width), np.uint8),
            rng.integers(0, 256, (height, width, 3), np.uint8),
        )
        for _ in range(count)
    ]
    return [Pair(f"image-{i}") for i in range(count)], images


def infrared_out(infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
    return infrared


# Sizes


@settings(deadline=None, max_examples=60)
@given(
    length=st.integers(1, 700), multiple=st.sampled_from([1, 2, 8, 32]), minimum=st.sampled_from([1, 11, 64])
)
def test_padding_reaches_the_next_allowed_size(length: int, multiple: int, minimum: int) -> None:
    spec = MethodSpec(name="m", title="m", size_multiple=multiple, minimum_size=minimum)
    total = length + padding(length, spec)
    assert total % multiple == 0
    assert total >= max(length, minimum)
    assert total - multiple < max(length, minimum)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (2, 3), (33, 47)])
def test_padded_and_cropped_again(height: int, width: int) -> None:
    fuser = make_fuser(infrared_out, size_multiple=16, minimum_size=48, colour="none")
    pairs, images = pictures(1, height, width)
    (fused,) = fuser.fuse(pairs, images)
    assert np.array_equal(fused, images[0].infrared)
    assert fuser._method.seen == [(1, 1, 48, 48)]


def test_padding_reflects() -> None:
    image = torch.arange(3.0).reshape(1, 1, 1, 3)
    assert pad_tensor(image, 0, 4).flatten().tolist() == [0, 1, 2, 1, 0, 1, 2]


# Memory


def out_of_memory_above(pixels: int, function: Fuse = infrared_out) -> Fuse:
    def fuse(infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        if infrared.numel() > pixels:
            raise RuntimeError(
                "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to"
                " allocate 9 bytes"
            )
        return function(infrared, visible)

    return fuse


def test_batches_are_halved_until_they_fit() -> None:
    fuser = make_fuser(out_of_memory_above(2 * 20 * 30), colour="none")
    pairs, images = pictures(7, 20, 30)
    fused = fuser.fuse(pairs, images)
    assert all(np.array_equal(f, i.infrared) for f, i in zip(fused, images, strict=True))
    assert [s[0] for s in fuser._method.seen] == [7, 3, 1, 2, 4, 2, 2]
    assert fuser.provenance()["fallbacks"][0] == "out of memory at batch 7: halved"


def test_tiles_where_a_single_pair_does_not_fit() -> None:
    fuser = make_fuser(out_of_memory_above(TILE * TILE), colour="none", tileable=True)
    pairs, images = pictures(1, TILE + 50, 2 * TILE + 70)
    (fused,) = fuser.fuse(pairs, images)
    assert np.array_equal(fused, images[0].infrared)
    assert "tiles" in fuser.fallbacks[0]


def test_the_error_says_what_to_do_where_nothing_helps() -> None:
    fuser = make_fuser(out_of_memory_above(10))
    with pytest.raises(
        FusionBenchError, match="fake: not enough memory for a 30×20 pair; use smaller images"
    ):
        fuser.fuse(*pictures(1, 20, 30))


def test_other_errors_are_not_taken_for_memory() -> None:
    def fails(infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        make_fuser(fails, tileable=True).fuse(*pictures(2, 20, 30))


@pytest.mark.parametrize(("height", "width"), [(TILE, TILE), (TILE + 1, 40), (TILE + 200, 2 * TILE + 13)])
def test_tiles_of_a_local_method_show_no_seam(height: int, width: int) -> None:
    kernel = torch.full((1, 1, 5, 5), 1 / 25)

    def blur(infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv2d(infrared, kernel, padding=2)

    image = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(1))
    whole, tiled = blur(image, image), fuse_in_tiles(blur, image, image)
    difference = (whole - tiled).abs()
    assert difference[..., 2:-2, 2:-2].max() < 0.04  # zero padding at a tile's edge, where its weight is 1/64
    assert fuse_in_tiles(infrared_out, image, image).sub(image).abs().max() < 1e-6


# Outputs


@pytest.mark.parametrize(
    ("function", "kind", "message"),
    [
        (
            lambda i, v: i[..., 1:],
            InputError,
            r"fake\.fuse returned shape \(2, 1, 20, 29\), expected \(2, 1, 20, 30\)",
        ),
        (lambda i, v: torch.cat([i] * 3, 1), InputError, r"expected \(2, 1, 20, 30\) \(output 'luma'\)"),
        (
            lambda i, v: torch.where(i > 0.99, torch.nan, i),
            ImageError,
            "image-0: fake returned non-finite values; try --precision fp32",
        ),
        (lambda i, v: i / 0, ImageError, "image-0: fake returned non-finite"),
    ],
)
def test_wrong_outputs_are_named(function: Fuse, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        make_fuser(function).fuse(*pictures(2, 20, 30))


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="--precision 'fp8': choose one of fp32, bf16, fp16"):
        make_fuser(infrared_out, "fp8")
    for wrong in ({"colour": "cie"}, {"grey": "cie"}):
        with pytest.raises(ImageError, match=r"unknown .* known: "):
            make_fuser(infrared_out, **wrong).fuse(*pictures(1, 4, 4))


def test_bf16_runs_the_network_in_bf16() -> None:
    kinds = []

    def matmul(infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        product = infrared @ torch.eye(infrared.shape[-1])
        kinds.append(product.dtype)
        return product

    pairs, images = pictures(1, 16, 16)
    exact = make_fuser(matmul, "fp32", colour="none").fuse(pairs, images)[0]
    rough = make_fuser(matmul, "bf16", colour="none").fuse(pairs, images)[0]
    assert kinds == [torch.float32, torch.bfloat16]
    assert np.abs(exact.astype(int) - rough).max() <= 1


@pytest.mark.parametrize("kind", ["luma", "gray", "rgb"])
def test_inputs_have_the_channels_that_the_spec_asks_for(kind: str) -> None:
    shapes = []

    def look(infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        shapes.append(tuple(visible.shape))
        assert infrared.dtype == visible.dtype == torch.float32
        assert 0 <= float(visible.min()) <= float(visible.max()) <= 1
        return infrared

    make_fuser(look, input=kind).fuse(*pictures(2, 6, 8))
    assert shapes == [(2, 3 if kind == "rgb" else 1, 6, 8)]


# Colour, stretch, rounding


@pytest.mark.parametrize("colour", ["bt601", "opencv", "pillow", "seafusion"])
def test_the_visible_luma_gives_the_visible_image_back(colour: str) -> None:
    _, (image,) = pictures(1, 32, 32)
    spec = MethodSpec(name="m", title="m", colour=colour)
    luma = (to_grey(image.visible) / 255)[None].astype(np.float32)
    difference = np.abs(finish(luma, image.visible, spec).astype(int) - image.visible)
    assert difference.max() <= (0 if colour == "bt601" else 3)


def test_recombination_keeps_chroma_and_sets_luma() -> None:
    rng = np.random.default_rng(3)
    visible = rng.integers(100, 156, (16, 16, 3), np.uint8)  # far from clipping
    luma = rng.uniform(0.45, 0.55, (1, 16, 16)).astype(np.float32)
    fused = finish(luma, visible, MethodSpec(name="m", title="m")).astype(float)
    for one, two in ((0, 1), (1, 2)):
        before = visible[..., one].astype(float) - visible[..., two]
        assert np.abs(fused[..., one] - fused[..., two] - before).max() <= 1
    assert np.abs(fused @ [0.299, 0.587, 0.114] - luma[0] * 255).max() <= 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nearest", [0, 0, 2, 2, 4, 255, 0]),
        ("truncate", [0, 0, 1, 2, 3, 255, 0]),
        ("half-up", [0, 1, 2, 3, 4, 255, 0]),
        ("half-down", [0, 0, 1, 2, 3, 255, 0]),
        ("wrap", [0, 0, 1, 2, 3, 44, 252]),
    ],
)
def test_roundings(name: str, expected: list[int]) -> None:
    levels = np.array([0.2, 0.5, 1.5, 2.5, 3.5, 300.0, -4.0])
    assert ROUNDINGS[name](levels).tolist() == expected


def test_quantisation_policies() -> None:
    visible = np.full((1, 3, 3), 128, np.uint8)
    luma = np.array([[[0.2, 0.35, 0.6]]], np.float32)

    def grey(policy: str) -> list[int]:
        spec = MethodSpec(name="m", title="m", colour="none", quantise=policy)
        levels: list[int] = finish(luma, visible, spec)[0].tolist()
        return levels

    assert grey("clip") == [51, 89, 153]
    assert grey("minmax") == [0, 96, 255]
    assert grey("max-rgb") == [85, 149, 255]
    assert stretch(np.full((2, 2), 0.7, np.float32)).max() == 0  # a constant image divides nothing by nothing


# Grey conversions against the formulas measured on the official software (see the reference data's
# FIXTURES.md)

CUBE = np.random.default_rng(9).integers(0, 256, (64, 64, 3), np.uint8)
R, G, B = (CUBE[..., i].astype(np.int64) for i in range(3))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("opencv", (9798 * R + 19235 * G + 3735 * B + 16384) >> 15),
        ("pillow", (19595 * R + 38470 * G + 7471 * B + 32768) >> 16),
        ("opencv-flag", np.where((R == G) & (G == B), R, (9797 * R + 19234 * G + 3737 * B) >> 15)),
    ],
)
def test_grey_conversions(name: str, expected: np.ndarray) -> None:
    assert np.array_equal(to_grey(CUBE, name), expected)


def test_rounded_luma_is_that_of_double_precision_but_for_ties() -> None:
    difference = np.abs(to_grey(CUBE, "bt601-rounded") - np.rint(0.299 * R + 0.587 * G + 0.114 * B))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.002


def test_grey_conversions_agree_with_pillow_itself() -> None:
    from PIL import Image

    image = Image.fromarray(CUBE)
    assert np.array_equal(to_grey(CUBE, "pillow"), np.asarray(image.convert("L")))
    assert np.array_equal(to_grey(CUBE, "pillow-ycbcr"), np.asarray(image.convert("YCbCr"))[..., 0])


@pytest.mark.parametrize("name", sorted(set(GREY_CONVERSIONS) - {"piafusion", "truncated"}))
def test_grey_pixels_keep_their_level(name: str) -> None:
    levels = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert np.abs(to_grey(levels, name) - np.arange(256)).max() <= (1 if "pillow" in name else 1e-4)
