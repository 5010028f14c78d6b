"""The Python API: the words of the command line as functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import fusionbench
from fusionbench.errors import ImageError, InputError, StoreError, UnknownNameError
from fusionbench.images.codec import read_image, read_rgb

METRICS = ["EN", "SD", "MI"]


@pytest.fixture
def images(pairs: Path) -> tuple[np.ndarray, np.ndarray]:
    return read_image(pairs / "ir/a.png"), read_rgb(pairs / "vi/a.png")


def test_fuse_gives_one_image_whatever_it_is_given(
    pairs: Path, images: tuple[np.ndarray, np.ndarray]
) -> None:
    infrared, visible = images
    expected = fusionbench.fuse(pairs / "ir/a.png", str(pairs / "vi/a.png"), "laplacian", device="cpu")
    assert expected.shape == visible.shape
    assert expected.dtype == np.uint8
    forms = [
        (infrared, visible),
        (infrared / 255, (visible / 255).astype(np.float32)),
        (infrared[:, :, None], visible),
        (torch.from_numpy(infrared)[None], torch.from_numpy(visible).permute(2, 0, 1)),
        (
            torch.from_numpy(infrared)[None, None] / 255,
            torch.from_numpy(visible).permute(2, 0, 1)[None] / 255,
        ),
    ]
    for form in forms:
        assert np.array_equal(fusionbench.fuse(*form, "laplacian", device="cpu"), expected)


def test_max_of_a_pair_has_the_larger_luma(images: tuple[np.ndarray, np.ndarray]) -> None:
    infrared, visible = images
    grey = np.repeat(visible[..., :1], 3, axis=2)
    fused = fusionbench.fuse(infrared, grey, "max", device="cpu")
    assert np.array_equal(fused[..., 0], np.maximum(infrared, grey[..., 0]))


def test_score_gives_one_value_whatever_it_is_given(
    pairs: Path, images: tuple[np.ndarray, np.ndarray]
) -> None:
    infrared, visible = images
    expected = fusionbench.score(pairs / "ir/a.png", pairs / "vi/a.png", pairs / "vi/a.png", metrics=METRICS)
    assert list(expected) == METRICS
    assert fusionbench.score(infrared, visible, visible, metrics=METRICS) == expected
    tensor = torch.from_numpy(visible).permute(2, 0, 1) / 255
    assert fusionbench.score(infrared / 255, tensor, tensor, metrics=METRICS) == expected


def test_score_of_a_batch_is_the_score_of_each(images: tuple[np.ndarray, np.ndarray]) -> None:
    infrared, visible = images
    grey = np.stack([infrared, infrared[::-1]])
    colour = np.stack([visible, visible[::-1]])
    batch = fusionbench.score(grey[..., None], colour, colour, metrics=METRICS)
    assert list(batch) == METRICS
    for name, values in batch.items():
        assert (values.shape, values.dtype) == ((2,), np.float64)
        single = [fusionbench.score(g, c, c, metrics=[name])[name] for g, c in zip(grey, colour, strict=True)]
        assert values.tolist() == single
    tensors = torch.from_numpy(colour).permute(0, 3, 1, 2)
    of_tensors = fusionbench.score(torch.from_numpy(grey)[:, None], tensors, tensors, metrics=METRICS)
    assert all(np.array_equal(of_tensors[name], batch[name]) for name in METRICS)
    one = fusionbench.score(grey[:1, ..., None], colour[:1], colour[:1], metrics=["EN"])["EN"]
    assert one.tolist() == batch["EN"][:1].tolist()
    lists = fusionbench.score(
        [infrared, infrared[:50]], [visible, visible[:50]], [visible, visible[:50]], metrics=["EN"]
    )
    assert lists["EN"][0] == batch["EN"][0]


def test_batches_that_do_not_fit_together(images: tuple[np.ndarray, np.ndarray]) -> None:
    infrared, visible = images
    with pytest.raises(ImageError, match="infrared one image, visible a batch of 2, fused a batch of 2"):
        fusionbench.score(infrared, [visible, visible], [visible, visible])
    with pytest.raises(ImageError, match="fused of image 1: is 96×79"):
        fusionbench.score([infrared] * 2, [visible] * 2, [visible, visible[:-1]])
    small = visible[:40, :40]
    with pytest.warns(UserWarning, match="VIF is NaN in image 1: VIF and VIFF need at least"):
        fusionbench.score([infrared, infrared[:40, :40]], [visible, small], [visible, small], metrics=["VIF"])


def test_a_metric_outside_the_convention_is_not_silently_missing(
    images: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path))
    monkeypatch.delenv("FUSIONBENCH_WEIGHTS", raising=False)
    infrared, visible = images
    with pytest.warns(UserWarning, match="NaN: Qcb: convention cddfuse does not define it; it is in: vifb"):
        values = fusionbench.score(infrared, visible, visible, metrics=["Qcb", "EN"])
    assert list(values) == ["Qcb", "EN"]
    assert np.isnan(values["Qcb"])
    with pytest.raises(InputError, match="Qcb: convention cddfuse does not define it"):
        fusionbench.score(infrared, visible, visible, metrics=["Qcb"])
    with pytest.warns(
        UserWarning, match="NIQE is NaN"
    ):  # a convention without the default metrics gives all its own
        of_its_own = fusionbench.score(infrared, visible, visible, convention="utlive")
    assert list(of_its_own) == ["NIQE", "BRISQUE"]


def test_score_is_the_entropy(images: tuple[np.ndarray, np.ndarray]) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert fusionbench.score(levels, levels, levels, metrics=["EN"])["EN"] == pytest.approx(8)


def test_a_metric_that_cannot_be_computed_is_nan_and_warns(images: tuple[np.ndarray, np.ndarray]) -> None:
    infrared, visible = (i[:40, :40] for i in images)
    with pytest.warns(UserWarning, match="VIF is NaN: .*41"):
        assert np.isnan(fusionbench.score(infrared, visible, visible, metrics=["VIF"])["VIF"])


def test_unusable_images_are_named(images: tuple[np.ndarray, np.ndarray]) -> None:
    infrared, visible = images
    cases = [
        ((infrared, visible, visible[:-1]), "fused: is 96×79, its sources are 96×80"),
        ((infrared[:-1], visible, visible), "differ in size"),
        ((infrared.astype(float), visible, visible), r"infrared: floats must lie in \[0,1\].*divide by 255"),
        ((infrared, visible, visible.astype(np.int64)), "fused: expected uint8, or floats"),
        ((infrared, visible, np.full(visible.shape, np.nan)), "fused: has NaN"),
        ((infrared, visible[:, :, :2], visible), "visible: expected an array H×W"),
        ((infrared, visible, None), "fused: expected a path, array or tensor, got NoneType"),
        ((infrared, visible, "absent.png"), "absent.png: no such file"),
        ((infrared[:0], visible[:0], visible[:0]), "infrared: expected an array H×W"),
    ]
    for arguments, message in cases:
        with pytest.raises(ImageError, match=message):
            fusionbench.score(*arguments, metrics=METRICS)


def test_unknown_names(images: tuple[np.ndarray, np.ndarray]) -> None:
    infrared, visible = images
    with pytest.raises(UnknownNameError, match="'laplacian'"):
        fusionbench.fuse(infrared, visible, "laplacain")
    with pytest.raises(InputError, match="'VIF'"):
        fusionbench.score(infrared, visible, visible, metrics=["VIFF2"])
    with pytest.raises(InputError, match="'cddfuse'"):
        fusionbench.score(infrared, visible, visible, convention="cddfus")
    with pytest.raises(InputError, match="one convention at a time"):
        fusionbench.score(infrared, visible, visible, convention="all")
    with pytest.raises(InputError, match="methods: Extra inputs"):
        fusionbench.run(method="max", methods="min")


def test_run_report_compare(pairs: Path, tmp_path: Path) -> None:
    result = fusionbench.run(
        method="max,average,laplacian",
        dataset="folder",
        data_root=pairs,
        task="quality",
        metrics="EN,SD",
        report="table",
        out=tmp_path / "runs",
        device="cpu",
    )
    assert result.fused == 12
    assert result.failures == {}
    assert list((result.folder / "report").glob("*.csv"))
    files = fusionbench.report(result.folder, ["table"], out=tmp_path / "again")
    assert files
    assert all(f.is_file() and f.is_relative_to(tmp_path / "again") for f in files)
    frame = fusionbench.compare(result.folder, baseline="max")
    assert set(frame["metric"]) == {"EN", "SD"}
    with pytest.raises((InputError, StoreError), match="there is no run"):
        fusionbench.report(tmp_path / "nowhere")


def test_a_metric_that_the_convention_lacks_is_said_and_asks_for_no_second_scoring(
    pairs: Path, tmp_path: Path
) -> None:
    def run() -> Any:
        return fusionbench.run(
            method="max",
            dataset="folder",
            data_root=pairs,
            task="quality",
            metrics="EN,Qcb",
            report=[],
            out=tmp_path,
            device="cpu",
        )

    first, second = run(), run()
    assert (first.scored, second.scored) == (4, 0)
    assert first.plan.skipped == [
        "Qcb: convention cddfuse does not define it; it is in: vifb, vifb-corrected, mefb, corrected"
    ]
    with pytest.raises(InputError, match="Qcb: convention cddfuse does not define it"):
        fusionbench.run(
            method="max", dataset="folder", data_root=pairs, task="quality", metrics="Qcb", out=tmp_path
        )


def test_a_run_scores_what_score_scores(pairs: Path, tmp_path: Path) -> None:
    from fusionbench.store.run_store import RunStore

    result = fusionbench.run(
        method="average",
        dataset="folder",
        data_root=pairs,
        task="quality",
        metrics=METRICS,
        report=[],
        out=tmp_path,
        device="cpu",
    )
    rows = RunStore.read_only(result.folder).rows()
    for name in "abcd":
        direct = fusionbench.score(
            pairs / f"ir/{name}.png",
            pairs / f"vi/{name}.png",
            result.folder / f"fused/average/folder/all/{name}.png",
            metrics=METRICS,
        )
        of_run = rows[rows["image"] == name]
        assert dict(zip(of_run["metric"], of_run["value"], strict=True)) == direct
