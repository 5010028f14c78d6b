"""The site in a real browser, opened from disk.

Every test also asserts no console error and no request elsewhere.
"""

from __future__ import annotations

import csv
import io
import runpy
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest
from PIL import Image

from tests.support.synthetic_site import HURTFUL

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
BENCHMARK = runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "site.py"))
"""``benchmarks/site.py``, so that the test measures as it does."""


def titles(page: Any) -> list[str]:
    """The visible methods of the visible table."""
    found: list[str] = page.eval_on_selector_all(
        "section[data-table]:not([hidden]) tbody tr:not([hidden]) th",
        "all => all.map(e => e.textContent.trim())",
    )
    return found


def fragment(page: Any) -> dict[str, str]:
    """What the address says, asked of the page itself: the driver's copy may be late."""
    hash_text = page.evaluate("location.hash").removeprefix("#")
    return {key: value[0] for key, value in parse_qs(hash_text).items()}


def transforms(page: Any) -> list[str]:
    """How the shown images are zoomed and moved."""
    found: list[str] = page.eval_on_selector_all(".frame > img", "all => all.map(e => e.style.transform)")
    return found


def test_sorts_and_keeps_the_order_in_the_address(watched: Any) -> None:
    page = watched.open("index.html")
    page.click("section:not([hidden]) th[data-key=VIF] button")
    down = titles(page)
    assert down[0] == "laplacian"
    assert page.get_attribute("section:not([hidden]) th[data-key=VIF]", "aria-sort") == "descending"
    page.click("section:not([hidden]) th[data-key=VIF] button")
    assert titles(page) == down[::-1]
    assert fragment(page)["sort"] == "VIF"
    page.reload()
    assert titles(page) == down[::-1]


def test_filters_hides_columns_and_keeps_both_in_the_address(watched: Any) -> None:
    page = watched.open("index.html")
    page.fill("[data-filter]", "lapl")
    assert titles(page) == ["laplacian"]
    page.click("summary")
    page.uncheck("[data-columns] label:has-text('SD') input")
    assert page.is_hidden("section:not([hidden]) th[data-key=SD]")
    assert fragment(page)["hide"] == "licence,SD"
    page.reload()
    assert titles(page) == ["laplacian"]
    assert page.is_hidden("section:not([hidden]) th[data-key=SD]")
    assert page.is_visible("section:not([hidden]) th[data-key=EN]")


def copied(page: Any, button: str) -> str:
    """What is on the clipboard after a click, read as a paste would."""
    page.evaluate("document.querySelectorAll('[data-said]').forEach(e => { e.textContent = ''; })")
    page.click(button)
    if page.locator("[data-said]").count():
        page.wait_for_function("document.querySelector('[data-said]').textContent")
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def test_copies_latex_csv_and_markdown(watched: Any) -> None:
    page = watched.open("index.html#sort=title&order=ascending")
    latex = copied(page, "[data-copy=latex]")
    assert page.text_content("[data-said]") == "LaTeX copied."
    assert "Method & Year & EN $\\uparrow$ & " in latex
    assert "max\\ddag{} & 2022 & " in latex
    assert latex.count("\\\\") == 5
    assert latex.count("\\textbf{") == 3  # the best of each metric
    assert "\\toprule" in latex
    assert "Source" not in latex
    table = list(csv.reader(io.StringIO(copied(page, "[data-copy=csv]"))))
    assert [line[0] for line in table] == ["Method", "average", "laplacian", "max‡", "visible"]
    assert table[0][-1] == "Source"
    assert table[1][-1] == "run"
    assert 4 < float(table[2][2]) < 7
    markdown = copied(page, "[data-copy=markdown]").splitlines()
    assert markdown[0].startswith("| Method | Year | EN ↑ |")
    assert markdown[1].startswith("| --- | --: |")
    assert "**" in "".join(markdown)
    page.fill("[data-filter]", "lapl")
    assert copied(page, "[data-copy=csv]").count("\n") == 2  # what is filtered out is not copied


def test_the_licence_and_what_was_seen_filter_too(watched: Any) -> None:
    page = watched.open("index.html#clean=1")
    assert titles(page) == ["visible", "average", "laplacian"]
    page.uncheck("[data-clean]")
    assert "max‡" in titles(page)
    page.fill("[data-filter]", "mit 2023")
    assert titles(page) == ["laplacian"]
    assert page.is_hidden("section:not([hidden]) th[data-key=licence]")
    page.click("summary:has-text('Columns')")
    page.check("[data-columns] label:has-text('Licence') input")
    assert page.is_visible("section:not([hidden]) th[data-key=licence]")
    page.reload()
    assert page.is_visible("section:not([hidden]) th[data-key=licence]")
    assert titles(page) == ["laplacian"]


