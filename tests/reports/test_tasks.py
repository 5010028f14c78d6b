"""Reports of the downstream tasks on synthetic units: numbers against the truth they were made from; pictures
were looked at.
"""

from __future__ import annotations

import io
import json
import math
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scipy import stats

from fusionbench.contracts.report import ReportInput
from fusionbench.errors import StoreError
from fusionbench.images.codec import read_image
from fusionbench.plugins.catalog import build as resolve
from fusionbench.reports.analysis.compare import comparison_tables
from fusionbench.reports.analysis.prediction import (
    honest_note,
    paired_scores,
    predictions,
    tau_interval,
    tau_needed,
)
from fusionbench.reports.analysis.task_comparison import compare_draws, task_verdicts
from fusionbench.reports.figures.class_ap import class_points
from fusionbench.reports.figures.confusion import confusion_matrices, shares
from fusionbench.reports.figures.overlays import class_colours, mask_overlay
from fusionbench.reports.figures.task_pictures import best_confidence
from fusionbench.reports.scores.details import by_table, details_of, is_dev_only, is_retrained, protocol_of
from fusionbench.reports.scores.summary import summary
from fusionbench.reports.spec import SPECS
from fusionbench.reports.tables.paper_table import paper_tables, six_classes
from fusionbench.reports.tables.result_table import tables
from fusionbench.reports.tables.table import build as table_report
from tests.support.report_rows import quality_rows, records
from tests.support.task_rows import (
    BOX_CLASSES,
    CLASSES,
    IMAGES,
    METHODS,
    detection,
    segmentation,
    task_input,
    truth_labels,
)

TASK_REPORTS = ("task-pictures", "class-ap", "pr-curves", "confusion")


def render(name: str, data: ReportInput, folder: Path) -> dict[str, Path]:
    spec = next(s for s in SPECS if s.name == name)
    files = resolve(spec.factory)(spec).render(data, folder)
    assert all(f.stat().st_size > 0 for f in files)
    return {f.name: f for f in files}


# Tables


def test_a_tasks_table_says_who_judged_and_on_what(tmp_path: Path) -> None:
    data = task_input(tmp_path, detection(tmp_path, METHODS[:3]))
    (table,) = tables(data)
    assert [c.heading for c in table.columns] == [
        "mAP Car",
        "mAP Person",
        "mAP",
        "mAP50 Car",
        "mAP50 Person",
        "mAP50",
        "mAP70",
        "mAP90",
        "Precision",
        "Recall",
    ]
    notes = " | ".join(table.footnotes)
    for word in (
        "det-zeroshot",
        "yolov8n",
        "3fa9c1d2",
        "sha256 abababababab",
        "COCO train2017",
        "set of 8 labelled images",
        "Infrared only and visible only are always computed",
    ):
        assert word in notes
    assert "n = 8 pairs" in table.caption
    assert [line.kind for line in table.lines] == ["reference", "reference", "measured"]


def test_figures_of_the_set_are_never_means_over_images(tmp_path: Path) -> None:
    data = task_input(tmp_path, segmentation(tmp_path, ["average"]))
    (table,) = tables(data)
    column = [c.metric for c in table.columns].index("PixelAccuracy")
    whole = data.rows[(data.rows["metric"] == "PixelAccuracy") & (data.rows["image"] == "")]
    assert table.lines[0].values[column] == whole["value"].item()


def test_development_only_protocols_and_seeds_say_so(tmp_path: Path) -> None:
    parts = segmentation(tmp_path, METHODS[2:4], "msrs-2fold-devonly", seeds=(0, 1), dataset="msrs")
    (table,) = tables(task_input(tmp_path, parts))
    assert table.caption.startswith("Development only, not the standard protocol: ")
    assert "mean of 2 seeds ± half its 95 % interval" in table.caption
    assert any("two folds of the test split" in note for note in table.footnotes)
    assert any("retrained for each method and seed" in note for note in table.footnotes)
    values = [r["value"] for r in parts[0] if r["metric"] == "mIoU" and r["method"] == "average"]
    half = 12.706 * np.std(values, ddof=1) / math.sqrt(2)  # Student's t with one degree of freedom
    j = [c.heading for c in table.columns].index("mIoU")
    assert table.lines[0].texts[j] == f"{np.mean(values):.3f}±{half:.3f}"
    (one,) = tables(task_input(tmp_path / "one", segmentation(tmp_path / "one", METHODS[2:4], "seg-retrain")))
    assert any(note.startswith("One seed") for note in one.footnotes)


