"""``weights convert``: official weight files to safetensors, in a process of its own with limits.

The files are first recognised by their checksums, so only what the authors published is read at all. What
comes out is recorded beside it with the checksums of what it was made from, and ``artifacts.locate`` takes it
for the official files from then on. ``python -m fusionbench.files.weight_conversion`` is that process; a
method takes part by offering ``convert(files, out)``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..contracts.artifact import Artifact
from ..contracts.method import ConvertsWeights, MethodContext, MethodSpec
from ..errors import FusionBenchError, InputError
from ..plugins import catalog
from . import artifacts
from .atomic import write_atomic
from .weight_files import check_stored

TIME_LIMIT = 600
CONFINED = "confined"


def convert(files: Sequence[Path], method: str, out: Path | None = None) -> tuple[Path, bool]:
    """Convert a method's official files; returns the safetensors file and whether the system confined the
    process.

    ``out`` defaults to ``<method>.safetensors`` in the cache's ``weights``, where the method finds it. Files
    that aren't given are taken from where weights are looked for. Raises ``InputError`` for files that aren't
    the method's.
    """
    spec = catalog.methods.get(method)
    if not spec.artifacts or spec.external is not None or not spec.factory:
        raise InputError(f"{method} has no weights of its own to convert")
    sources = _sources(spec, files)
    target = (out or artifacts.cache_dir() / "weights" / f"{method}.safetensors").absolute()
    if target.suffix != ".safetensors":
        raise InputError(f"--out {target}: the file's name must end in .safetensors")
    target.parent.mkdir(parents=True, exist_ok=True)
    for path in sources.values():
        check_stored(path)
    with tempfile.TemporaryDirectory(prefix=".converting-", dir=target.parent) as folder:
        part = Path(folder) / target.name
        request = {
            "method": method,
            "out": str(part),
            "files": {name: str(path) for name, path in sources.items()},
        }
        confined = _in_a_process(request)
        os.replace(part, target)
    _record(target, [a for a in spec.artifacts if a.name in sources])
    return target, confined


def _record(path: Path, sources: Sequence[Artifact]) -> None:
    """Note beside a converted file what it was made from (see ``artifacts.RECORD_SUFFIX``)."""
    content = {
        "sha256": artifacts.file_hashes(path)[0],
        "sources": {a.name: a.sha256 or a.git_blob for a in sources if a.sha256 or a.git_blob},
    }
    write_atomic(path.with_name(path.name + artifacts.RECORD_SUFFIX), json.dumps(content, indent=1).encode())


def _sources(spec: MethodSpec, files: Sequence[Path]) -> dict[str, Path]:
    """Artifact → file, for all of a method's artifacts. Raises ``InputError`` for a file that is none of
    them, and for what is missing."""
    found: dict[str, Path] = {}
    for file in files:
        path = file.expanduser()
        if not path.is_file():
            raise InputError(f"there is no file {path}")
        reasons = {a.name: _unlike(path, a) for a in spec.artifacts}
        match = next((name for name, reason in reasons.items() if not reason), None)
        if match is None:
            expected = "; ".join(
                f"as {a.filename} it {reasons[a.name]}" for a in _likely(path, spec.artifacts)
            )
            raise InputError(
                f"{path}: isn't one of the files that {spec.name} was published with: {expected}"
            )
        found[match] = path.resolve()
    for artifact in spec.artifacts:
        if artifact.name not in found and not artifact.optional:
            try:
                found[artifact.name] = artifacts.locate(artifact, official=True)
            except FusionBenchError as error:
                raise InputError(f"{spec.name} needs {artifact.filename} too. {error}") from None
    return found


def _unlike(path: Path, artifact: Artifact) -> str:
    if not artifact.sha256 and not artifact.git_blob:
        return "" if path.name == artifact.filename else f"is called {artifact.filename}"
    return artifacts.check_file(path, artifact)


def _likely(path: Path, among: Sequence[Artifact]) -> list[Artifact]:
    return [a for a in among if a.filename == path.name] or list(among)


def _in_a_process(request: Mapping[str, object]) -> bool:
    """Have the conversion done elsewhere. Raises ``InputError`` with its message if it fails."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "fusionbench.files.weight_conversion"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"converting {request['method']}: not done after {TIME_LIMIT} s, given up") from None
    if done.returncode < 0 or "MemoryError" in done.stderr or "can't allocate memory" in done.stderr:
        raise InputError(
            f"converting for {request['method']}: the files need more time, memory or room than a conversion may "
            "have; are they the official ones?"
        )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"ended with exit status {done.returncode}"])[-1]
        raise InputError(f"converting for {request['method']}: {last[:2000]}")
    return CONFINED in done.stdout


def main() -> None:
    """The process: give up time, memory, network and programs, then convert what standard input names."""
    import safetensors.torch
    import torch

    from .confinement import confine

    torch.set_num_threads(1)
    request = json.load(sys.stdin)
    spec = catalog.methods.get(request["method"])
    method = catalog.build(spec.factory)(spec, MethodContext())
    safetensors.torch.save({"warm": torch.zeros(1)})  # what it imports late, it imports now
    out = Path(request["out"])
    read = sum(Path(path).stat().st_size for path in request["files"].values())
    confined = confine(out.parent, read)
    try:
        if not isinstance(method, ConvertsWeights):
            raise InputError(f"{spec.name} has no conversion; its files are read as they are")
        method.convert({name: Path(path) for name, path in request["files"].items()}, out)
    except FusionBenchError as error:
        sys.exit(str(error).replace("\n", " "))
    print(CONFINED if confined else "not confined")


if __name__ == "__main__":
    main()