def test_every_number_leads_to_its_spread_or_its_source(watched: Any, site: Path) -> None:
    page = watched.open("index.html")
    links = page.eval_on_selector_all(
        "tr:not(.published) td[data-value]:not([data-value='']):nth-child(n+4)",
        "all => all.map(e => e.querySelector('a')?.getAttribute('href') || e.textContent)",
    )
    assert len(links) > 30
    assert {link.split("#")[0] for link in links} <= {"charts.html", "provenance.html"}
    detection = next(link for link in links if "detection" in link and "box=mAP&" in link)
    page.goto(f"{site.as_uri()}/{detection}")
    assert page.evaluate("Chart.getChart(document.querySelector('[data-boxes]')).data.labels.length") == 4
    assert "bootstrap draws" in page.text_content("[data-over]")
    low, high = page.evaluate(
        "Chart.getChart(document.querySelector('[data-boxes]')).data.datasets[2].data[1]"
    )
    assert 0 <= low < high <= 1


def test_names_made_to_hurt_are_text(watched: Any, site: Path) -> None:
    page = watched.open("index.html")
    boards = page.eval_on_selector_all("[data-board] option", "all => all.map(o => o.value)")
    texts = page.eval_on_selector_all("[data-board] option", "all => all.map(o => o.textContent)")
    index = next(i for i, text in enumerate(texts) if "onerror" in text)
    page.select_option("[data-board]", boards[index])
    shown = titles(page)
    assert "<script>window.hurt=1</script>" in shown
    assert "红外可见光融合" in shown
    assert "<script>" not in copied(page, "[data-copy=latex]")
    assert page.evaluate("window.hurt") is None
    page = watched.open("images.html")
    galleries = page.eval_on_selector_all("[data-gallery] option", "all => all.map(o => o.value)")
    page.select_option("[data-gallery]", galleries[-1])
    shown = page.eval_on_selector_all("[data-image] option", "all => all.map(o => o.textContent)")
    assert sorted(shown) == sorted(HURTFUL)
    for name in shown:
        page.select_option("[data-image]", name)
        page.wait_for_function(
            "n => [...document.images].every(i => i.complete && i.naturalWidth && i.alt.endsWith(n))",
            arg=name,
        )
    assert page.evaluate("window.hurt") is None
    pages = sorted([*(site / "methods").glob("*.html"), *(site / "datasets").glob("*.html")])
    for path in pages:
        watched.open(path.relative_to(site).as_posix())
        assert page.evaluate("window.hurt") is None
        assert page.locator("a[href^='javascript']").count() == 0


def test_slider_flicker_and_keys(watched: Any) -> None:
    page = watched.open("images.html#view=slider&left=infrared&right=max")
    page.wait_for_selector("img-comparison-slider.rendered")
    assert page.locator("img-comparison-slider img").count() == 2
    first = fragment(page)["image"]
    page.keyboard.press("ArrowRight")
    assert fragment(page)["image"] != first
    page.keyboard.press("ArrowLeft")
    assert fragment(page)["image"] == first
    page.keyboard.press("f")
    assert fragment(page)["view"] == "flicker"
    before = page.text_content("#stage figcaption")
    page.wait_for_function("t => document.querySelector('#stage figcaption').textContent !== t", arg=before)
    page.keyboard.press("g")
    assert page.locator("#stage figure").count() == 6  # two sensors, labels, three more methods
    page.keyboard.press("x")
    assert (fragment(page)["left"], fragment(page)["right"]) == ("max", "infrared")
    page.focus("[data-left]")
    page.keyboard.press("s")  # a key in a control is the control's
    assert fragment(page)["view"] == "grid"


def test_zoom_moves_all_images_together_and_is_in_the_address(watched: Any) -> None:
    page = watched.open("images.html#view=grid")
    page.wait_for_selector("#stage figure")
    page.keyboard.press("+")
    page.keyboard.press("+")
    moved = transforms(page)
    assert "scale(1.5625)" in moved[0]
    assert len(set(moved)) == 1
    here = page.url
    watched.open(here.split("/")[-1])
    assert "scale(1.56" in transforms(page)[0]
    box = page.locator(".frame").first.bounding_box()
    page.mouse.move(box["x"] + 80, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 50)
    page.mouse.up()
    dragged = transforms(page)
    assert len(set(dragged)) == 1
    page.keyboard.press("Shift+ArrowRight")
    assert set(transforms(page)) != set(dragged)
    assert len(set(transforms(page))) == 1
    page.keyboard.press("0")
    assert set(transforms(page)) == {"translate(0px, 0px) scale(1)"}


