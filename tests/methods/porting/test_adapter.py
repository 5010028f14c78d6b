"""Properties of every native port: sizes, batches, strict loading, safe reading of weight files."""

from __future__ import annotations

import functools
import hashlib
import re
import time
from pathlib import Path

import numpy as np
import pytest
import scipy.interpolate
import torch
from safetensors.torch import save_file
from torch import nn

from fusionbench.contracts.method import MethodContext, MethodSpec
from fusionbench.errors import InputError
from fusionbench.files.artifacts import locate
from fusionbench.images.padding import pad_tensor, padding
from fusionbench.methods.emma.network import EMMA
from fusionbench.methods.fiscnet.network import merge_phases
from fusionbench.methods.lrrnet.network import soft_threshold, soft_threshold_planes
from fusionbench.methods.lutfuse.network import LUTFuse
from fusionbench.methods.mufusion.network import TILE, tile_places
from fusionbench.methods.porting.adapter import NativeMethod
from fusionbench.methods.porting.batch_statistics import use_image_statistics
from fusionbench.methods.porting.checkpoints import read_checkpoints
from fusionbench.methods.porting.fixture_weights import fixture_weights
from fusionbench.methods.porting.network import FusionNetwork, build_network
from fusionbench.methods.swinfusion.windows import attend, position_index
from fusionbench.methods.tardal.network import TarDAL
from fusionbench.plugins import catalog

NATIVE = [
    spec
    for spec in catalog.methods.all().values()
    if spec.factory == "fusionbench.methods.porting.adapter:create"
]
HEAVY = {
    "cddfuse",
    "pfcfuse",
    "swinfusion",
    "gifnet",
    "piafusion",
    "piafusion-port",
    "mufusion",
    "mufusion-roadscene",
    "mfeif",
    "ydtr",
    "res2fusion",
    "res2fusion-1e1",
}


@functools.lru_cache(maxsize=2)
def network_of(name: str) -> FusionNetwork:
    network = build_network(catalog.methods.get(name).options)
    network.load_official(
        fixture_weights(network.official_shapes(), lambda _: 0.7, tensorflow=network.tensorflow)
    )
    return network.eval().requires_grad_(False)


