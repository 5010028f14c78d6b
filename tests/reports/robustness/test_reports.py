"""The robustness reports of a small run on demo scenes: what is written, drawn and said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusionbench.contracts.report import ReportInput
from fusionbench.execution.runner import execute
from fusionbench.planning.config import RunConfig
from fusionbench.plugins import catalog
from fusionbench.rendering import render, report_input
from fusionbench.reports.robustness.figures import curves, heat_map
from fusionbench.reports.robustness.pictures import picture_pages
from fusionbench.reports.robustness.tables import markdown, robustness_of, shown_scores, titles_of
from fusionbench.store.run_store import RunStore


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ReportInput:
    config = RunConfig(
        method=["average", "max"],
        dataset=["demo"],
        dataset_options={"demo": {"size": "96x80"}},
        task=["quality"],
        metrics=["PSNR", "EN"],
        limit=6,
        corrupt=["fog:1", "fog:5", "stripes:3", "ir-gone"],
        out=tmp_path_factory.mktemp("runs"),
        device="cpu",
        jobs=2,
    )
    return report_input(RunStore.read_only(execute(config, quiet=True).folder))


def test_files_are_written_and_clean_tables_stay_clean(data: ReportInput, tmp_path: Path) -> None:
    reports = [catalog.reports.get(name) for name in ("robustness", "table")]
    files, _, problems = render(data, tmp_path, reports, strict=True)
    assert problems == []
    names = {f.name for f in files}
    assert {"robustness.csv", "robustness-means.csv", "robustness-ranking.csv", "robustness.md"} <= names
    assert {n for n in names if n.startswith("table-")} == {
        f"table-demo-test-quality-cddfuse.{e}" for e in ("csv", "md", "tex")
    }
    written = pd.read_csv(tmp_path / "robustness.csv")
    assert set(zip(written["corruption"], written["severity"], strict=True)) == {
        ("fog", 1),
        ("fog", 5),
        ("stripes", 3),
        ("ir-gone", 5),
    }


def test_the_page_says_who_keeps_most(data: ReportInput) -> None:
    text = markdown(data, robustness_of(data))
    assert "PSNR ↑ (quality, cddfuse) on Demo scenes (test): 3 corruptions." in text
    assert "keeps most" in text
    assert "| Kept, %" in text
    assert "(clean)" not in text


def test_the_heat_map_draws_every_cell(data: ReportInput) -> None:
    found = robustness_of(data)
    means = shown_scores(found.means)
    own = means[means["metric"] == "PSNR"]
    line = found.ranking[found.ranking["metric"] == "PSNR"]
    titles = titles_of(data, ["average", "max"])
    axes, _ = heat_map(own, line, titles, "PSNR").axes
    assert [t.get_text() for t in axes.get_xticklabels()] == ["fog", "stripes", "ir-gone", "mean"]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["Average", "Maximum"]
    drawn = [t.get_text() for t in axes.texts]
    assert {"visible", "infrared", "pair"} <= set(drawn)
    fog = own[(own["method"] == "max") & (own["corruption"] == "fog")]["relative"].item()
    assert f"{100 * fog:.0f}" in drawn


def test_the_curves_begin_at_the_clean_score(data: ReportInput) -> None:
    scores = robustness_of(data).scores
    own = scores[scores["metric"] == "PSNR"]
    (panel,) = curves(own, ["fog"], titles_of(data, ["average", "max"]), "PSNR").axes
    line = panel.lines[0]
    assert np.asarray(line.get_xdata()).tolist() == [0, 1, 5]
    clean = own[own["method"] == "average"]["clean"].iloc[0]
    assert line.get_ydata()[0] == pytest.approx(clean)


def test_the_pictures_show_what_methods_saw(data: ReportInput) -> None:
    ((name, figure),) = picture_pages(data)
    assert name == "robustness-pictures-demo-test"
    assert [t.get_text() for t in figure.texts] == ["clean", "fog, 1", "stripes, 3", "ir-gone, 5"]
    assert len(figure.axes) == 4 * 4
    gone = figure.axes[12].images[0].get_array()
    assert gone.max() == 0


def test_a_clean_run_has_no_robustness_report(data: ReportInput, tmp_path: Path) -> None:
    from dataclasses import replace

    clean = replace(data, corrupted=data.corrupted[:0])
    reports = [catalog.reports.get(name) for name in ("robustness", "robustness-figures")]
    assert render(clean, tmp_path, reports, strict=True) == ([], [], [])
