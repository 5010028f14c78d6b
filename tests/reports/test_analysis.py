"""Per-image CSV, ranking, correlation and comparison reports, on synthetic rows with known orders."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from rich.console import Console

from fusionbench.errors import InputError
from fusionbench.plugins.catalog import build as resolve
from fusionbench.reports.analysis.agreement import between_conventions, directed, over_images, over_methods
from fusionbench.reports.analysis.compare import comparison_tables, format_p, verdicts
from fusionbench.reports.analysis.correlation import convention_map
from fusionbench.reports.analysis.ranking import _figure, _ranked
from fusionbench.reports.spec import SPECS
from tests.support.report_rows import frame, quality_rows, report_input, row


def render(name: str, rows: pd.DataFrame, folder: Path, **options: Any) -> dict[str, Path]:
    spec = next(s for s in SPECS if s.name == name)
    return {f.name: f for f in resolve(spec.factory)(spec).render(report_input(rows, **options), folder)}


def test_per_image_values_are_exactly_these(tmp_path: Path) -> None:
    rows = frame(
        [
            row("max", "EN", 1.5),
            row("max", "EN", math.nan, image="b", reason="constant image"),
            row("dwt", "EN", 2.5),
            row("dwt", "mIoU", 0.5, image=""),
        ]
    )
    files = render("per-image", rows, tmp_path)
    assert files["per-image-demo-test-quality-cddfuse.csv"].read_text() == (
        "metric,class_name,image,seed,max,dwt,reason\nEN,,a,0,1.5,2.5,\nEN,,b,0,,,max: constant image\n"
    )


def test_ranking_writes_ranks_and_diagrams(tmp_path: Path) -> None:
    files = render("ranking", quality_rows(metrics=["EN", "Latency"]), tmp_path)
    assert sorted(f.rsplit(".")[-1] for f in files) == ["csv", "pdf", "png"]
    table = pd.read_csv(files["ranking-demo-test-quality-cddfuse.csv"])
    assert set(table["entrant"]) == {"average", "max", "laplacian"}
    best = table.sort_values("mean_rank").groupby("metric")["entrant"].first()
    assert best.to_dict() == {"EN": "laplacian", "Latency": "average"}
    assert (table["n"] == 12).all()


def test_ranking_needs_three_methods(tmp_path: Path) -> None:
    assert render("ranking", quality_rows(["visible", "average", "max"]), tmp_path) == {}


def test_agreement_is_signed_by_direction() -> None:
    rows = []
    for rank, method in enumerate("abcd"):
        for i in range(6):
            rows += [
                row(method, "EN", rank + i, image=str(i)),
                row(method, "Latency", -(rank + i), image=str(i)),
            ]
    frame_ = frame(rows)
    own = directed(frame_, report_input(frame_).metrics)
    assert over_images(own, "metric").loc["EN", "Latency"] == pytest.approx(1)
    assert over_methods(own, "metric").loc["EN", "Latency"] == pytest.approx(1)


def test_conventions_that_crown_another_method_are_found() -> None:
    order = {"cddfuse": [1, 2, 3, 4], "vifb": [4, 3, 2, 1]}
    rows = frame(
        row(method, "VIF", order[c][k] + 0.1 * i, image=str(i), convention=c)
        for c in order
        for k, method in enumerate("abcd")
        for i in range(5)
    )
    (line,) = between_conventions(directed(rows, report_input(rows).metrics)).to_dict("records")
    assert line["tau_methods"] == pytest.approx(-1)
    assert line["rho_images"] == pytest.approx(1)
    assert (line["best_a"], line["best_b"], line["same_best"]) == ("d", "a", False)


def test_the_map_of_conventions_shows_agreement_with_the_corrected_one() -> None:
    order = {"cddfuse": [1, 2, 3, 4], "vifb": [4, 3, 2, 1], "corrected": [1, 2, 3, 4]}
    rows = frame(
        row(method, "VIF", order[c][k] + 0.1 * i, image=str(i), convention=c)
        for c in order
        for k, method in enumerate("abcd")
        for i in range(5)
    )
    lines = between_conventions(directed(rows, report_input(rows).metrics))
    figure = convention_map(lines, 5, "DEMO (test)")
    assert figure is not None
    images, methods = figure.axes[:2]
    assert [label.get_text() for label in methods.get_xticklabels()] == ["cddfuse", "vifb"]
    assert [text.get_text() for text in methods.texts] == ["1.00", "-1.00×"]
    assert [text.get_text() for text in images.texts] == ["1.00", "1.00×"]
    assert "5 images" in images.get_title()
    assert "4 methods" in methods.get_title()
    assert convention_map(lines.iloc[:0], 5, "DEMO (test)") is None


def test_ranking_says_which_test_and_convention(tmp_path: Path) -> None:
    rows = quality_rows(metrics=["EN"])
    data = report_input(rows)
    (ranked,) = _ranked(data, rows.assign(entrant=rows["method"]))
    figure = _figure(
        data, ("demo", "test", "quality", "cddfuse"), rows.assign(entrant=rows["method"]), [ranked]
    )
    texts = " ".join(t.get_text() for t in figure.findobj(Text))
    for part in (
        "convention cddfuse",
        "Nemenyi's test",
        "Friedman p",
        "n = 12 images",
        "critical difference 1.35",
    ):
        assert part in texts


def test_comparison_as_data() -> None:
    rows = quality_rows(metrics=["EN", "Latency"])
    data = report_input(rows)
    rendered = comparison_tables(data, "average", methods=["max"])
    console = Console(width=140, record=True)
    console.print(*rendered.shown)
    text = console.export_text()
    assert "against average" in text
    assert "laplacian" not in text
    assert "better" in text
    assert "worse" in text
    assert list(rendered.texts) == ["compare.csv", "compare-demo-test-quality-cddfuse.tex"]
    table = pd.read_csv(io.StringIO(rendered.texts["compare.csv"]))
    assert table["verdict"].tolist() == ["better", "worse"]
    values = rows[rows["metric"] == "EN"].pivot(index="image", columns="method", values="value")
    assert table["difference"][0] == pytest.approx((values["max"] - values["average"]).mean())
    with pytest.raises(InputError, match="no rows of method 'nope'"):
        comparison_tables(data, "nope")


def test_compare_report_takes_the_first_method_or_the_one_asked_for(tmp_path: Path) -> None:
    rows = quality_rows(metrics=["EN"])
    table = pd.read_csv(render("compare", rows, tmp_path)["compare.csv"])
    assert set(table["a"]) == {"visible"}
    table = pd.read_csv(render("compare", rows, tmp_path, baseline="max")["compare.csv"])
    assert set(table["a"]) == {"max"}
    assert render("compare", quality_rows(["max"]), tmp_path / "one") == {}


def test_no_verdict_where_no_test_could_reach_the_level() -> None:
    lines = pd.DataFrame(
        {"metric": ["EN"] * 3, "n": [5, 6, 6], "p_holm": [0.0625, 0.03, 0.5], "difference": [1.0] * 3}
    )
    rows = quality_rows(metrics=["EN"])
    assert verdicts(lines, report_input(rows).metrics) == ["", "better", "inconclusive"]
    assert verdicts(lines, {}) == ["", "", ""]
    assert (format_p(0.0004), format_p(0.0123), format_p(np.nan)) == ("<0.001", "0.012", "–")