def test_table_4_has_the_papers_columns_and_both_means(tmp_path: Path) -> None:
    parts = segmentation(tmp_path, METHODS, "seg-retrain", seeds=(0, 1), dataset="msrs")
    (table,) = paper_tables(task_input(tmp_path, parts, published=True))
    assert [c.heading for c in table.columns] == [
        "Background",
        "Car",
        "Person",
        "Curve",
        "Color Cone",
        "Bike",
        "mIoU (these six)",
        "mIoU (all classes)",
    ]
    for line in table.lines:
        if line.kind != "published":
            assert line.values[6] == pytest.approx(np.mean(line.values[:6]))
    own = [
        r
        for r in parts[0]
        if r["metric"] == "IoU" and r["method"] == "max" and r["class_name"] == "unlabelled"
    ]
    assert table.lines[3].values[0] == pytest.approx(np.mean([r["value"] for r in own]))
    published = [line for line in table.lines if line.kind == "published"]
    assert len(published) == 14
    assert all(line.label.endswith("(published)") and not any(line.marks) for line in published)
    assert published[-1].cells[:7] == ("0.979", "0.879", "0.686", "0.780", "0.798", "0.789", "0.819")
    assert not any("can't be compared" in note for note in table.footnotes)
    assert any("Zhang et al., SGDFuse, Table 4" in note for note in table.footnotes)
    (plain,) = paper_tables(task_input(tmp_path, parts))
    assert not any(line.kind == "published" for line in plain.lines)


def test_published_rows_beside_another_protocol_are_said_not_to_be_comparable(tmp_path: Path) -> None:
    dev = segmentation(tmp_path, METHODS, "msrs-2fold-devonly", dataset="msrs")
    (table,) = paper_tables(task_input(tmp_path, dev, published=True))
    assert any("can't be compared" in note for note in table.footnotes)
    demo = segmentation(tmp_path / "demo", METHODS)
    (other,) = paper_tables(task_input(tmp_path / "demo", demo, published=True))
    assert not any(line.kind == "published" for line in other.lines)  # another dataset


def test_a_method_without_one_of_the_six_classes_has_no_mean_of_six(tmp_path: Path) -> None:
    data = task_input(tmp_path, segmentation(tmp_path, METHODS[:2]))
    rows = data.rows[data.rows["image"] == ""]
    fewer = rows[~((rows["class_name"] == "bike") & (rows["method"] == "visible"))]
    found = six_classes(fewer)
    assert found is not None
    means = found[found["metric"] == "mIoU6"].set_index("method")["value"]
    assert math.isnan(means["visible"])
    assert means["infrared"] > 0
    assert six_classes(rows[rows["class_name"] != "bike"]) is None


def test_table_files_hold_table_4(tmp_path: Path) -> None:
    data = task_input(tmp_path, segmentation(tmp_path, METHODS[:3]), published=True)
    spec = next(s for s in SPECS if s.name == "table")
    files = {f.name: f for f in table_report(spec).render(data, tmp_path / "out")}
    stem = "table-paper-table4-demo-test-segmentation-seg-frozen-deeplabv3plus-mobilenet_v2-3fa9c1d2"
    assert {f"{stem}.{e}" for e in ("csv", "md", "tex")} <= set(files)
    assert "Table 4" in files["tables.md"].read_text()


# Details


def test_details_are_named_by_their_convention_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    data = task_input(tmp_path, detection(tmp_path, METHODS[:2]), segmentation(tmp_path, METHODS[:2]))
    groups = by_table(details_of(data))
    assert [key[3] for key in groups] == [
        "det-zeroshot/yolov8n@3fa9c1d2",
        "seg-frozen/deeplabv3plus-mobilenet_v2@3fa9c1d2",
    ]
    first = next(iter(groups.values()))
    assert not is_retrained(first)
    assert not is_dev_only(first[0].convention, first)
    assert protocol_of(first[0].convention) == "det-zeroshot"
    about = first[0].folder / "about.json"
    about.write_text(json.dumps({"protocol": "det-zeroshot"}))
    with pytest.raises(StoreError, match=r"about\.json: has no judge, hash8, images; run again"):
        details_of(data)
    about.write_text("{")
    with pytest.raises(StoreError, match="can't be read"):
        details_of(data)


