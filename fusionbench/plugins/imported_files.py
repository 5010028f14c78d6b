"""The files that a user's method file consists of: itself, and the modules of the user's own that it imports.

Found by reading import statements, wherever they stand in the files, so that the fingerprint changes with
every line that may change a result. Installed packages and the standard library don't count: the run's
provenance names them.
"""

from __future__ import annotations

import ast
import hashlib
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

_OURS = "fusionbench"

_loaded: dict[Path, str] = {}
"""Files of the user's modules as they were when they were imported: path → sha256."""


def fingerprint(file: Path) -> str:
    """sha256 of a method file, or of it and the user's own modules that it imports. Raises ``OSError``."""
    own = hashlib.sha256(file.read_bytes()).hexdigest()
    helpers = helper_files(file)
    if not helpers:
        return own
    digest = hashlib.sha256(own.encode())
    for name, path in sorted(helpers.items()):
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def helper_files(file: Path) -> dict[str, Path]:
    """The user's own modules that a file imports, directly or through others: full name → file."""
    found: dict[str, Path] = {}
    todo: list[tuple[str, Path]] = [("", file)]
    roots = [file.resolve().parent, *_own_roots()]
    while todo:
        package, path = todo.pop()
        for name in _imported_names(path, package):
            for module, where in _resolve(name, roots):
                if module not in found and where.resolve() != file.resolve():
                    found[module] = where
                    inside = module if where.name == "__init__.py" else module.rpartition(".")[0]
                    todo.append((inside, where))
    return found


def forget_changed(helpers: dict[str, Path]) -> None:
    """Drop loaded modules that aren't these files as they are now, so that importing them again reads them.

    Otherwise a second method file whose helper has the same name would get the first one's, and an edited
    helper its old self.
    """
    for name, path in helpers.items():
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        other = file is not None and Path(file).resolve() != path.resolve()
        if module is not None and (other or _loaded.get(path.resolve(), content) != content):
            del sys.modules[name]
        _loaded[path.resolve()] = content


def _imported_names(path: Path, package: str) -> Iterator[str]:
    """The full names that a file's import statements may mean, packages before what is in them."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError, RecursionError):
        return  # importing it says what is wrong
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".") if package else []
            base = parents[: len(parents) - (node.level - 1)] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            if start:
                yield start
            yield from (f"{start}.{alias.name}".strip(".") for alias in node.names)


def _resolve(name: str, roots: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """The files of a module and the packages around it, from the first root that has it."""
    parts = name.split(".")
    if parts[0] == _OURS or parts[0] in sys.stdlib_module_names:
        return
    for root in roots:
        top = root / parts[0]
        if not (top.with_name(f"{parts[0]}.py").is_file() or top.is_dir()):
            continue
        for depth in range(1, len(parts) + 1):
            place = root.joinpath(*parts[:depth])
            for file in (place / "__init__.py", place.with_name(f"{place.name}.py")):
                if file.is_file():
                    yield ".".join(parts[:depth]), file
                    break
        return


def _own_roots() -> list[Path]:
    """The folders of ``sys.path`` that hold neither the standard library nor installed packages."""
    installed = {Path(p).resolve() for p in sysconfig.get_paths().values()}
    installed |= {Path(p).resolve() for p in sys.path if "site-packages" in p or "dist-packages" in p}
    roots = []
    for entry in sys.path:
        path = Path(entry or ".").resolve()
        if path.is_dir() and not any(path == p or p in path.parents for p in installed):
            roots.append(path)
    return roots