def fuse(spec: MethodSpec, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
    """As the harness does: padded to the method's size rule, cropped afterwards."""
    height, width = infrared.shape[-2:]
    pads = padding(height, spec), padding(width, spec)
    with torch.inference_mode():
        fused = network_of(spec.name).fuse(pad_tensor(infrared, *pads), pad_tensor(visible, *pads))
    return fused[..., :height, :width]


def scenes(spec: MethodSpec, count: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    infrared = torch.rand(count, 1, height, width, generator=generator)
    visible = torch.rand(count, 3 if spec.input == "rgb" else 1, height, width, generator=generator)
    return infrared, visible


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("spec", NATIVE, ids=lambda spec: spec.name)
@pytest.mark.parametrize("size", [(123, 161), (333, 97)], ids=["161x123", "97x333"])
def test_any_size(spec: MethodSpec, size: tuple[int, int]) -> None:
    if spec.name in HEAVY and size[1] == 97:
        size = (97, 41)  # odd as well, but quick
    fused = fuse(spec, *scenes(spec, 1, *size))
    assert fused.shape == (1, 3 if spec.output == "rgb" else 1, *size)
    assert torch.isfinite(fused).all()
    assert fused.std() > 0


@pytest.mark.parametrize("spec", NATIVE, ids=lambda spec: spec.name)
def test_images_of_a_batch_dont_influence_each_other(spec: MethodSpec) -> None:
    infrared, visible = scenes(spec, 4, 33, 41)
    together = fuse(spec, infrared, visible)
    for number in (0, 3):
        alone = fuse(spec, infrared[number : number + 1], visible[number : number + 1])
        torch.testing.assert_close(together[number : number + 1], alone, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["ship", "fiscnet", "sfdfusion"])
def test_fourier_transforms_leave_half_precision(name: str) -> None:
    spec = catalog.methods.get(name)
    with torch.autocast("cpu", torch.bfloat16):
        fused = fuse(spec, *scenes(spec, 1, 32, 40))
    assert fused.shape == (1, 1, 32, 40)
    assert torch.isfinite(fused).all()


@pytest.mark.parametrize("spec", NATIVE, ids=lambda spec: spec.name)
def test_specs_say_where_weights_come_from(spec: MethodSpec) -> None:
    for artifact in spec.artifacts:
        assert artifact.sha256 or artifact.git_blob
        assert artifact.urls or artifact.instructions
    assert spec.code_url
    assert len(spec.commit) == 40
    assert spec.licence
    assert spec.year
    assert spec.paper


@pytest.mark.parametrize("name", ["dif-fusion", "text-difuse", "maefuse"])
def test_external_methods_say_where_all_comes_from(name: str) -> None:
    spec = catalog.methods.get(name)
    assert spec.status == "external"
    assert spec.code_url.startswith("https://github.com/")
    assert len(spec.commit) == 40
    assert spec.published_as
    assert spec.external
    assert spec.external.integrity
    assert spec.licence
    assert spec.paper
    assert spec.year
    for artifact in spec.artifacts:
        assert "https://" in artifact.instructions
        assert "no checksum" in artifact.instructions
    # Every link and placeholder names a weight file that is described.
    texts = [*spec.external.command, *spec.external.links.values()]
    used = {part for text in texts for part in re.findall(r"\{weights:([^}]+)\}", text)}
    assert used == {a.name for a in spec.artifacts}


def test_loading_is_strict() -> None:
    network = build_network(catalog.methods.get("reconet").options)
    tensors = fixture_weights(network.official_shapes(), lambda _: 1.0)
    network.load_official(tensors)
    with pytest.raises(InputError, match=r"surprise\.weight"):
        network.load_official({**tensors, "surprise.weight": torch.zeros(3)})
    missing = {k: v for k, v in tensors.items() if k != "att_a_conv.weight"}
    with pytest.raises(InputError, match=r"att_a_conv\.weight"):
        network.load_official(missing)
    with pytest.raises(InputError, match=r"att_a_conv\.weight"):
        network.load_official({**missing, "att_a_conv.weight": torch.zeros(1, 2, 5, 5)})


def test_adapter_loads_and_fuses(tmp_path: Path) -> None:
    spec = catalog.methods.get("reconet")
    network = build_network(spec.options)
    path = tmp_path / "weights.safetensors"
    save_file(fixture_weights(network.official_shapes(), lambda _: 1.0), path)
    method = NativeMethod(spec, MethodContext(weights=lambda name: path))
    with pytest.raises(InputError, match="load"):
        method.fuse(torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16))
    method.load(torch.device("cpu"), "fp32")
    assert method.fuse(torch.rand(2, 1, 20, 17), torch.rand(2, 1, 20, 17)).shape == (2, 1, 20, 17)
    assert method.provenance() == {"weights": ["weights.safetensors"]}


def test_options_are_arguments_of_the_network() -> None:
    spec = catalog.methods.get("tardal")
    given = {
        **spec.options,
        "arguments": {"image_statistics": False},
    }  # the harness passes the spec's with the user's on top
    evaluation = NativeMethod(spec, MethodContext(options=given))
    assert evaluation._options["arguments"] == {"image_statistics": False}
    for options, expected in (
        ({"image_statistics": False}, "has one option, arguments"),
        ({"arguments": {"statistics": False}}, "no argument 'statistics'; it has image_statistics"),
    ):
        with pytest.raises(InputError, match=expected):
            NativeMethod(spec, MethodContext(options=options))


def test_program_objects_are_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    torch.save(nn.Linear(2, 2), path)
    with pytest.raises(InputError, match="converted"):
        read_checkpoints([path])


def test_wrappers_of_the_authors_are_undone(tmp_path: Path) -> None:
    value = torch.rand(2, 3)
    files = {
        "wrapped.pth": {"params": {"a.weight": value}},
        "siba.pth": {"model": {"b.weight": value}},
        "sfdfusion.pth": {"fuse_net": {"c.weight": value}},
        "parts.pth": {"One": {"module.a": value}, "Two": {"module.b": value}},
        "Encoder_weight.pkl": {"weight": {"cov.weight": value}, "epoch": 120},
    }
    found = set()
    for name, content in files.items():
        torch.save(content, tmp_path / name)
        found |= set(read_checkpoints([tmp_path / name]))
    assert found == {"a.weight", "b.weight", "c.weight", "One.module.a", "Two.module.b", "Encoder.cov.weight"}


def test_arrays_are_read_without_executing_anything(tmp_path: Path) -> None:
    table = np.arange(16, dtype=np.float32).reshape(2, 2, 2, 2)
    np.save(tmp_path / "fine_tuned_lut.npy", table)
    tensors = read_checkpoints([tmp_path / "fine_tuned_lut.npy"])
    assert {name: tensor.tolist() for name, tensor in tensors.items()} == {"lut": table.tolist()}
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="array alone"):
        read_checkpoints([tmp_path / "objects.npy"])


