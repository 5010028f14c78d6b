"""The procedural scenes: deterministic, labelled to the pixel, and showing what each sensor should see."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusionbench.datasets.demo.dataset import render_pair
from fusionbench.errors import InputError
from fusionbench.plugins import catalog
from tests.support.scene_digest import fingerprint

PERSON_ID, BIKE_ID, CAR_ID = 2, 3, 1


def open_demo(**options: Any) -> Any:
    spec = catalog.datasets.get("demo")
    spec = spec.model_copy(update={"options": {**spec.options, **options}})
    return catalog.build(spec.factory)(spec, None)


@pytest.fixture(scope="module")
def demo() -> Any:
    return open_demo()


@pytest.fixture(scope="module")
def scenes(demo: Any) -> Any:
    return {p.name: demo.load(p, labels=True) for p in demo.pairs("test")[:24]}


def test_shapes_types_and_names(scenes: Any) -> None:
    assert len(scenes) == 24
    for name, images in scenes.items():
        assert images.infrared.shape == (256, 320)
        assert images.visible.shape == (256, 320, 3)
        assert images.labels.shape == (256, 320)
        assert {a.dtype for a in (images.infrared, images.visible, images.labels)} == {np.dtype(np.uint8)}
        assert len(name) == 6
        assert name[:5].isdigit()
        assert name[5] in "DN"


def test_all_nine_classes_and_three_box_classes_occur(scenes: Any) -> None:
    ids = set().union(*(np.unique(s.labels).tolist() for s in scenes.values()))
    assert ids == set(range(9))
    assert set(np.concatenate([s.boxes.classes for s in scenes.values()])) == {0, 1, 2}


def test_boxes_enclose_pixels_of_their_class_and_stay_inside(scenes: Any) -> None:
    label_of_box = (PERSON_ID, BIKE_ID, CAR_ID)
    for images in scenes.values():
        for (x0, y0, x1, y1), class_id in zip(
            images.boxes.xyxy.astype(int), images.boxes.classes, strict=True
        ):
            assert 0 <= x0 < x1 <= 320
            assert 0 <= y0 < y1 <= 256
            assert min(x1 - x0, y1 - y0) >= 4
            inside = images.labels[y0:y1, x0:x1] == label_of_box[class_id]
            # A tight box has pixels of its class on each of its four edges.
            assert all(edge.any() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))


def test_every_visible_person_pixel_lies_in_a_person_box_or_is_tiny(scenes: Any) -> None:
    for images in scenes.values():
        left = images.labels == PERSON_ID
        for (x0, y0, x1, y1), class_id in zip(
            images.boxes.xyxy.astype(int), images.boxes.classes, strict=True
        ):
            if class_id == 0:
                left[y0:y1, x0:x1] = False
        assert left.sum() < 80


def test_at_night_people_show_in_infrared_and_hardly_in_visible(scenes: Any) -> None:
    infrared, visible = [], []
    for name, images in scenes.items():
        people = images.labels == PERSON_ID
        if name.endswith("N") and people.sum() > 100:
            rows, columns = np.nonzero(people)
            around = np.zeros_like(people)
            around[max(0, rows.min() - 6) : rows.max() + 6, max(0, columns.min() - 6) : columns.max() + 6] = (
                True
            )
            around &= images.labels == 0
            grey = images.visible.mean(axis=2)
            infrared.append(images.infrared[people].mean() - images.infrared[around].mean())
            visible.append(abs(grey[people].mean() - grey[around].mean()))
    assert len(infrared) >= 6
    assert np.median(infrared) > 50
    assert np.median(visible) < 25
    assert np.mean(np.array(infrared) > np.array(visible)) > 0.8


def test_day_is_brighter_than_night_and_roughly_neutral(scenes: Any) -> None:
    day = np.mean([s.visible.mean() for n, s in scenes.items() if n.endswith("D")])
    night = np.mean([s.visible.mean() for n, s in scenes.items() if n.endswith("N")])
    assert day > 1.8 * night
    for images in scenes.values():
        means = images.visible.reshape(-1, 3).mean(axis=0)
        assert means.max() / means.min() < 1.6


def test_same_pixels_in_another_process() -> None:
    code = (
        "from tests.support.scene_digest import fingerprint; "
        "from fusionbench.datasets.demo.dataset import render_pair; "
        "print(fingerprint(render_pair('train', 7)))"
    )
    env = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    command = [sys.executable, "-c", code]
    other = subprocess.run(command, capture_output=True, text=True, env=env, check=True, timeout=120)
    assert other.stdout.strip() == fingerprint(render_pair("train", 7))


def test_scenes_and_splits_differ(demo: Any) -> None:
    prints = {fingerprint(render_pair(split, i)) for split in ("test", "train") for i in range(3)}
    assert len(prints) == 6
    names = [p.name for split in ("test", "train") for p in demo.pairs(split)]
    assert len(set(names)) == len(names) == 60 + 96
    assert sum(name.endswith("N") for name in names[:60]) == 30


def test_digest_tells_name_and_size_but_not_count() -> None:
    small, large, longer = open_demo(size="160x128"), open_demo(size="320x256"), open_demo(count=30)
    pair = small.pairs("test")[0]
    assert small.digest(pair) != large.digest(pair)
    assert large.digest(pair) == longer.digest(pair)
    assert large.digest(pair) != large.digest(large.pairs("test")[1])


def test_size_and_count_options() -> None:
    demo = open_demo(size="161x123", count=5, train_count=2)
    assert demo.spec.size == (123, 161)
    assert [len(demo.pairs(s)) for s in ("test", "train")] == [5, 2]
    images = demo.load(demo.pairs("train")[1], labels=True)
    assert images.visible.shape == (123, 161, 3)
    assert images.labels.shape == images.infrared.shape == (123, 161)


@pytest.mark.parametrize("options", [{"size": "big"}, {"size": "8x8"}, {"count": -1}, {"count": "many"}])
def test_bad_options_are_refused(options: Any) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        open_demo(**options)


def test_unknown_split_and_unknown_pair(demo: Any) -> None:
    with pytest.raises(InputError, match="no split"):
        demo.pairs("val")
    from fusionbench.contracts.dataset import Pair

    for name in ("00001N", "xyz", "T1D", ""):  # 00001 is a day scene
        with pytest.raises(InputError, match="not the name"):
            demo.load(Pair(name))


def test_verify_finds_nothing_and_rendered_pairs_are_kept(demo: Any) -> None:
    assert demo.verify() == []
    pair = demo.pairs("test")[0]
    assert demo.load(pair).visible is demo.load(pair, labels=True).visible
    assert demo.load(pair).labels is None
