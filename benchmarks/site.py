"""Times the static site: how long it takes to write and how large it is, and how fast its leaderboard opens and filters.

    python benchmarks/site.py runs/demo              # sites of stored runs
    python benchmarks/site.py --synthetic            # 30 methods × 361 images, 60 of them with pictures

The browser's part needs playwright and chromium. Times are wall clock of this machine, as busy as it is.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fusionbench.contracts.dataset import DatasetSpec, PairImages
from fusionbench.contracts.evaluator import MetricSpec
from fusionbench.contracts.method import MethodSpec
from fusionbench.contracts.report import ReportInput
from fusionbench.contracts.rows import COLUMNS
from fusionbench.plugins import catalog
from fusionbench.rendering import find_runs, merged_input, render

if TYPE_CHECKING:
    from fusionbench.contracts.dataset import UInt8Array

METHODS, IMAGES, SHOWN = 30, 361, 60
METRICS = ("EN", "SD", "SF", "MI", "SCD", "VIF", "Qabf", "SSIM")
HEIGHT, WIDTH = 480, 640


def main() -> None:
    """Write the site of some runs (or of a synthetic one) into a temporary folder, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", help="run folders, or names below runs/")
    parser.add_argument("--synthetic", action="store_true", help="30 methods × 361 made-up images instead")
    parser.add_argument("--images", type=int, default=SHOWN, help="images per split in the browser")
    parser.add_argument("--out", type=Path, help="keep the site in this folder")
    options = parser.parse_args()
    if options.synthetic == bool(options.runs):
        parser.error("name runs, or --synthetic")
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.out or Path(scratch) / "site"
        start = time.perf_counter()
        used = time.process_time()
        shown = {"images": options.images}
        data = (
            synthetic(Path(scratch), shown)
            if options.synthetic
            else merged_input(find_runs(options.runs), shown)
        )
        specs = [spec for spec in catalog.reports.all().values() if spec.role == "site"]
        render(data, folder, specs, strict=True)
        seconds, cpu = time.perf_counter() - start, time.process_time() - used
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        print(f"{data.rows['method'].nunique()} methods, load {load} on {os.cpu_count()} cores")
        print(f"written in {seconds:.1f} s ({cpu:.1f} s of CPU), {size / 1e6:.1f} MB")
        for line in in_browser(folder):
            print(line)


def synthetic(folder: Path, options: dict[str, Any]) -> ReportInput:
    """Made-up rows of 30 methods on 361 images, and pictures as rich as photographs. No file of images is kept."""
    random = np.random.default_rng(0)
    names = [f"{i:05d}" for i in range(IMAGES)]
    methods = [f"method-{i:02d}" for i in range(METHODS)]
    records = []
    for metric in METRICS:
        scene = random.normal(scale=0.5, size=IMAGES)
        for rank, method in enumerate(methods):
            values = 5 + 0.05 * rank + scene + random.normal(scale=0.2, size=IMAGES)
            records += [
                ("synthetic", method, "scenes", "test", name, "quality", "cddfuse", metric, "", 0, value, "")
                for name, value in zip(names, values, strict=True)
            ]
    base = np.cumsum(
        random.normal(size=(HEIGHT, WIDTH, 3)), axis=1
    )  # streaks: many frequencies, as a scene has
    base = (255 * (base - base.min()) / np.ptp(base)).astype(np.uint8)

    def picture(seed: int) -> UInt8Array:
        grain = np.random.default_rng(seed).integers(0, 12, base.shape, dtype=np.uint8)
        levels: UInt8Array = np.roll(base, seed * 17, axis=(0, 1)) // 2 + 60 + grain
        return levels

    def load_pair(dataset: str, split: str, image: str) -> PairImages:
        found = picture(int(image))
        return PairImages(infrared=found[..., 0], visible=found)

    for method in methods:
        for name in names:
            path = folder / "fused" / method / "scenes" / "test" / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return ReportInput(
        rows=pd.DataFrame(records, columns=list(COLUMNS)),
        run={"invocations": [{"command": "made up", "provenance": {}}]},
        methods={
            name: MethodSpec(name=name, title=f"Method {i:02d}", year=2000 + i, licence="MIT")
            for i, name in enumerate(methods)
        },
        metrics={name: MetricSpec(name=name, title=name, direction="higher") for name in METRICS},
        datasets={"scenes": DatasetSpec(name="scenes", title="Scenes")},
        fused_dir=folder / "fused",
        load_pair=load_pair,
        read_fused=lambda path: picture(int(path.stem) + int(path.parts[-4].rpartition("-")[2])),
        options=options,
    )