def test_units_whose_rows_are_not_shown_are_left_out(tmp_path: Path) -> None:
    data = task_input(tmp_path, detection(tmp_path, METHODS[:3]))
    rows = data.rows[data.rows["method"] != "average"]
    from dataclasses import replace

    assert {d.method for d in details_of(replace(data, rows=rows))} == {"infrared", "visible"}


# Comparison


def test_equal_draws_are_compared_and_what_images_share_cancels(tmp_path: Path) -> None:
    data = task_input(tmp_path, detection(tmp_path, ["visible", "max", "sgdfuse"]))
    rows = data.rows.assign(entrant=data.rows["method"])
    frame = compare_draws(rows, details_of(data), "visible").set_index(["metric", "class_name", "b"])
    line = frame.loc["mAP", "", "max"]
    draws = {
        d.method: d.table("resamples")
        .query("metric == 'mAP' and class_name == ''")
        .set_index("draw")["value"]
        for d in details_of(data)
    }
    difference = draws["max"] - draws["visible"]
    assert (line["low"], line["high"]) == pytest.approx(tuple(np.quantile(difference, [0.025, 0.975])))
    assert line["high"] - line["low"] < 0.5 * np.ptp(np.quantile(draws["max"], [0.025, 0.975]))
    assert line["share_not_larger"] == np.mean(difference <= 0) == 0
    assert line["p"] == pytest.approx(2 / (len(difference) + 1))
    assert line["p_holm"] == pytest.approx(2 * line["p"])  # two methods
    assert line["images"] == 8
    assert line["difference"] == pytest.approx(0.7 * 0.10)
    frame = compare_draws(rows, details_of(data), "sgdfuse").reset_index()
    assert (frame.loc[frame["metric"] == "mAP", "share_not_larger"] == 1).all()


def test_a_comparison_with_itself_in_another_seedless_run_is_inconclusive(tmp_path: Path) -> None:
    data = task_input(tmp_path, segmentation(tmp_path, ["visible", "max"]))
    for detail in details_of(data):
        if detail.method == "max":  # the same draws as visible's
            source = next(d for d in details_of(data) if d.method == "visible")
            source.table("resamples").to_parquet(detail.folder / "resamples.parquet")
    frame = compare_draws(data.rows.assign(entrant=data.rows["method"]), details_of(data), "visible")
    assert (frame["p"] == 1).all()
    assert set(task_verdicts(frame, data.metrics)) == {"inconclusive"}


def test_other_images_are_not_compared(tmp_path: Path) -> None:
    data = task_input(tmp_path, detection(tmp_path, ["visible", "max"]))
    detail = next(d for d in details_of(data) if d.method == "max")
    truth = detail.table("truth")
    truth.assign(x0=truth["x0"] + 1).to_parquet(detail.folder / "truth.parquet")
    frame = compare_draws(data.rows.assign(entrant=data.rows["method"]), details_of(data), "visible")
    assert not frame["same_truth"].any()
    assert frame["difference"].isna().all()
    assert set(task_verdicts(frame, data.metrics)) == {"other images"}


def test_verdicts_are_words() -> None:
    line = {
        "metric": "mAP",
        "images": 20,
        "p_holm": 0.01,
        "difference": 0.1,
        "seeds": 1,
        "seed_low": np.nan,
        "seed_high": np.nan,
        "retrained": False,
        "same_truth": True,
    }
    cases = [
        ({}, "better"),
        ({"difference": -0.1}, "worse"),
        ({"metric": "FP"}, "worse"),
        ({"p_holm": 0.06}, "inconclusive"),
        ({"images": 5}, ""),
        ({"retrained": True}, "better in one seed"),
        ({"retrained": True, "seeds": 3, "seed_low": -0.1, "seed_high": 0.3}, "within seed spread"),
        ({"retrained": True, "seeds": 3, "seed_low": 0.05, "seed_high": 0.15}, "better"),
        ({"same_truth": False, "p_holm": np.nan}, "other images"),
        ({"metric": "unheard of"}, ""),
    ]
    from fusionbench.contracts.evaluator import MetricSpec

    metrics = {
        "mAP": MetricSpec(name="mAP", title=""),
        "FP": MetricSpec(name="FP", title="", direction="lower"),
    }
    frame = pd.DataFrame([line | change for change, _ in cases])
    assert task_verdicts(frame, metrics) == [word for _, word in cases]


