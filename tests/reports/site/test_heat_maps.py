"""The robustness heat map: made-up relative scores in, a table that reads without JavaScript out."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from fusionbench.reports.site.boards import boards
from fusionbench.reports.site.heat_maps import MOST, heat_map, heat_maps
from fusionbench.reports.site.pages import environment
from tests.support.report_rows import frame, report_input, row

SHARES = {
    "Average": {("noise", 1): 0.98, ("noise", 5): 0.4, ("fog", 3): 1.1},
    "<b>bold</b>": {("noise", 1): 0.9, ("noise", 5): math.nan, ("fog", 3): 0.75},
}


def test_columns_are_grouped_by_corruption_and_lines_follow_the_leaderboard() -> None:
    found = heat_map("board", "mIoU", SHARES, ["<b>bold</b>", "Average"])
    assert found.groups == [("noise", ["1", "5"]), ("fog", ["3"])]
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


def test_rows_of_corrupted_pairs_become_shares_of_the_clean_score() -> None:
    data = report_input(frame(row(m, "VIF", v) for m, v in (("max", 0.8), ("average", 0.5))))
    rows = [(m, "fog", s, v) for m, s, v in (("max", 1, 0.6), ("max", 3, 0.4), ("average", 1, 0.5))]
    corrupted = frame(row(m, "VIF", v) for m, _, _, v in rows).assign(
        corruption=[c for _, c, _, _ in rows], severity=[s for _, _, s, _ in rows], variant="demo-fog"
    )
    data = replace(data, corrupted=corrupted)
    (found,) = heat_maps(data, boards(data))
    assert found.title == "VIF, demo · test · cddfuse"
    assert found.conditions == (("fog", 1), ("fog", 3))
    cells = {line.title: [text for _, text in line.cells] for line in found.lines}
    assert cells == {"max": ["0.75", "0.50"], "average": ["1.00", "–"]}
    many = [(f"kind-{i}", s) for i in range(MOST // 2 + 1) for s in (1, 3)]
    corrupted = frame(row("max", "VIF", 0.2 * s) for _, s in many).assign(
        corruption=[c for c, _ in many], severity=[s for _, s in many], variant="v"
    )
    (found,) = heat_maps(replace(data, corrupted=corrupted), boards(data))
    assert len(found.conditions) == MOST // 2 + 1
    assert found.groups[0] == ("kind-0", ["mean"])
    assert {text for _, text in found.lines[0].cells} == {"0.50"}
    assert heat_maps(replace(data, corrupted=corrupted.iloc[:0]), boards(data)) == []
