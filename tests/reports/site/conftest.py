"""One synthetic site, and one browser for all tests of it."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fusionbench.cli.site import _quiet_handler
from tests.support.synthetic_site import synthetic_site_input


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
        self.inside: tuple[str, ...] = (root.as_uri(), "data:", "blob:", "about:")
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("requestfailed", self._failed)
        page.on("console", lambda m: self.problems.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _failed(self, request: Any) -> None:
        """Note a request that failed; one that the page gave up by leaving didn't."""
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"failed: {request.url}")

    def open(self, path: str) -> Any:
        """Open a page of the site, from disk; a change of the fragment alone loads it again."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.root.as_uri()}/{path}")
        return self.page


@pytest.fixture(scope="session")
def _page(browser: Any, site: Path) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(20_000)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield Watched(context.new_page(), site)
    context.close()


@pytest.fixture
def served(watched: Watched) -> Iterator[tuple[Any, str]]:
    """The page, and the address of the site on a loopback server as ``fusionbench view`` starts one."""
    handler = functools.partial(_quiet_handler(), directory=str(watched.root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        watched.inside = (*watched.inside, address)
        yield watched.page, address
        watched.page.goto("about:blank")
        server.shutdown()


@pytest.fixture
def watched(_page: Watched) -> Iterator[Watched]:
    """The page; after the test nothing may have been complained about, nor asked for outside the folder."""
    _page.requests.clear()
    _page.problems.clear()
    yield _page
    assert _page.problems == []
    assert [url for url in _page.requests if not url.startswith(_page.inside)] == []
