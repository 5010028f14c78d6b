"""The robustness heat map: made-up relative scores in, a table that reads without JavaScript out."""

from __future__ import annotations

import math
import re

from fusionbench.reports.site.heat_maps import heat_map
from fusionbench.reports.site.pages import environment

SHARES = {
    "Average": {("noise", 1): 0.98, ("noise", 5): 0.4, ("fog", 3): 1.1},
    "<b>bold</b>": {("noise", 1): 0.9, ("noise", 5): math.nan, ("fog", 3): 0.75},
}


def test_columns_are_grouped_by_corruption_and_lines_follow_the_leaderboard() -> None:
    found = heat_map("board", "mIoU", SHARES, ["<b>bold</b>", "Average"])
    assert found.groups == [("noise", [1, 5]), ("fog", [3])]
    assert [line.title for line in found.lines] == ["<b>bold</b>", "Average"]
    assert [text for _, text in found.lines[0].cells] == ["0.90", "–", "0.75"]
    assert found.lines[0].cells[1][0] is None


def test_the_shade_grows_with_the_loss_and_gains_look_otherwise() -> None:
    found = heat_map("board", "mIoU", SHARES)
    assert [found.shade(v) for v in (1.0, 0.75, 0.5, 0.0)] == [0.0, 0.5, 1.0, 1.0]
    assert [found.side(v) for v in (0.4, 1.1, None)] == ["loss", "gain", ""]


def test_the_page_shows_each_cell_with_its_words_and_links_to_the_leaderboard() -> None:
    found = heat_map("msrs-test", "mIoU on msrs", SHARES)
    page = environment().get_template("charts.html").render(heat_maps=[found], root="")
    assert "<b>bold" not in page
    assert len(re.findall(r'<td[^>]*title="Average, noise, severity 5: 0.40"', page)) == 1
    assert 'style="--share: 1.000" class="loss"' in page
    assert 'href="index.html#board=msrs-test&amp;filter=average"' in page
    assert page.count("<td") == 6
