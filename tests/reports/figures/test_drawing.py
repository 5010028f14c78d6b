"""Figures: files, and their contents where numbers can check them; the pictures were looked at by eye."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from fusionbench.contracts.report import ReportInput
from fusionbench.plugins.catalog import build as resolve
from fusionbench.reports.figures import boxplots, qualitative
from fusionbench.reports.figures.drawing import label_points, method_colours, new_figure, pages
from fusionbench.reports.figures.insets import COLOURS, choose_regions, with_insets
from fusionbench.reports.figures.scatter import marker_areas
from fusionbench.reports.figures.scenes import chosen_scenes, disagreement, hour_of, mixed
from fusionbench.reports.spec import SPECS
from tests.support.report_rows import frame, quality_rows, report_input, row, synthetic_pair


def render(name: str, data: ReportInput, folder: Path) -> list[str]:
    spec = next(s for s in SPECS if s.name == name)
    files = resolve(spec.factory)(spec).render(data, folder)
    assert all(f.is_file() and f.stat().st_size > 0 for f in files)
    assert not list(folder.rglob("*.part"))
    return sorted(f.name for f in files)


@pytest.mark.parametrize("name", [s.name for s in SPECS])
def test_no_rows_no_files(name: str, tmp_path: Path) -> None:
    assert render(name, report_input(frame([])), tmp_path / "out") == []
    assert not (tmp_path / "out").exists()


def fused_folder(folder: Path, methods: dict[str, int], images: int = 6) -> Path:
    """Fused images that differ from each other in the lower left only."""
    pair = synthetic_pair("demo", "test", "")
    for method, level in methods.items():
        for i in range(images):
            path = folder / method / "demo" / "test" / f"{i:03d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            image = pair.visible.copy()
            image[60:80, 10:40] = level
            cv2.imwrite(str(path), image[..., ::-1])
    return folder


def test_qualitative_grid(tmp_path: Path) -> None:
    fused = fused_folder(tmp_path / "fused", {"max": 20, "average": 220})
    data = report_input(quality_rows(["visible", "max", "average"], images=6), fused=fused)
    assert render("qualitative", data, tmp_path / "out") == [
        "qualitative-demo-test.pdf",
        "qualitative-demo-test.png",
    ]
    (fused / "max" / "demo" / "test" / "000.png").write_bytes(b"torn")
    data = report_input(data.rows, fused=fused, scenes="000,003")
    render("qualitative", data, tmp_path / "out")  # the damaged scene is left out, the other is shown
    assert render("qualitative", report_input(data.rows, fused=fused, scenes="000"), tmp_path / "none") == []


def test_regions_are_where_methods_differ_and_where_infrared_is_bright() -> None:
    pair = synthetic_pair("demo", "test", "")
    first = pair.infrared.copy()
    second = first.copy()
    second[60:80, 10:40] = 200
    differ, bright = choose_regions(pair.infrared, [first, second])
    x, y, w, h = differ
    assert min(x + w, 40) - max(x, 10) > 0.5 * w  # mostly on the patch that differs
    assert min(y + h, 80) - max(y, 60) > 0.5 * h
    x, y, w, h = bright
    assert pair.infrared[y : y + h, x : x + w].max() == 250


@pytest.mark.parametrize("shape", [(1, 1), (5, 40), (40, 40)])
def test_regions_of_small_and_constant_images(shape: tuple[int, int]) -> None:
    flat = np.full(shape, 7, np.uint8)
    for x, y, w, h in choose_regions(flat, [flat, flat]):
        assert 0 <= x <= x + w <= shape[1]
        assert 0 <= y <= y + h <= shape[0]
    picture = with_insets(np.repeat(flat[..., None], 3, 2), choose_regions(flat, [flat, flat]), 60)
    assert picture.shape[1:] == (60, 3)


def test_a_brighter_sky_is_no_difference_in_detail() -> None:
    plain = np.full((96, 128), 60, np.uint8)
    other = plain.copy()
    other[:40] = 200  # a brighter sky
    for x in range(80, 120, 4):
        other[60:90, x : x + 2] = 90  # and some texture
    (_, y, _, h), _ = choose_regions(plain, [plain, other])
    assert y + h > 36  # the horizon or the texture, not the flat sky above


def test_regions_do_not_overlap() -> None:
    random = np.random.default_rng(0)
    images = [random.integers(0, 255, (96, 128), np.uint8) for _ in range(3)]
    (ax, ay, aw, ah), (bx, by, bw, bh) = choose_regions(images[0], images)
    assert ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay


def test_insets_stand_below_in_the_colours_of_their_regions() -> None:
    image = np.zeros((96, 128, 3), np.uint8)
    picture = with_insets(image, [(0, 0, 26, 20), (64, 40, 26, 20)], 256)
    assert picture.shape[0] > 192
    below = picture[194:]
    assert tuple(below[1, 1]) == COLOURS[0]
    assert tuple(below[1, -2]) == COLOURS[1]


def test_scenes_are_those_on_which_the_methods_differ_most() -> None:
    values = {"a": {"0": 1.0, "1": 1.0, "2": 1.0}, "b": {"0": 1.1, "1": 3.0, "2": 1.5}}
    rows = frame(row(m, "EN", v, image=i) for m, own in values.items() for i, v in own.items())
    assert disagreement(rows, report_input(rows)) == ["1", "2", "0"]
    one = rows[rows["method"] == "a"]
    assert disagreement(one, report_input(one)) == []


def test_day_and_night_are_mixed_and_the_most_wanted_of_each_come_first() -> None:
    ranked = ["00005D", "00004D", "00001D", "00009N", "00002N", "00003N"]
    assert mixed(ranked, hour_of, 4) == ["00004D", "00005D", "00002N", "00009N"]
    assert mixed(ranked[:3], hour_of, 2) == ["00004D", "00005D"]
    assert mixed(ranked[:4], hour_of, 4) == ["00001D", "00004D", "00005D", "00009N"]
    assert mixed(ranked, hour_of, 3) == ["00004D", "00005D", "00009N"]


def test_brightness_tells_night_where_names_do_not() -> None:
    many = [f"{i:04d}" for i in range(300)]  # sorted by hour: the last third by night
    looked: list[str] = []

    def light(name: str) -> str:
        looked.append(name)
        return "dark" if int(name) >= 200 else "bright"

    assert [light(n) for n in mixed(many, light, 4)] == ["bright", "bright", "dark", "dark"]
    assert len(set(looked)) <= 40
    rows = quality_rows(["max", "average"], images=6)
    names = chosen_scenes(report_input(rows), "demo", "test", rows, {f"{i:03d}" for i in range(6)}, 2)
    assert len(names) == 2
    assert hour_of("00123N") == "night"
    assert hour_of("frame") == ""


def test_boxplots_have_a_page_for_each_nine_metrics(tmp_path: Path) -> None:
    rows = quality_rows(metrics=[f"M{i}" for i in range(11)])
    rows.loc[0, "value"] = np.nan
    assert render("boxplots", report_input(rows), tmp_path) == [
        f"boxplots-demo-test-quality-cddfuse-{page}.{ending}" for page in (1, 2) for ending in ("pdf", "png")
    ]


def test_many_methods_go_on_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxplots, "METHODS", 2)
    rows = quality_rows(["visible", "max", "average"], metrics=["EN"])
    assert render("boxplots", report_input(rows), tmp_path) == [
        f"boxplots-demo-test-quality-cddfuse-{page}.{ending}" for page in (1, 2) for ending in ("pdf", "png")
    ]
    monkeypatch.setattr(qualitative, "METHODS", 1)
    fused = fused_folder(tmp_path / "fused", {"max": 20, "average": 220})
    data = report_input(quality_rows(["visible", "max", "average"], images=6), fused=fused)
    assert render("qualitative", data, tmp_path / "out") == [
        f"qualitative-demo-test-{page}.{ending}" for page in (1, 2) for ending in ("pdf", "png")
    ]


def test_figures_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    data = report_input(quality_rows(images=4, metrics=["EN"]))
    for folder in ("a", "b"):
        render("boxplots", data, tmp_path / folder)
    for name in ("png", "pdf"):
        first, second = (next((tmp_path / f).glob(f"*.{name}")).read_bytes() for f in ("a", "b"))
        assert first == second


def test_scatter_needs_costs_of_two_methods_and_takes_zero_flops(tmp_path: Path) -> None:
    quality = quality_rows(["max", "net", "visible"])
    assert render("scatter", report_input(quality), tmp_path) == []
    costs = [("max", 0.0, 0.0), ("net", 40.0, 7.0), ("visible", 0.0, 0.0)]
    cost_rows = [
        row(m, name, value, image="", evaluator="efficiency", convention="cpu-1t 640x480 fp32 b1")
        for m, flops, params in costs
        for name, value in (("FLOPs", flops), ("Params", params))
    ]
    rows = pd.concat([quality, frame(cost_rows)], ignore_index=True)
    assert render("scatter", report_input(rows), tmp_path) == [
        "scatter-demo-test-quality-cddfuse-VIF.pdf",
        "scatter-demo-test-quality-cddfuse-VIF.png",
    ]
    assert "scatter-demo-test-quality-cddfuse-SD.png" in render(
        "scatter", report_input(rows, scatter="SD"), tmp_path
    )
    assert marker_areas([0.0, 1.0, 4.0])[2] == 4 * marker_areas([0.0, 1.0, 4.0])[1]


def test_labels_do_not_cover_each_other() -> None:
    figure = new_figure(5, 4)
    axes = figure.subplots()
    random = np.random.default_rng(0)
    points = [(float(x), float(y)) for x, y in random.normal(scale=0.1, size=(14, 2))]
    axes.set(xlim=(-1, 1), ylim=(-1, 1))
    xs, ys = zip(*points, strict=True)
    axes.scatter(xs, ys, s=30)
    label_points(axes, points, [f"method {i}" for i in range(14)], [3.0] * 14)
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in axes.texts]  # without the annotation's line
    pairs = [(i, j) for i in range(14) for j in range(i) if boxes[i].overlaps(boxes[j])]
    assert pairs == []


def test_a_label_is_nearest_to_its_own_point_or_has_a_line_to_it() -> None:
    figure = new_figure(3.75, 2.6)
    axes = figure.subplots()
    points = [(0.528, 0.726), (0.671, 0.372), (0.656, 0.678), (0.646, 0.674), (0.664, 0.699), (0.663, 0.649)]
    axes.set(xlim=(0.5, 0.7), ylim=(0.3, 0.8))
    xs, ys = zip(*points, strict=True)
    axes.scatter(xs, ys, s=25)
    label_points(
        axes, points, ["Infrared", "Visible", "Average", "Maximum", "Laplacian", "SGDFuse"], [3.0] * 6
    )
    figure.draw_without_rendering()
    pixels = axes.transData.transform(points)
    for number, text in enumerate(axes.texts):
        box = Text.get_window_extent(text)
        gaps = [np.hypot(max(box.x0 - x, 0, x - box.x1), max(box.y0 - y, 0, y - box.y1)) for x, y in pixels]
        assert int(np.argmin(gaps)) == number or text.arrow_patch is not None


def test_pages_and_colours() -> None:
    assert [(suffix, list(part)) for suffix, part in pages([1, 2, 3], 2)] == [("-1", [1, 2]), ("-2", [3])]
    assert [(suffix, list(part)) for suffix, part in pages([1, 2], 2)] == [("", [1, 2])]
    assert len(set(method_colours([str(i) for i in range(20)]).values())) == 20
