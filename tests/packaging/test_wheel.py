"""The built wheel, installed into a clean environment: what lands in site-packages, and what travels."""

from __future__ import annotations

import email
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ("methods", "evaluators", "datasets", "reports")

pytestmark = pytest.mark.slow


def call(*command: object) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the tracked files (building leaves folders behind)."""
    import shutil

    source = tmp_path_factory.mktemp("source") / "fusionbench"
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info", "*.nbi", "*.nbc")
    for folder in ("fusionbench", *PLUGINS):
        shutil.copytree(ROOT / folder, source / folder, ignore=ignored)
    for file in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    out = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site_packages(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site-packages of a clean environment that has the wheel, without its dependencies."""
    environment = tmp_path_factory.mktemp("clean") / "venv"
    venv.create(environment, with_pip=False, symlinks=True)
    (folder,) = environment.glob("lib/python3*/site-packages")
    call(
        sys.executable,
        "-m",
        "pip",
        "--python",
        environment / "bin/python",
        "install",
        "--no-deps",
        "--no-index",
        "--quiet",
        wheel,
    )
    return folder


def test_nothing_but_fusionbench_lands_in_site_packages(site_packages: Path) -> None:
    there = {
        p.name
        for p in site_packages.iterdir()
        if not p.name.startswith(("_", "pip", "setuptools", "distutils"))
    }
    assert not there & {*PLUGINS, "tests", "docs", "benchmarks", "tools"}
    packages = {name for name in there if not name.endswith(".dist-info")}
    assert packages == {"fusionbench"}
    for folder in PLUGINS:
        assert (site_packages / "fusionbench" / folder / "__init__.py").is_file()


def test_the_distribution_is_not_called_fusionbench(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    assert metadata["Name"] == "fusionbench-ivif"
    assert wheel.name.startswith("fusionbench_ivif-")


def test_every_module_and_data_file_travels(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        there = set(archive.namelist())
    missing = []
    for folder in ("fusionbench", *PLUGINS):
        for path in (ROOT / folder).rglob("*"):
            inside = path.relative_to(ROOT)
            if path.suffix in {".py", ".yaml", ".csv", ".json", ".safetensors"} or path.name == "py.typed":
                name = str(inside if folder == "fusionbench" else Path("fusionbench") / inside)
                if name not in there:
                    missing.append(name)
    assert not missing
    for kind in (".safetensors", ".yaml", ".csv", "py.typed"):
        assert any(n.endswith(kind) for n in there), kind
    assert not [n for n in there if "__pycache__" in n or n.startswith("tests/")]


def test_entry_points_are_there(site_packages: Path) -> None:
    (file,) = site_packages.glob("fusionbench_ivif-*.dist-info/entry_points.txt")
    text = file.read_text()
    assert "fusionbench = fusionbench.cli:main" in text
    for folder in PLUGINS:
        assert f"[fusionbench.{folder}]\nbuiltin = fusionbench.{folder}:discover" in text


def test_it_imports_from_any_folder(site_packages: Path, tmp_path: Path) -> None:
    """The package itself needs none of its dependencies to say its version."""
    python = site_packages.parents[2] / "bin" / "python"
    done = subprocess.run(
        [python, "-c", "import fusionbench; print(fusionbench.__file__, fusionbench.__version__)"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=True,
        env={},
    )
    path, version = done.stdout.split()
    assert Path(path).is_relative_to(site_packages)
    assert version


def test_the_site_travels_with_its_templates_scripts_and_licences(site_packages: Path) -> None:
    there = site_packages / "fusionbench" / "reports" / "site"
    for pattern in ("templates/*.html", "static/*.js", "static/*.css", "vendor/*.js", "vendor/*.LICENSE.txt"):
        wanted = {p.name for p in (ROOT / "reports" / "site").glob(pattern)}
        assert wanted
        assert {p.name for p in there.glob(pattern)} == wanted
