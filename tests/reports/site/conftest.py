"""One synthetic site with names made to hurt, and one browser for all tests of it. Made-up numbers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from synthetic import frame, quality_rows, report_input, row, synthetic_pair
from synthetic_tasks import IMAGES, detection, segmentation, task_input, task_pair

from fusionbench.contracts.dataset import DatasetSpec, PairImages
from fusionbench.contracts.method import MethodSpec
from fusionbench.contracts.report import ReportInput

METHODS = ("visible", "average", "max", "laplacian")
HURTFUL = (
    "<script>window.hurt=1</script>",
    "\"quotes\" & 'apostrophes'",
    "../../etc/passwd",
    "x" * 200,
    "红外可见光融合",
    "红外融合",
    "شبكة الدمج",
)
HURTFUL_DATASET = "数据</script><img src=x onerror=window.hurt=1>"


def synthetic_site_input(folder: Path) -> ReportInput:
    """Quality of eight scenes, both tasks, and a second dataset whose every name hurts."""
    parts = [detection(folder, METHODS), segmentation(folder, METHODS)]
    quality = quality_rows(METHODS, images=len(IMAGES))
    names = dict(zip((f"{i:03d}" for i in range(len(IMAGES))), IMAGES, strict=True))
    quality["image"] = quality["image"].map(names)
    hurt = frame(
        row(method, metric, 1.0 + i + j / 10, dataset=HURTFUL_DATASET, image=image)
        for i, method in enumerate(HURTFUL)
        for j, image in enumerate(HURTFUL)
        for metric in ("EN", "SD")
    )
    base = task_input(folder, *parts, fused=True)
    rows = pd.concat([quality, base.rows, hurt], ignore_index=True)
    whole = report_input(pd.concat([quality, base.rows]), fused=base.fused_dir, details=base.details)
    # Specs refuse such names; a damaged or foreign run folder may hold them all the same.
    methods = {
        name: MethodSpec.model_construct(
            name=name, title=name, licence="MIT <b>", year=2020 + i, note="A deviation."
        )
        for i, name in enumerate((*METHODS, *HURTFUL))
    }
    hurtful = DatasetSpec.model_construct(name=HURTFUL_DATASET, title=HURTFUL_DATASET)

    def load(dataset: str, split: str, image: str) -> PairImages:
        return (task_pair if dataset == "demo" else synthetic_pair)(dataset, split, image)

    return replace(
        whole,
        rows=rows,
        methods=methods,
        load_pair=load,
        datasets={**base.datasets, HURTFUL_DATASET: hurtful},
        metrics={**base.metrics, **whole.metrics},
    )


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the synthetic site."""
    from fusionbench.contracts.report import ReportSpec
    from fusionbench.reports.site.pages import build

    folder = tmp_path_factory.mktemp("site")
    build(ReportSpec(name="site", title="Site")).render(synthetic_site_input(folder), folder / "out")
    return folder / "out"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium through playwright; skips where either is missing."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield found
        found.close()


class Watched:
    """A page with what it asked for and complained about."""

    def __init__(self, page: Any, root: Path) -> None:
        self.page = page
        self.root = root
        self.requests: list[str] = []
        self.problems: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("requestfailed", lambda request: self.problems.append(f"failed: {request.url}"))
        page.on("console", lambda m: self.problems.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def open(self, path: str) -> Any:
        """Open a page of the site, from disk; a change of the fragment alone loads it again."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.root.as_uri()}/{path}")
        return self.page


@pytest.fixture(scope="session")
def _page(browser: Any, site: Path) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(20_000)
    yield Watched(context.new_page(), site)
    context.close()


@pytest.fixture
def watched(_page: Watched) -> Iterator[Watched]:
    """The page; after the test nothing may have been complained about, nor asked for outside the folder."""
    _page.requests.clear()
    _page.problems.clear()
    yield _page
    assert _page.problems == []
    inside = (_page.root.as_uri(), "data:", "blob:", "about:")
    assert [url for url in _page.requests if not url.startswith(inside)] == []