def test_the_table_of_lutfuse_is_interpolated_along_its_four_axes() -> None:
    network = LUTFuse()
    tensors = fixture_weights(network.official_shapes(), lambda _: 1.0)
    table = np.random.default_rng(5).uniform(-1, 1, (16, 16, 16, 16)).astype(np.float32)
    network.load_official({**tensors, "lut": torch.from_numpy(table[..., None])})
    places = np.random.default_rng(6).uniform(0, 15, (50, 4)).astype(np.float32)
    expected = scipy.interpolate.RegularGridInterpolator([np.arange(16)] * 4, table)(places)
    beyond = torch.tensor([[15.9, 3.0, 15.2, 0.0]])  # constant from the last entry on
    with torch.inference_mode():
        np.testing.assert_allclose(network._look_up(torch.from_numpy(places)), expected, atol=1e-5)
        assert network._look_up(beyond).item() == pytest.approx(float(table[15, 3, 15, 0]))


def test_phases_are_merged_as_in_the_whole_fourier_plane() -> None:
    generator = torch.Generator().manual_seed(4)
    for size in ((16, 18), (17, 21)):
        amplitude, visible, infrared = torch.rand(3, 2, 3, *size, generator=generator, dtype=torch.float64)
        angles = [torch.fft.fft2(image).angle() for image in (visible, infrared)]
        spectrum = torch.fft.fft2(amplitude).abs()
        phasors = sum(torch.polar(torch.ones_like(angle), angle) for angle in angles)
        expected = torch.fft.ifft2(spectrum * phasors).abs()
        torch.testing.assert_close(merge_phases(amplitude, visible, infrared), expected)


def test_tensorflow_data_files_are_plain_floats(tmp_path: Path) -> None:
    path = tmp_path / "model.data-00000-of-00001"
    path.write_bytes(torch.arange(10, dtype=torch.float32).numpy().tobytes())
    layout = [("x/kernel", (2, 3), 4), ("x/bias", (2,), 32)]
    tensors = read_checkpoints([path], layout)
    assert tensors["x/kernel"].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert tensors["x/bias"].tolist() == [8, 9]
    with pytest.raises(InputError, match="too short"):
        read_checkpoints([path], [("x/bias", (3,), 32)])


def test_image_statistics_are_training_mode_of_a_single_image() -> None:
    layer = nn.BatchNorm2d(3)
    batch_norm = nn.Sequential(layer).train()
    nn.init.uniform_(layer.weight)
    images = torch.rand(4, 3, 9, 7)
    expected = torch.cat([batch_norm(image[None]) for image in images])
    use_image_statistics(batch_norm)
    torch.testing.assert_close(batch_norm.eval()(images), expected)


def test_soft_threshold_is_its_formula_also_below_zero() -> None:
    x = torch.randn(2, 3, 5, 5)
    thresholds = [0.4, -0.3, 0.0]
    expected = soft_threshold(x, torch.tensor(thresholds).view(1, 3, 1, 1))
    assert (expected[:, 1].abs() > x[:, 1].abs()).all()
    torch.testing.assert_close(soft_threshold_planes(x.clone(), thresholds), expected)


def test_tardal_has_no_denormal_parameters() -> None:
    network = TarDAL(image_statistics=False)
    tensors = {name: torch.full(shape, 1e-42) for name, shape in network.official_shapes().items()}
    network.load_official(tensors)
    assert all((p == 0).all() for p in network.parameters())