def test_overlays_of_boxes_and_masks(watched: Any) -> None:
    page = watched.open("images.html#view=grid")
    values = page.eval_on_selector_all("[data-overlay] option", "all => all.map(o => o.value)")
    boxes, masks = (next(v for v in values if v.startswith(kind)) for kind in ("boxes|", "masks|"))
    page.select_option("[data-overlay]", boxes)
    assert page.locator(".frame canvas").count() == 5
    assert page.is_visible("[data-legend]")
    states = page.eval_on_selector_all(".frame canvas", "all => all.map(e => e.dataset.states).join(' ')")
    assert set(states.split()) == {"truth", "hit", "false", "missed"}
    page.wait_for_function("[...document.querySelectorAll('.frame canvas')].every(c => c.width === 1280)")
    drawn = page.eval_on_selector_all(
        ".frame canvas",
        "all => all.map(c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v))",
    )
    assert drawn == [True] * 5
    page.select_option("[data-overlay]", masks)
    assert page.locator(".frame img.over").count() == 5
    page.wait_for_function("[...document.images].every(i => i.complete && i.naturalWidth)")
    assert page.is_visible("[data-classes]")


def test_sorts_images_by_metric_difference_and_task_error(watched: Any) -> None:
    page = watched.open("images.html#view=slider&left=average&right=laplacian")
    values = page.eval_on_selector_all("[data-sort] option", "all => all.map(o => o.value)")
    assert {value.split("|")[0] for value in values} == {"name", "value", "top", "difference", "errors"}
    page.select_option("[data-sort]", next(v for v in values if v.startswith("errors|seg")))
    order = page.eval_on_selector_all("[data-image] option", "all => all.map(o => o.value)")
    wrong = page.evaluate(
        "n => { const e = Object.entries(FB.galleries[0].errors).find(([k]) => k.startsWith('seg'))[1];"
        " return n.map(i => e[i].laplacian); }",
        order,
    )
    assert wrong == sorted(wrong, reverse=True)
    for kind, worth in (("value", "b"), ("top", "-b"), ("difference", "-Math.abs(a - b)")):
        chosen = next(v for v in values if v.startswith(f"{kind}|"))
        page.select_option("[data-sort]", chosen)
        numbers = page.evaluate(
            """([name, key]) => { const board = FB.boards.find(b => b.name === name);
            return [...document.querySelectorAll('[data-image] option')].map(o => {
              const at = board.images.indexOf(o.value);
              const [a, b] = ['average', 'laplacian'].map(m => board.values[key][m][at]);
              return WORTH; }); }""".replace("WORTH", worth),
            chosen.split("|")[1:],
        )
        assert len(numbers) == len(order)
        assert numbers == sorted(numbers)
        assert len(set(numbers)) > 2


def test_a_crop_from_disk_says_what_to_do_and_shows_the_figure(watched: Any) -> None:
    page = watched.open("images.html#view=slider")
    page.click("[data-save]")
    page.wait_for_function("document.querySelector('[data-said]').textContent")
    assert "fusionbench view" in page.text_content("[data-said]")
    assert "http.server" in page.text_content("[data-said]")
    assert page.locator(".made canvas").bounding_box()["width"] > 200


