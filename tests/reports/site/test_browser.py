"""The site in a real browser, opened from disk.

Every test also asserts no console error and no request elsewhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

AXE = Path(__file__).parent / "vendor" / "axe.min.js"


def titles(page: Any) -> list[str]:
    """The visible methods of the visible table."""
    found: list[str] = page.eval_on_selector_all(
        "section[data-table]:not([hidden]) tbody tr:not([hidden]) th",
        "all => all.map(e => e.textContent.trim())",
    )
    return found


def fragment(page: Any) -> dict[str, str]:
    """What the address says."""
    return {key: value[0] for key, value in parse_qs(urlsplit(page.url).fragment).items()}


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
    assert fragment(page)["hide"] == "SD"
    page.reload()
    assert titles(page) == ["laplacian"]
    assert page.is_hidden("section:not([hidden]) th[data-key=SD]")
    assert page.is_visible("section:not([hidden]) th[data-key=EN]")


def test_copies_latex_csv_and_markdown(watched: Any) -> None:
    page = watched.open("index.html#sort=title&order=ascending")
    copied = {}
    for form in ("latex", "csv", "markdown"):
        page.click(f"[data-copy={form}]")
        page.wait_for_function("window.FBcopied")
        copied[form] = page.evaluate("window.FBcopied")
    assert "Method & Year & EN $\\uparrow$" in copied["latex"]
    assert "laplacian & 2023 & " in copied["latex"]
    assert copied["latex"].count("\\\\") == 5
    assert '"laplacian","2023",' in copied["csv"]
    assert copied["markdown"].startswith("| Method | Year | EN ↑")


def test_names_made_to_hurt_are_text(watched: Any, site: Path) -> None:
    page = watched.open("index.html")
    boards = page.eval_on_selector_all("[data-board] option", "all => all.map(o => o.value)")
    texts = page.eval_on_selector_all("[data-board] option", "all => all.map(o => o.textContent)")
    index = next(i for i, text in enumerate(texts) if "onerror" in text)
    page.select_option("[data-board]", boards[index])
    shown = titles(page)
    assert "<script>window.hurt=1</script>" in shown
    assert "红外可见光融合" in shown
    page.click("[data-copy=latex]")
    assert page.evaluate("window.hurt") is None
    for path in sorted((site / "methods").glob("*.html")):
        watched.open(f"methods/{path.name}")
        assert page.evaluate("window.hurt") is None


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
    page.keyboard.press("0")
    assert set(transforms(page)) == {"translate(0px, 0px) scale(1)"}


def test_overlays_of_boxes_and_masks(watched: Any) -> None:
    page = watched.open("images.html#view=grid")
    values = page.eval_on_selector_all("[data-overlay] option", "all => all.map(o => o.value)")
    boxes, masks = (next(v for v in values if v.startswith(kind)) for kind in ("boxes|", "masks|"))
    page.select_option("[data-overlay]", boxes)
    assert page.locator(".frame canvas").count() == 5
    assert page.is_visible("[data-legend]")
    page.select_option("[data-overlay]", masks)
    assert page.locator(".frame img.over").count() == 5
    page.wait_for_function("[...document.images].every(i => i.complete && i.naturalWidth)")
    assert page.is_visible("[data-classes]")


def test_sorts_images_by_metric_difference_and_task_error(watched: Any) -> None:
    page = watched.open("images.html#view=slider&left=average&right=laplacian")
    values = page.eval_on_selector_all("[data-sort] option", "all => all.map(o => o.value)")
    assert {value.split("|")[0] for value in values} == {"name", "value", "difference", "errors"}
    page.select_option("[data-sort]", next(v for v in values if v.startswith("errors|seg")))
    order = page.eval_on_selector_all("[data-image] option", "all => all.map(o => o.value)")
    wrong = page.evaluate(
        "n => { const e = Object.entries(FB.galleries[0].errors).find(([k]) => k.startsWith('seg'))[1];"
        " return n.map(i => e[i].laplacian); }",
        order,
    )
    assert wrong == sorted(wrong, reverse=True)
    page.select_option("[data-sort]", next(v for v in values if v.startswith("value|")))
    assert sorted(order) == sorted(
        page.eval_on_selector_all("[data-image] option", "all => all.map(o => o.value)")
    )


def test_a_crop_from_disk_says_what_to_do(watched: Any) -> None:
    page = watched.open("images.html#view=slider")
    page.click("[data-crop]")
    page.wait_for_function("document.querySelector('[data-said]').textContent")
    assert "fusionbench view" in page.text_content("[data-said]")


def test_charts_default_to_metric_against_task_and_lead_to_the_leaderboard(watched: Any) -> None:
    page = watched.open("charts.html")
    assert "VIF" in page.input_value("[data-x]")
    assert page.input_value("[data-y]").endswith("mIoU")
    boxes = page.evaluate("FBboxes().getDatasetMeta(1).data.map(bar => [bar.width, bar.height])")
    assert len(boxes) == 4
    assert all(width > 10 and height > 1 for width, height in boxes)
    assert "laplacian" in page.evaluate("FBboxes().scales.x.getLabels()")
    point = page.evaluate(
        "(() => { const e = FBscatter.getDatasetMeta(0).data[0]; const r ="
        " FBscatter.canvas.getBoundingClientRect(); return [r.left + e.x, r.top + e.y,"
        " FBscatter.data.datasets[0].label]; })()"
    )
    page.mouse.click(point[0], point[1])
    page.wait_for_url("**/index.html#*")
    assert titles(page) == [point[2]]


def test_a_number_leads_to_its_source(watched: Any) -> None:
    page = watched.open("index.html")
    page.click("section:not([hidden]) tbody tr:last-child td:last-child a")
    page.wait_for_url("**/provenance.html#*")
    assert page.is_visible("details[open] table.facts")
    assert "abc1234" in page.text_content("details[open]")


def test_filtering_30_by_361_rows_takes_less_than_100_ms(watched: Any) -> None:
    page = watched.open("index.html")
    spent = page.evaluate("""() => { // 30 × 361 rows in one table: far more than a leaderboard has
          const body = document.querySelector("section[data-table]:not([hidden]) tbody");
          const rows = [...body.children];
          const many = new DocumentFragment();
          for (let i = rows.length; i < 30 * 361; i++) many.append(rows[i % rows.length].cloneNode(true));
          body.append(many);
          const box = document.querySelector("[data-filter]");
          const times = [..."0123456789x"].map((text) => {
            const start = performance.now();
            box.value = "laplacian " + text;
            box.dispatchEvent(new Event("input"));
            document.body.offsetHeight; // with the layout that follows
            return performance.now() - start;
          });
          return Math.min(...times);
        }""")
    print(f"filter of 30 × 361 rows: {spent:.1f} ms")
    assert spent <= 100


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(watched: Any, site: Path, scheme: str) -> None:
    page = watched.page
    page.emulate_media(color_scheme=scheme)
    method = sorted(p.name for p in (site / "methods").glob("*.html"))[0]
    for path in ("index.html", "images.html", "charts.html", "provenance.html", f"methods/{method}"):
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
