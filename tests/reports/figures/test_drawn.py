"""What figures draw is what the rows say: every box, point, curve, cell, label and count."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fusionbench.contracts.report import ReportInput
from fusionbench.plugins.catalog import build as resolve
from fusionbench.reports.figures.class_ap import class_points
from fusionbench.reports.figures.confusion import confusion_matrices, shares
from fusionbench.reports.figures.overlays import draw_boxes, outline
from fusionbench.reports.figures.pr_curves import mean_curves
from fusionbench.reports.figures.scatter import marker_areas
from fusionbench.reports.scores.details import details_of
from fusionbench.reports.scores.summary import summary
from fusionbench.reports.spec import SPECS
from fusionbench.statistics.ranks import friedman
from tests.support.report_rows import frame, quality_rows, records, report_input, row, synthetic_pair
from tests.support.task_rows import BOX_CLASSES, METHODS, detection, segmentation, task_input

Draw = Callable[[str, ReportInput], list[Figure]]


@pytest.fixture
def draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Draw:
    """``draw(report, data)``: the figures that a report saves, in their order."""

    def call(name: str, data: ReportInput) -> list[Figure]:
        saved: list[Figure] = []
        write = Figure.savefig

        def keep(figure: Figure, *arguments: Any, **options: Any) -> None:
            write(figure, *arguments, **options)
            if figure not in saved:
                saved.append(figure)

        with monkeypatch.context() as patch:
            patch.setattr(Figure, "savefig", keep)
            spec = next(s for s in SPECS if s.name == name)
            resolve(spec.factory)(spec).render(data, tmp_path / "out")
        return saved

    return call


def panels(figure: Figure) -> list[Axes]:
    """The axes that can be seen and have a title: not the colour bars."""
    return [axes for axes in figure.axes if axes.get_visible() and axes.get_title()]


def texts_of(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def cells_of(image: Any) -> Any:
    return np.ma.filled(image.get_array(), np.nan)


def names_on(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def test_boxes_are_quartiles_whiskers_medians_and_means(draw: Draw) -> None:
    rows = quality_rows(["average", "max", "laplacian"], metrics=["EN", "VIF"])
    (figure,) = draw("boxplots", report_input(rows))
    assert "DEMO (test, n = 12), quality, convention cddfuse" in figure.get_suptitle()
    drawn = panels(figure)
    assert [axes.get_title() for axes in drawn] == ["EN ↑", "VIF ↑"]
    assert names_on(drawn[0]) == ["average", "max", "laplacian"]
    for axes, metric in zip(drawn, ("EN", "VIF"), strict=True):
        assert len(axes.patches) == 3
        assert axes.yaxis_inverted()  # the first method on top
        means = [line for line in axes.lines if line.get_marker() == "D"]
        for place, method in enumerate(("average", "max", "laplacian")):
            own = rows[(rows["method"] == method) & (rows["metric"] == metric)]["value"].to_numpy()
            corners = axes.patches[place].get_path().vertices
            assert np.asarray(corners)[:, 0].min() == pytest.approx(np.quantile(own, 0.25))
            assert np.asarray(corners)[:, 0].max() == pytest.approx(np.quantile(own, 0.75))
            assert np.asarray(means[place].get_xydata()).ravel() == pytest.approx([own.mean(), place + 1])
            medians = [np.asarray(line.get_xdata()) for line in axes.lines if line.get_color() == "black"]
            assert any(x == pytest.approx([np.median(own)] * 2) for x in medians if len(x) == 2)


def test_a_method_with_fewer_images_says_so_on_its_box(draw: Draw) -> None:
    rows = quality_rows(["average", "max"], metrics=["EN"])
    (figure,) = draw("boxplots", report_input(rows[~((rows["method"] == "max") & (rows["image"] > "008"))]))
    assert names_on(panels(figure)[0]) == ["average", "max (n = 9)"]


def test_points_of_the_scatter_are_costs_and_means(draw: Draw) -> None:
    quality = quality_rows(["max", "net", "big"], metrics=["VIF"])
    costs = {"max": (0.0, 0.0), "net": (40.0, 7.0), "big": (90.0, 28.0)}
    lines = [
        row(m, name, value, image="", evaluator="efficiency", convention="cpu-1t 640x480 fp32 b1")
        for m, both in costs.items()
        for name, value in zip(("FLOPs", "Params"), both, strict=True)
    ]
    (figure,) = draw("scatter", report_input(pd.concat([quality, frame(lines)], ignore_index=True)))
    (axes,) = panels(figure)
    means = quality.groupby("method")["value"].mean()
    points = [p for p in axes.collections if len(np.asarray(p.get_offsets()))]
    for point, method, area in zip(points, costs, marker_areas([0.0, 7.0, 28.0]), strict=True):
        assert np.asarray(point.get_offsets())[0] == pytest.approx([costs[method][0], means[method]])
        assert np.asarray(point.get_sizes())[0] == pytest.approx(area)
    assert sorted(texts_of(axes)) == ["big", "max", "net"]
    assert axes.get_ylabel() == "VIF ↑"
    assert "640x480" in axes.get_xlabel()
    assert axes.get_title() == "DEMO (test), quality, cddfuse"
    (legend,) = figure.legends
    assert next(t.get_text() for t in legend.get_texts()) == "no parameters"


def test_ranks_of_the_diagram_are_friedmans(draw: Draw) -> None:
    rows = quality_rows(["average", "max", "laplacian"], metrics=["VIF"])
    (figure,) = draw("ranking", report_input(rows))
    (axes,) = panels(figure)
    wide = rows.pivot(index="image", columns="method", values="value")
    wanted = friedman(wide, larger_is_better=True)
    said = " ".join(texts_of(axes))
    for method, rank in wanted.ranks.items():
        assert method in said
        assert f"({rank:.2f})" in said
    assert f"critical difference {wanted.critical_difference:.2f}" in said
    assert axes.get_title().startswith("VIF ↑: Friedman p ")
    assert axes.get_title().endswith("n = 12 images")


def test_curves_are_the_details_curves(draw: Draw, tmp_path: Path) -> None:
    data = task_input(tmp_path, detection(tmp_path, METHODS[:4]))
    (figure,) = draw("pr-curves", data)
    curves = mean_curves(details_of(data))
    drawn = panels(figure)
    assert {axes.get_title().partition(",")[0] for axes in drawn} == set(BOX_CLASSES)
    for axes in drawn:
        class_name, _, overlap = axes.get_title().partition(", IoU ≥ ")
        own = curves[(curves["class_name"] == class_name) & (curves["iou"] == float(overlap))]
        lines = [line for line in axes.lines if len(np.asarray(line.get_xdata()))]
        assert len(lines) == 4
        for line, entrant in zip(lines, METHODS[:4], strict=True):
            one = own[own["entrant"] == entrant]
            assert np.array_equal(np.asarray(line.get_xdata()), one["recall"])
            assert np.array_equal(np.asarray(line.get_ydata()), one["precision"])
            assert line.get_linestyle() == ("--" if entrant in ("infrared", "visible") else "-")


def test_dots_are_class_values_with_their_intervals(draw: Draw, tmp_path: Path) -> None:
    data = task_input(tmp_path, detection(tmp_path, METHODS[2:5]))
    (figure,) = draw("class-ap", data)
    rows = data.rows[(data.rows["metric"] == "mAP") & (data.rows["image"] == "")]
    points = class_points(data, summary(rows), details_of(data))
    titles = list(dict.fromkeys(points["title"]))
    named = [axes for axes in panels(figure) if axes.get_title() != "class against class"]
    assert {axes.get_title() for axes in named} == {*BOX_CLASSES, "all classes"}
    assert names_on(named[0]) == titles
    for axes in named:
        own = points[points["class_name"] == axes.get_title()].set_index("title")
        dots = [np.asarray(line.get_xydata())[0] for line in axes.lines if line.get_marker() in ("o", "s")]
        assert [(x, titles[int(y)]) for x, y in dots] == [
            (pytest.approx(value), title) for title, value in own["value"].items()
        ]
        bars = [np.asarray(line.get_xdata()).tolist() for line in axes.lines if line.get_marker() == "None"]
        assert bars == [pytest.approx([low, high]) for low, high in zip(own["low"], own["high"], strict=True)]
        assert texts_of(axes) == [f"{value:.3f}".replace("0.", ".", 1) for value in own["value"]] or texts_of(
            axes
        ) == [f"{value:.3f}" for value in own["value"]]


def test_cells_of_the_confusion_are_shares(draw: Draw, tmp_path: Path) -> None:
    data = task_input(tmp_path, segmentation(tmp_path, ["average", "max"], seeds=(0,)))
    (figure,) = draw("confusion", data)
    matrices = confusion_matrices(details_of(data))
    drawn = panels(figure)
    assert [axes.get_title() for axes in drawn] == ["average", "max"]
    for axes in drawn:
        share = shares(matrices[axes.get_title()])
        (image,) = axes.images
        np.testing.assert_allclose(cells_of(image), share.to_numpy())
        assert [t.get_text() for t in axes.get_xticklabels()] == [c.replace("_", " ") for c in share.columns]
        for text in axes.texts:
            column, line = map(int, text.get_position())
            assert float(text.get_text()) == pytest.approx(share.iloc[line, column], abs=0.0051)
        assert len(axes.texts) == int((share >= 0.005).to_numpy().sum())


def test_cells_of_the_correlation_are_its_numbers(draw: Draw, tmp_path: Path) -> None:
    rows = quality_rows(metrics=["EN", "SD", "VIF"])
    (figure,) = draw("correlation", report_input(rows))
    written = pd.read_csv(next((tmp_path / "out").glob("correlation-demo-*.csv")))
    drawn = panels(figure)
    assert len(drawn) == written["kind"].nunique() > 0
    for axes in drawn:
        own = written[written["kind"] == axes.get_title().replace("\n", " ")]
        names = names_on(axes)
        values = cells_of(axes.images[0])
        for line in own.itertuples():
            place = names.index(str(line.metric_a)), names.index(str(line.metric_b))
            assert values[place] == pytest.approx(line.correlation)
            assert values[place[::-1]] == pytest.approx(line.correlation)
        assert np.diag(values) == pytest.approx(1)


def test_points_of_the_prediction_are_pairs_of_scores(draw: Draw, tmp_path: Path) -> None:
    quality = quality_rows(METHODS, metrics=["EN"])
    data = task_input(tmp_path, detection(tmp_path), (records(quality), []))
    figures = draw("prediction", data)
    rows = data.rows
    mean = rows[rows["metric"] == "EN"].groupby("method")["value"].mean().to_dict()
    score = rows[(rows["metric"] == "mAP") & (rows["class_name"] == "") & (rows["image"] == "")]
    wanted = {
        (round(mean[m], 9), round(v, 9)) for m, v in score.set_index("method")["value"].items() if m in mean
    }
    found = {
        tuple(round(float(v), 9) for v in np.asarray(line.get_xydata())[0])
        for figure in figures
        for axes in figure.axes
        if axes.get_ylabel() == "mAP ↑"
        for line in axes.lines
        if len(np.asarray(line.get_xdata()))
    }
    assert found
    assert found <= wanted


def test_boxes_stand_where_objects_are() -> None:
    boxes = pd.DataFrame(
        [("car", 10.0, 20.0, 30.0, 44.0, 0.87), ("person", 2.0, 3.0, 8.0, 9.0, 0.5)],
        columns=["class_name", "x0", "y0", "x1", "y1", "score"],
    )
    axes = Figure().subplots()
    draw_boxes(axes, boxes, {"car": (255, 0, 0), "person": (0, 0, 255)})
    outline(axes, boxes[:1])
    patches: list[Any] = list(axes.patches)
    assert [(p.get_x(), p.get_y(), p.get_width(), p.get_height()) for p in patches] == [
        (9.5, 19.5, 20, 24),
        (1.5, 2.5, 6, 6),
        (9.5, 19.5, 20, 24),
    ]
    assert [matplotlib.colors.to_hex(p.get_edgecolor()) for p in patches] == ["#ff0000", "#0000ff", "#ffffff"]
    assert texts_of(axes) == [".87", ".50"]


def test_pictures_of_the_grid_are_the_images(draw: Draw, tmp_path: Path) -> None:
    from fusionbench.images.codec import write_png

    visible = np.asarray(synthetic_pair("demo", "test", "000").visible)
    for method, level in (("max", 20), ("average", 220)):
        for image in range(6):
            picture = np.full(visible.shape, level, np.uint8)
            write_png(tmp_path / "fused" / method / "demo" / "test" / f"{image:03d}.png", picture)
    data = report_input(
        quality_rows(["visible", "max", "average"], images=6), fused=tmp_path / "fused", scenes="000"
    )
    (figure,) = draw("qualitative", data)
    shown = [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]
    assert len(shown) == 4  # both sources and two methods
    for level in (20, 220):  # frames and insets' borders cover a few pixels
        assert max(float((picture[..., :3] == level).mean()) for picture in shown) > 0.8
    means = visible.mean(axis=(0, 1))
    assert min(np.abs(p[: p.shape[0] // 2, :, :3].mean(axis=(0, 1)) - means).max() for p in shown) < 25