def test_tardal_with_denormal_weights_isnt_slow() -> None:
    """On an Intel processor such weights take many times longer if nothing is done about them (an AMD EPYC
    doesn't mind).
    """
    shapes = TarDAL(image_statistics=False).official_shapes()
    normal = fixture_weights(shapes, lambda _: 0.7)
    denormal = {name: torch.full(shape, 1e-42) for name, shape in shapes.items()}
    images = torch.rand(1, 1, 64, 64), torch.rand(1, 1, 64, 64)
    networks = [TarDAL(image_statistics=False).eval().requires_grad_(False) for _ in range(2)]
    for network, tensors in zip(networks, (normal, denormal), strict=True):
        network.load_official(tensors)
    seconds: list[list[float]] = [[], []]
    with torch.inference_mode():
        for number in (0, 1) * 4:  # in turn, so that both meet the same load
            begun = time.thread_time()
            networks[number](*images)
            seconds[number].append(time.thread_time() - begun)
    assert min(seconds[1]) < 4 * min(seconds[0])


def test_tiles_of_mufusion_cover_the_image() -> None:
    for height, width in ((128, 128), (137, 263), (480, 640)):
        covered = torch.zeros(height, width)
        for y, x in tile_places(height, width):
            assert 0 <= y <= height - TILE
            assert 0 <= x <= width - TILE
            covered[y : y + TILE, x : x + TILE] += 1
        assert covered.min() >= 1
    assert len(tile_places(480, 640)) == 24


def test_windows_of_emma_fill_the_canvas(monkeypatch: pytest.MonkeyPatch) -> None:
    network = EMMA()
    monkeypatch.setattr(network, "forward", lambda infrared, visible: infrared)
    for size in ((32, 64), (40, 64), (64, 70), (75, 93)):
        image = torch.rand(1, 1, *size)
        assert torch.equal(network.fuse(image, image), image)


def test_shifted_windows_equal_a_mask_over_all_of_them() -> None:
    height, width, heads, shift = 24, 32, 2, 4
    count = height * width // 64
    q, k, v = (torch.randn(count, heads, 64, 5) for _ in range(3))
    bias = torch.randn(1, heads, 64, 64)
    labels = torch.zeros(height, width, dtype=torch.long)
    slices = (slice(0, -8), slice(-8, -4), slice(-4, None))
    for number, (rows, columns) in enumerate((r, c) for r in slices for c in slices):
        labels[rows, columns] = number
    windows = labels.view(height // 8, 8, width // 8, 8).permute(0, 2, 1, 3).reshape(count, 64)
    mask = torch.where(windows[:, :, None] == windows[:, None], 0.0, -100.0)[:, None]
    logits = q @ k.transpose(-2, -1) * 5**-0.5 + bias + mask
    expected = logits.softmax(-1) @ v
    result = attend(q, k, v, bias, torch.Size((1, height, width, heads * 5)), shift)
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=1e-4)


def test_position_index_counts_row_and_column_differences() -> None:
    index = position_index()
    assert index[0, 0] == 7 * 15 + 7
    assert index[63, 0] == 14 * 15 + 14
    assert index[0, 1] == 7 * 15 + 6


def test_no_two_official_files_share_a_place_in_the_cache() -> None:
    """DATFuse's and YDTR's files have one name; the second to be fetched would replace the first."""
    owners: dict[str, set[str]] = {}
    for spec in catalog.methods.all().values():
        for artifact in spec.artifacts:
            checksum = artifact.sha256 or artifact.git_blob or spec.name
            owners.setdefault(artifact.filename, set()).add(checksum)
    assert {name for name, checksums in owners.items() if len(checksums) > 1} == set()


def test_a_file_is_found_under_its_official_name_in_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a clone of the authors' repository, where its name isn't the one in the cache."""
    content = b"weights"
    (artifact,) = catalog.methods.get("datfuse").artifacts
    sha256 = hashlib.sha256(content).hexdigest()
    official, *_ = artifact.alternatives
    fitting = artifact.model_copy(
        update={"alternatives": (official.model_copy(update={"sha256": sha256, "git_blob": None}),)}
    )
    (tmp_path / "DATFuse").mkdir()
    path = tmp_path / "DATFuse" / "model_10.pth"
    path.write_bytes(content)
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path))
    assert locate(fitting) == path
