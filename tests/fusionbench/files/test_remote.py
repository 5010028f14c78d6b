"""Data sets in object storage, on moto's S3 server: copied once, then only where they changed; and run from
there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fusionbench.api import make_config
from fusionbench.errors import MissingDataError
from fusionbench.execution.runner import execute
from fusionbench.files import remote

pytest.importorskip("s3fs")
server = pytest.importorskip("moto.server")


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A file system on a server that keeps an empty bucket ``data`` in memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "someone")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "something")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("FUSIONBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        running = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        running.start()
        host, port = running.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        import fsspec

        files = fsspec.filesystem("s3")
        files.mkdir("data")
        yield files
        running.stop()


@pytest.fixture
def again() -> Iterator[Callable[[], None]]:
    """Forget what this process has copied, as a new process would."""

    def forget() -> None:
        remote._mirrored.clear()
        for storage, _ in [remote._storage("s3://data/pairs")]:
            storage.invalidate_cache()

    yield forget
    remote._mirrored.clear()


def put(storage: Any, folder: Path, prefix: str) -> None:
    for path in sorted(folder.rglob("*.png")):
        storage.pipe_file(f"data/{prefix}/{path.relative_to(folder)}", path.read_bytes())


def test_a_run_on_pairs_in_s3(
    storage: Any,
    again: Callable[[], None],
    pairs: Path,
    tmp_path: Path,
    results_of: Callable[[Path], dict[str, bytes]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(storage, pairs, "pairs")

    def run(name: str, root: str) -> Any:
        common = {"method": "max", "dataset": "folder", "task": "quality", "metrics": "EN", "out": tmp_path}
        return execute(make_config({**common, "data_root": {"folder": root}, "name": name}), quiet=True)

    found, local = run("s3", "s3://data/pairs"), run("local", str(pairs))
    assert found.fused == 4
    assert results_of(found.folder) == results_of(local.folder)
    assert "8 files" in capsys.readouterr().err
    # One image changes, one pair goes: only that is copied, and fused again.
    (pairs / "ir" / "a.png").write_bytes((pairs / "ir" / "b.png").read_bytes())
    for side in ("ir", "vi"):
        (pairs / side / "d.png").unlink()
        storage.rm(f"data/pairs/{side}/d.png")
    storage.pipe_file("data/pairs/ir/a.png", (pairs / "ir" / "a.png").read_bytes())
    again()
    changed = run("s3", "s3://data/pairs")
    assert "1 files" in capsys.readouterr().err
    assert (changed.fused, [p.name for p in changed.plan.groups[0].dataset.pairs]) == (1, ["a", "b", "c"])
    # Nothing new: nothing is copied. A worker that does not have a file fetches that one.
    again()
    folder = remote.mirror("s3://data/pairs")
    assert capsys.readouterr().err == ""
    (folder / "vi" / "b.png").unlink()
    remote.fetch_file("s3://data/pairs", folder / "vi" / "b.png")
    assert (folder / "vi" / "b.png").read_bytes() == (pairs / "vi" / "b.png").read_bytes()


@pytest.mark.parametrize("url", ["s3://data/nothing-here", "s3://no-such-bucket/pairs", "odd://data/pairs"])
def test_what_cant_be_read_is_named(storage: Any, url: str) -> None:
    with pytest.raises(MissingDataError, match=url):
        remote.mirror(url)


def test_google_needs_its_own_package(storage: Any) -> None:
    pytest.importorskip("fsspec")
    try:
        import gcsfs  # noqa: F401
    except ImportError:
        with pytest.raises(MissingDataError, match="pip install gcsfs"):
            remote.mirror("gs://bucket/pairs")


def test_a_name_that_leads_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="leads out"):
        remote._inside(tmp_path, "../elsewhere.png")