WORD = "07"
"""Found in few rows, so that the first key already hides most of them."""
TYPED = """() => new Promise((done) => {
  const box = document.querySelector("[data-filter]");
  let start;
  box.addEventListener("keydown", (event) => { start = event.timeStamp; }, { once: true });
  box.addEventListener("input", () => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => { window.typed = performance.now() - start; };
    channel.port2.postMessage(0);
  }), { once: true });
  window.typed = null;
  box.focus();
  done();
})"""
"""From a key's time stamp to the end of the frame that shows the filtered table."""


REPEAT = """
const body = document.querySelector("section[data-table] tbody");
const rows = [...body.rows];
const more = new DocumentFragment();
for (let i = rows.length; i < COUNT; i++) {
  const row = rows[i % rows.length].cloneNode(true);
  row.dataset.words = `image-${Math.floor(i / rows.length)} ${row.dataset.words}`;
  more.append(row);
}
body.append(more);
"""


def with_rows(site: Path, count: int) -> str:
    """A site's leaderboard whose first table repeats its rows until there are so many.

    The rows are added in one script with the page's own, so that no frame lays out all of them before.
    """
    page = (site / "index.html").read_text(encoding="utf-8")
    own = (site / "static" / "site.js").read_text(encoding="utf-8")
    script = "<script>{" + REPEAT.replace("COUNT", str(count)) + "}" + own + "</script>"
    return page.replace('<script src="static/site.js"></script>', script, 1)


def in_browser(folder: Path) -> list[str]:
    """What a reader waits for, measured in chromium from disk; a line that says so where it is missing."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return ["browser: not measured (pip install playwright)"]
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        return ["browser: not measured (apt-get install chromium)"]
    lines = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        first = []
        for _ in range(5):
            page.goto("about:blank")
            page.goto(f"{folder.resolve().as_uri()}/index.html")
            page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
            first.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        lines.append(f"first table: {statistics.median(first):.0f} ms (median of {len(first)}, first paint)")
        rows = page.evaluate("document.querySelectorAll('section:not([hidden]) tbody tr').length")
        lines.append(f"filter of {rows} rows: {_typed(page, WORD)}")
        many = folder / "many.html"
        many.write_text(with_rows(folder, METHODS * IMAGES))
        page.goto(many.resolve().as_uri())
        page.wait_for_timeout(500)
        lines.append(f"filter of {METHODS * IMAGES} rows: {_typed(page, WORD)}")
        many.unlink()
        browser.close()
    return lines


def key_times(page: Any, word: str) -> list[tuple[float, float]]:
    """Per key of a word typed into the filter, in ms: from the key to the frame that shows its result, and the CPU
    time of the page's thread meanwhile, which other work on the machine doesn't lengthen.
    """
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    times = []
    for letter in word:
        page.evaluate(TYPED)
        used = _cpu(session)
        page.keyboard.press(letter)
        page.wait_for_function("window.typed !== null")
        times.append((float(page.evaluate("window.typed")), 1000 * (_cpu(session) - used)))
    session.detach()
    return times


def _typed(page: Any, word: str) -> str:
    first, *others = (f"{wall:.0f} ms ({cpu:.0f} ms of CPU)" for wall, cpu in key_times(page, word))
    return f"first key {first}, next keys {', '.join(others)}"


def _cpu(session: Any) -> float:
    """CPU seconds of a page's main thread so far."""
    metrics = {m["name"]: float(m["value"]) for m in session.send("Performance.getMetrics")["metrics"]}
    return metrics["TaskDuration"]


if __name__ == "__main__":
    main()