def test_compare_prints_tasks_and_quality_and_counts_no_score_twice(tmp_path: Path) -> None:
    quality = quality_rows(["visible", "max"], metrics=["EN"])
    data = task_input(tmp_path, segmentation(tmp_path, ["visible", "max"]), (records(quality), []))
    rendered = comparison_tables(data, "visible")
    console = Console(width=200, record=True)
    console.print(*rendered.shown)
    text = console.export_text()
    assert "mIoU ↑" in text
    assert "EN ↑" in text
    assert text.count("PixelAccuracy") == 1
    by_image = pd.read_csv(io.StringIO(rendered.texts["compare.csv"]))
    assert set(by_image["metric"]) == {"EN"}
    assert set(pd.read_csv(io.StringIO(rendered.texts["compare-tasks.csv"]))["metric"]) == {
        "IoU",
        "mIoU",
        "mIoU_labelled",
        "PixelAccuracy",
    }
    assert len([name for name in rendered.texts if name.endswith(".tex")]) == 2


# Which metric predicts the task?


def test_a_metric_that_orders_as_the_task_does_is_found_with_its_exact_p(tmp_path: Path) -> None:
    quality = quality_rows(METHODS, metrics=["EN", "Latency"])  # Latency: lower is better
    data = task_input(tmp_path, detection(tmp_path), (records(quality), []))
    found = predictions(paired_scores(data.rows, data.metrics)).set_index(["score", "metric"])
    assert found.loc[("mAP", "EN"), "tau"] == pytest.approx(1)
    assert found.loc[("mAP", "Latency"), "tau"] == pytest.approx(-1)
    assert found.loc[("mAP", "EN"), "n_methods"] == 4  # without the two sensors
    assert found.loc[("mAP", "EN"), "tau_p"] == pytest.approx(2 / math.factorial(4))
    assert np.isnan(found["tau_low"]["mAP", "EN"])
    assert "no correlation can differ from chance" in honest_note(found.reset_index())
    files = render("prediction", data, tmp_path / "out")
    assert {
        "prediction.csv",
        "prediction.md",
        "prediction.tex",
        "prediction-heatmap.png",
        "prediction-demo-test-det-zeroshot-yolov8n-3fa9c1d2-mAP.png",
    } <= set(files)


def test_three_methods_predict_nothing(tmp_path: Path) -> None:
    quality = quality_rows(METHODS[:5], metrics=["EN"])
    assert (
        render(
            "prediction",
            task_input(tmp_path, detection(tmp_path, METHODS[:5]), (records(quality), [])),
            tmp_path / "out",
        )
        == {}
    )


@pytest.mark.parametrize("n", [4, 5, 6, 7])
def test_the_least_telling_tau_is_that_of_all_orders(n: int) -> None:
    taus = np.array([stats.kendalltau(range(n), order).statistic for order in permutations(range(n))])
    telling = [t for t in np.unique(taus.round(9)) if t > 0 and np.mean(np.abs(taus) >= t - 1e-6) <= 0.05]
    assert tau_needed(n) == pytest.approx(min(telling)) if telling else math.isnan(tau_needed(n))


def test_bootstrap_of_tau_is_scipys_tau_of_each_draw() -> None:
    random = np.random.default_rng(3)
    x, y = random.normal(size=7), random.normal(size=7)
    picks = np.random.default_rng(0).integers(0, 7, (300, 7))
    taus = np.array([stats.kendalltau(x[p], y[p]).statistic for p in picks])
    assert tau_interval(x, y, resamples=300) == pytest.approx(
        tuple(np.quantile(taus[np.isfinite(taus)], [0.025, 0.975]))
    )


# Figures