def test_a_crop_from_a_server_is_a_figure_with_insets(served: Any) -> None:
    page, address = served
    page.goto(f"{address}images.html#view=slider&left=visible&right=laplacian&scale=4&dx=-2&dy=-1")
    page.wait_for_selector("img-comparison-slider.rendered")
    with page.expect_download() as waiting:
        page.click("[data-save]")
    figure = np.asarray(Image.open(waiting.value.path()).convert("RGB")).astype(int)
    height, width = page.evaluate(
        "(() => { const i = document.querySelector('.frame img'); return [i.naturalHeight, i.naturalWidth]; })()"
    )
    assert figure.shape == (2 * height + 8 + 26, 2 * width + 8, 3)
    assert waiting.value.suggested_filename == page.input_value("[data-image]") + ".png"
    # the inset is the framed window, four times as large
    window = figure[height // 4 : height // 2, width // 2 : 3 * width // 4]
    inset = figure[height + 8 : 2 * height + 8, :width]
    coarse = inset[2::4, 2::4][: window.shape[0], : window.shape[1]]
    inner = (slice(3, -3), slice(3, -3))
    assert np.abs(coarse[inner] - window[: coarse.shape[0], : coarse.shape[1]][inner]).mean() < 3
    page.click("[data-figure]")
    page.wait_for_function("document.querySelector('[data-said]').textContent.includes('clipboard')")
    kinds = page.evaluate("navigator.clipboard.read().then(items => items.flatMap(i => i.types))")
    assert kinds == ["image/png"]
    page.keyboard.press("g")
    with page.expect_download() as waiting:
        page.click("[data-save]")
    grid = Image.open(waiting.value.path())
    assert grid.width == 4 * width + 3 * 8  # six images, four a row
    assert copied(page, "[data-link]") == page.url


def test_charts_default_to_metric_against_task_and_lead_to_the_leaderboard(watched: Any) -> None:
    page = watched.open("charts.html")
    assert "VIF" in page.input_value("[data-x]")
    assert page.input_value("[data-y]").endswith("mIoU")
    boxes = page.evaluate(
        "Chart.getChart(document.querySelector('[data-boxes]')).getDatasetMeta(1).data.map(bar => [bar.width, bar.height])"
    )
    assert len(boxes) == 4
    assert all(width > 1 and height > 8 for width, height in boxes)
    assert "laplacian" in page.evaluate(
        "Chart.getChart(document.querySelector('[data-boxes]')).scales.y.getLabels()"
    )
    point = page.evaluate(
        """(() => { const chart = Chart.getChart(document.querySelector('[data-scatter]')); const e = chart.getDatasetMeta(0).data[0];
        const r = chart.canvas.getBoundingClientRect();
        return [r.left + e.x, r.top + e.y, chart.data.datasets[0].label]; })()"""
    )
    page.mouse.move(point[0], point[1])
    page.wait_for_function("Chart.getChart(document.querySelector('[data-scatter]')).tooltip.opacity > 0")
    said = page.evaluate("Chart.getChart(document.querySelector('[data-scatter]')).tooltip.body[0].lines")
    assert said[0] == point[2]
    assert said[1].startswith("VIF 5.")
    page.mouse.click(point[0], point[1])
    page.wait_for_url("**/index.html#*")
    assert titles(page) == [point[2]]


def test_the_heat_map_of_robustness_names_method_condition_and_share(watched: Any) -> None:
    page = watched.open("charts.html")
    cells = page.eval_on_selector_all(".heat td", "all => all.map(e => e.title)")
    assert len(cells) == 4 * 3
    assert "laplacian, fog, severity 5: 0.30" in cells
    page.click(".heat tbody th a:has-text('average')")
    page.wait_for_url("**/index.html#*")
    assert titles(page) == ["average"]


def test_a_number_leads_to_its_source(watched: Any) -> None:
    page = watched.open("index.html")
    page.click("section:not([hidden]) tbody tr:last-child td:last-child a")
    page.wait_for_url("**/provenance.html#*")
    assert page.is_visible("details[open] table.facts")
    assert "abc1234" in page.text_content("details[open]")


def test_filtering_30_by_361_rows_takes_less_than_100_ms(watched: Any, site: Path, tmp_path: Path) -> None:
    """The first key's CPU time, to the end of the frame that shows its result: others may use the machine."""
    shutil.copytree(site / "static", tmp_path / "static")
    many = BENCHMARK["with_rows"](site, 30 * 361)
    (tmp_path / "index.html").write_text(many, encoding="utf-8")
    page = watched.page
    watched.inside = (*watched.inside, tmp_path.as_uri())
    page.goto("about:blank")
    page.goto(f"{tmp_path.as_uri()}/index.html")
    assert "of 10830 rows" in page.text_content("[data-rest]")
    times = BENCHMARK["key_times"](page, "lap")
    said = ", ".join(f"{wall:.0f} ms ({cpu:.0f} of CPU)" for wall, cpu in times)
    print(f"keys over 30 × 361 rows: {said}")
    assert times[0][1] <= 100
    page.keyboard.type("lacian image-2706")
    assert titles(page) == ["laplacian"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(watched: Any, site: Path, scheme: str) -> None:
    page = watched.page
    page.emulate_media(color_scheme=scheme)
    method = sorted(p.name for p in (site / "methods").glob("*.html"))[0]
    dataset = sorted(p.name for p in (site / "datasets").glob("*.html"))[0]
    paths = ("index.html", "images.html", "charts.html", "provenance.html")
    for path in (*paths, f"methods/{method}", f"datasets/{dataset}"):
        watched.open(path)
        page.add_script_tag(path=AXE)
        found = page.evaluate(
            "axe.run(document, {resultTypes: ['violations'], preload: false}).then(r => r.violations)"
        )
        serious = [
            (v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")
        ]
        assert serious == [], path
    page.emulate_media(color_scheme=None)


def test_the_page_fits_a_phone(watched: Any) -> None:
    page = watched.page
    page.set_viewport_size({"width": 390, "height": 800})
    for path in ("index.html", "images.html", "charts.html", "provenance.html"):
        watched.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page.set_viewport_size({"width": 1280, "height": 800})
