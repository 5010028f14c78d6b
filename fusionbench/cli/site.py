"""``site`` and ``view``: stored runs as pages to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

Runs = Annotated[
    list[str],
    typer.Argument(metavar="RUN...", help="Runs: folders, or names below runs/. Several are joined."),
]
Images = Annotated[
    int, typer.Option("--images", help="Images per split in the browser, evenly spread; 0: all.")
]
Width = Annotated[int, typer.Option("--width", min=16, help="Width of the previews in pixels.")]
Originals = Annotated[bool, typer.Option("--originals", help="Original PNG files instead of previews.")]
Published = Annotated[bool, typer.Option("--published", help="Add the literature's published rows, marked.")]


def site(
    runs: Runs,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the site. Default: the first run's site/.")
    ] = None,
    images: Images = 60,
    width: Width = 640,
    originals: Originals = False,
    published: Published = False,
) -> int:
    """Write a static site: leaderboard, image browser, charts. It opens from disk and needs no server."""
    from ..errors import EXIT_DONE, EXIT_UNITS_FAILED

    options = {"images": images, "width": width, "originals": originals, "published": published}
    folder, size, problems = write_site(runs, out, options)
    print(f"{folder / 'index.html'} ({size / 1e6:.1f} MB)")
    return EXIT_UNITS_FAILED if problems else EXIT_DONE


def write_site(
    runs: Sequence[str], out: Path | None, options: Mapping[str, object]
) -> tuple[Path, int, Sequence[str]]:
    """Write the site of some runs. Returns its folder, its size in bytes, and what went wrong, which is
    printed too.

    Raises ``InputError`` where the runs hold no rows, or the folder holds something else.
    """
    import sys

    from ..errors import InputError
    from ..plugins import catalog
    from ..rendering import find_runs, merged_input, render

    stores = find_runs(runs)
    folder = out or stores[0].folder / "site"
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "static" / "site.js").is_file():
        raise InputError(f"--out {folder}: this folder holds other files; name a new or empty folder")
    specs = [spec for spec in catalog.reports.all().values() if spec.role == "site"]
    data = merged_input(stores, options)
    data.notes.extend(contradictions([store.rows() for store in stores]))
    files, _, problems = render(data, folder, specs, strict=True)
    for problem in problems:
        print(f"fusionbench: {problem}", file=sys.stderr)
    if not files:
        raise InputError("these runs hold no rows yet: nothing to show")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return folder, size, problems


def contradictions(frames: Sequence[pd.DataFrame]) -> list[str]:
    """What several runs say differently of one number: one sentence per method, metric and dataset.

    The first run's value is shown. A value that another run calls undefined is a contradiction too.
    """
    import pandas as pd

    rows = pd.concat(frames, ignore_index=True)
    key = [c for c in rows.columns if c not in {"run", "value", "reason"}]
    rows = rows[rows.duplicated(key, keep=False)]
    if not len(rows):
        return []
    spread = rows.groupby(key, dropna=False, sort=False).agg(
        low=("value", "min"), high=("value", "max"), given=("value", "count"), rows=("value", "size")
    )
    spread["gap"] = spread["high"] - spread["low"]
    tolerance = 1e-9 * spread["high"].abs().clip(lower=1)
    half_given = (spread["given"] > 0) & (spread["given"] < spread["rows"])
    odd = spread[(spread["gap"] > tolerance) | half_given].reset_index()
    said = []
    for place, part in odd.groupby(["method", "metric", "dataset"], sort=False):
        method, metric, dataset = map(str, place)
        own = rows[(rows["method"] == method) & (rows["metric"] == metric) & (rows["dataset"] == dataset)]
        runs = list(dict.fromkeys(map(str, own["run"])))
        said.append(
            f"{method}, {metric} on {dataset}: the runs {' and '.join(runs)} disagree on {len(part)} "
            f"value{'s' * (len(part) > 1)} (by up to {part['gap'].max():.3g}); those of {runs[0]} are shown"
        )
    return said


def view(
    runs: Runs,
    port: Annotated[int, typer.Option("--port", help="Port on this machine; 0: any that is available.")] = 0,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the browser.")] = True,
    images: Images = 60,
    width: Width = 640,
    originals: Originals = False,
) -> int:
    """Write the site of a run and show it on a loopback server until Ctrl-C."""
    import functools
    import http.server
    import webbrowser

    from ..errors import EXIT_DONE, InputError

    folder, _, _ = write_site(runs, None, {"images": images, "width": width, "originals": originals})
    handler = functools.partial(_quiet_handler(), directory=str(folder))
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except (OSError, OverflowError) as error:
        raise InputError(f"--port {port}: can't be used ({error}); choose another, or 0") from error
    address = f"http://127.0.0.1:{server.server_address[1]}/"
    print(f"{address} (Ctrl-C ends it)", flush=True)
    if open_browser:
        webbrowser.open(address)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
    return EXIT_DONE


def _quiet_handler() -> type:
    import http.server

    class QuietHandler(http.server.SimpleHTTPRequestHandler):
        """Serves files without a line per request."""

        def log_message(self, format: str, *arguments: object) -> None:
            return None

    return QuietHandler
