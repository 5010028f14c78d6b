"""The pages without a browser: names are escaped, tables stand in the HTML, nothing comes from elsewhere."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fusionbench.cli import site as command_line
from fusionbench.cli.site import contradictions
from fusionbench.contracts.report import ReportSpec
from fusionbench.errors import InputError
from fusionbench.reports.site.boards import boards
from fusionbench.reports.site.names import plain
from fusionbench.reports.site.pages import build
from fusionbench.reports.site.provenance import command
from tests.support.report_rows import frame, quality_rows, report_input, row


class References(HTMLParser):
    """Collects tags, and the addresses that a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [
            value or ""
            for name, value in attrs
            if name in ("src", "href", "srcset", "action")
            and not (tag == "a" and (value or "").startswith("https://"))  # followed by a click alone
        ]


def test_pages_refer_to_files_of_the_site_only(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 12
    for page in pages:
        parser = References()
        parser.feed(page.read_text(encoding="utf-8"))
        for address in parser.addresses:
            file = address.split("#")[0]
            assert not re.match(r"(?i)(https?:)?//|javascript:", address), address
            if file and not file.startswith("data:"):
                target = (page.parent / file).resolve()
                assert target.is_file(), f"{page.name}: {address}"
                assert target.is_relative_to(site.resolve())


def test_names_made_to_hurt_are_escaped(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    assert "<script>window" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;window.hurt=1&lt;/script&gt;" in text
    assert "红外可见光融合" in text
    data = (site / "data" / "boards.js").read_text(encoding="utf-8")
    assert "</script" not in data


def test_all_tables_are_in_the_html_without_javascript(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    assert (
        text.count("<section data-table") == 4
    )  # quality, detection, segmentation, and the second dataset's quality
    assert not re.search(r"<section[^>]*hidden", text)
    assert text.count("laplacian") >= 3


def test_files_stay_inside_the_folder_and_names_do_not_collide(site: Path) -> None:
    assert len(list((site / "methods").glob("*.html"))) == 4 + 7
    assert {p.name for p in site.parent.iterdir()} == {"out", "run"}


@pytest.mark.parametrize("name", ["msrs-test", "U2Fusion", "00001D"])
def test_a_plain_name_stays(name: str) -> None:
    assert plain(name) == name


def test_other_names_become_plain_and_stay_apart() -> None:
    names = ["红外", "可见", "../x", "x/", "x y", "x" * 200, "x" * 201, "..", ""]
    found = [plain(name) for name in names]
    assert len(set(found)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,79}", name) for name in found)


def test_ties_are_the_methods_whose_difference_from_the_best_reaches_zero() -> None:
    rows = quality_rows(("low", "near", "best"), metrics=("EN",), images=12)
    values = rows.loc[rows["method"] == "best", "value"].to_numpy()
    wobble = [0.01 if i % 2 else -0.0101 for i in range(12)]
    rows.loc[rows["method"] == "near", "value"] = values + wobble
    (board,) = boards(report_input(rows))
    cells = {entry.entrant: entry.cells[0] for entry in board.entries}
    assert cells["near"].tie
    assert not cells["low"].tie
    assert cells["best"].count == 12
    assert cells["best"].low is not None


def test_scores_of_whole_sets_have_the_interval_of_their_draws(site: Path) -> None:
    text = (site / "data" / "boards.js").read_text(encoding="utf-8").split("FB.boards=")[1].rstrip(";\n")
    found = [b for b in json.loads(text) if b["evaluator"] in ("detection", "segmentation")]
    assert len(found) == 2
    for board in found:
        index = [c["key"] for c in board["columns"]].index(
            "mAP" if board["evaluator"] == "detection" else "mIoU"
        )
        for entry in board["entries"]:
            assert entry["cells"][index]["low"] < entry["cells"][index]["high"]


def test_a_taken_port_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_line, "write_site", lambda *_: (tmp_path, 0, []))
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(InputError, match="choose another"):
        command_line.view(["run"], port=taken.getsockname()[1], open_browser=False)


def test_ctrl_c_ends_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "write_site", lambda *_: (tmp_path, 0, []))
    monkeypatch.setattr("http.server.ThreadingHTTPServer.serve_forever", interrupted)
    assert command_line.view(["run"], port=0, open_browser=False) == 0


def test_contradicting_runs_are_said() -> None:
    one = frame([row("max", "EN", 5.0), row("max", "SD", 2.0)])
    other = frame([row("max", "EN", 6.0, run="other"), row("max", "SD", 2.0, run="other")])
    said = contradictions([one, other])
    assert len(said) == 1
    assert "max, EN on demo: the runs run and other disagree on 1 value (by up to 1)" in said[0]
    undefined = frame([row("max", "EN", float("nan"), run="other")])
    assert "max, EN on demo" in contradictions([one, undefined])[0]
    assert contradictions([one, one]) == []


def test_published_rows_are_marked_and_claim_no_run(tmp_path: Path) -> None:
    rows = quality_rows(("u2fusion",), metrics=("EN", "SD")).assign(dataset="msrs")
    data = replace(report_input(rows), options={"published": True})
    build(ReportSpec(name="site", title="Site")).render(data, tmp_path)
    (board,) = boards(data)
    published = {entry.title: entry for entry in board.entries if entry.kind == "published"}
    assert published["U2Fusion (published)"].cells[0].text == "5.37"  # SGDFuse's Table 1, on MSRS
    assert len(published) > 5
    for entry in published.values():
        assert "published" in entry.title
        assert not entry.run
        assert not any(c.tie or c.best or c.low is not None for c in entry.cells)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    lines = re.findall(r'<tr class="published".*?</tr>', page, re.DOTALL)
    assert len(lines) == len(published)
    assert all("provenance.html" not in line and "charts.html" not in line for line in lines)
    assert "Zhang et al., SGDFuse, Table 1" in page
    (plain_board,) = boards(replace(data, options={}))
    assert {entry.kind for entry in plain_board.entries} == {"measured"}


def test_the_command_is_the_one_that_was_given_or_made_from_the_settings() -> None:
    assert command({"command": "fusionbench run --method max"}) == "fusionbench run --method max"
    assert command({"config": {"method": ["max", "average"], "dataset": ["demo"], "limit": 6}}) == (
        "fusionbench run --method max,average --dataset demo --limit 6"
    )
    assert command({}) == ""