@pytest.mark.parametrize("name", TASK_REPORTS)
def test_pictures_and_their_numbers_are_written(name: str, tmp_path: Path) -> None:
    chosen = ("visible", "max")
    data = task_input(
        tmp_path, detection(tmp_path, chosen), segmentation(tmp_path, chosen), fused=True, scenes=2
    )
    files = render(name, data, tmp_path / "out")
    endings = {
        "task-pictures": {"png", "pdf"},
        "class-ap": {"png", "pdf", "csv", "tex"},
        "pr-curves": {"png", "pdf", "csv"},
        "confusion": {"png", "pdf", "csv", "tex"},
    }
    assert {f.rpartition(".")[2] for f in files} == endings[name]


def test_class_points_have_the_rows_values_and_the_draws_intervals(tmp_path: Path) -> None:
    data = task_input(tmp_path, detection(tmp_path, METHODS[2:5]))
    rows = data.rows[(data.rows["metric"] == "mAP") & (data.rows["image"] == "")]
    points = class_points(data, summary(rows), details_of(data))
    assert set(points["class_name"]) == {*BOX_CLASSES, "all classes"}
    car = points[points["class_name"] == "car"].set_index("entrant")
    assert car["mark"].to_dict() == {"average": "", "max": "second", "laplacian": "best"}
    truth = rows[rows["class_name"] == "car"].set_index("method")["value"]
    assert car["value"].to_dict() == pytest.approx(truth.to_dict())
    draws = details_of(data)[0].table("resamples").query("metric == 'mAP' and class_name == 'car'")["value"]
    assert car.loc["average", "low"] == pytest.approx(np.quantile(draws, 0.025))


def test_confusion_is_counted_from_the_masks(tmp_path: Path) -> None:
    data = task_input(tmp_path, segmentation(tmp_path, ["average"], seeds=(0,)))
    (detail,) = details_of(data)
    matrix = confusion_matrices([detail])["average"]
    truth = np.stack([truth_labels(i) for i in IMAGES])
    masks = np.stack([read_image(detail.folder / "masks" / f"{i}.png") for i in IMAGES])
    for true in matrix.index:
        for predicted in matrix.columns:
            both = (truth == CLASSES.index(true)) & (masks == CLASSES.index(predicted))
            assert matrix.loc[true, predicted] == both.sum()
    assert shares(matrix).sum(axis=1).to_numpy() == pytest.approx(1)
    table = detail.table("confusion")  # ids instead of names say the same
    ids = table.assign(true=table["true"].map(CLASSES.index), predicted=table["predicted"].map(CLASSES.index))
    ids.to_parquet(detail.folder / "confusion.parquet")
    pd.testing.assert_frame_equal(confusion_matrices([detail])["average"], matrix)


def test_best_confidence_is_that_of_the_best_f1() -> None:
    predictions_ = pd.DataFrame(
        {"score": [0.9, 0.8, 0.7, 0.6, 0.5], "tp50": [True, False, True, False, False]}
    )
    assert best_confidence(predictions_, 2) == 0.7  # F1: 2/3, 1/2, 4/5, 2/3, 4/7
    assert best_confidence(predictions_.assign(tp50=False), 2) == math.inf
    assert best_confidence(predictions_.iloc[:0], 2) == math.inf


def test_a_mask_tints_its_region_and_nothing_else() -> None:
    image = np.full((20, 30, 3), 100, np.uint8)
    ids = np.zeros((20, 30), np.uint8)
    ids[5:15, 5:15] = 1
    ids[0, 0] = 9  # no such class
    drawn = mask_overlay(image, ids, ["unlabelled", "car"])
    assert (drawn[ids == 0] == 100).all()
    assert (drawn[0, 0] == 100).all()
    assert tuple(drawn[5, 5]) == class_colours(["car"])["car"]  # the outline
    assert tuple(drawn[10, 10]) == tuple(
        np.round(0.5 * 100 + 0.5 * np.array(class_colours(["car"])["car"])).astype(int)
    )


def test_colours_of_classes_differ_and_are_the_same_in_every_picture() -> None:
    colours = class_colours(CLASSES)
    assert len(set(colours.values())) == 8
    assert class_colours(BOX_CLASSES)["car"] == colours["car"]
    assert len(set(class_colours([f"class {i}" for i in range(14)]).values())) == 14
