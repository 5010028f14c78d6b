"""``data`` and ``weights``: fetch, convert, verify, where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import settings as s

if TYPE_CHECKING:
    from ..contracts.artifact import Artifact

data_app = typer.Typer(help="Datasets: fetch, verify, where.", no_args_is_help=True)
weights_app = typer.Typer(help="Weights and parameters: fetch, convert, verify, where.", no_args_is_help=True)

Dataset = Annotated[str, typer.Argument(help="A dataset; see `fusionbench list datasets`.")]
WeightNames = Annotated[list[str] | None, typer.Argument(help="Artifacts or methods; all if none is given.")]
Sha256 = Annotated[
    str | None, typer.Option("--sha256", help="The checksum you trust, for files whose authors publish none.")
]


@data_app.command("fetch")
def data_fetch(
    name: Dataset,
    into: Annotated[Path | None, typer.Option("--into", help="Unpack here. Default: the cache.")] = None,
    sha256: Sha256 = None,
) -> int:
    """Download a dataset where a direct source exists, else say where to get it and where to put it."""
    from ..files import artifacts
    from ..files.archives import is_unpacked
    from ..plugins import catalog

    spec = catalog.datasets.get(name)
    if not spec.needs_root:
        print(f"{name}: nothing to fetch, it is made by fusionbench itself")
        return 0
    if not any(a.urls and (a.sha256 or a.git_blob or sha256) for a in spec.artifacts):
        print(_instructions(name))
        return 0
    folder = into or artifacts.data_folder(name)
    for artifact in spec.artifacts:
        path = _fetch(artifact, sha256)
        if artifact.unpack and is_unpacked(path, folder):
            print(f"{path.name} is unpacked already")
        elif artifact.unpack:
            print(f"unpacking {path.name} into {folder}")
            artifacts.extract_archive(path, folder)
    print(f"{name}: in {folder}; `fusionbench data verify {name}` checks it")
    return 0


@data_app.command("verify")
@s.takes_settings(only=("split", "data_root", "dataset_options"))
def data_verify(name: Dataset, **flags: Any) -> int:
    """List every missing, unreadable, mismatched or duplicate file by name."""
    from ..errors import EXIT_DONE, EXIT_UNITS_FAILED
    from ..planning.selection import open_dataset

    split: str | None = flags.pop("split")
    resolved = s.resolve(None, method=["all"], **flags)
    dataset = open_dataset(name, resolved.data_root, resolved.dataset_options.get(name))
    findings = dataset.verify(split)
    for finding in findings:
        print(f"{finding.problem}: {finding.file}: {finding.message}")
    for one in [split] if split else dataset.spec.splits:
        try:
            print(f"{name}/{one}: {len(dataset.pairs(one))} pairs")
        except Exception as error:  # a split that isn't there is one line, the other splits are still counted
            print(f"{name}/{one}: {error}")
    bad = [f for f in findings if f.problem != "warning"]
    print(f"{len(bad)} problems, {len(findings) - len(bad)} warnings")
    return EXIT_UNITS_FAILED if bad else EXIT_DONE


@data_app.command("where")
def data_where(name: Dataset) -> None:
    """Say where a dataset is looked for, what is expected there, and how to get it."""
    print(_instructions(name))


def _instructions(name: str) -> str:
    from ..files import artifacts
    from ..plugins import catalog

    spec = catalog.datasets.get(name)
    if not spec.needs_root:
        return f"{name}: made by fusionbench itself, nothing has to lie anywhere"
    root = artifacts.data_root(name)
    lines = [
        f"{spec.title} ({spec.licence or 'licence not stated'})",
        f"  page: {spec.url}" if spec.url else "",
        f"  looked for in: --data-root, then FUSIONBENCH_DATA, then {artifacts.data_folder(name)}"
        + (f" (now: {root})" if root else " (not there now)"),
        f"  expected below it: {spec.layout}" if spec.layout else "",
    ]
    lines += [f"  archive {a.filename}: {artifacts.how_to_get(a)}" for a in spec.artifacts]
    return "\n".join(line for line in lines if line)


@weights_app.command("fetch")
def weights_fetch(names: WeightNames = None, sha256: Sha256 = None) -> int:
    """Download weights into the cache, verified; where there is no direct source, say how to get them."""
    from ..errors import EXIT_DONE, EXIT_UNITS_FAILED, FusionBenchError
    from ..files import artifacts

    failed = 0
    for artifact in _artifacts(names):
        if artifact.resource:
            print(f"{artifact.name}: ships with fusionbench")
            continue
        if not artifact.urls:
            print(f"{artifact.name}: {artifacts.how_to_get(artifact)}")
            continue
        try:
            print(f"{artifact.name}: {_fetch(artifact, sha256)}")
        except FusionBenchError as error:
            failed += 1
            print(f"{artifact.name}: {error}")
    return EXIT_UNITS_FAILED if failed else EXIT_DONE


@weights_app.command("verify")
def weights_verify(names: WeightNames = None) -> int:
    """Check the weights that are available against their checksums."""
    from ..errors import EXIT_DONE, EXIT_UNITS_FAILED, MissingWeightsError, WrongFileError
    from ..files import artifacts

    bad = 0
    for artifact in _artifacts(names):
        try:
            path = artifacts.locate(artifact)
            unchecked = "git blob" if artifact.git_blob else "no checksum known"
            checked = "sha256" if artifact.sha256 else unchecked
            print(f"ok       {artifact.name}: {path} ({checked})")
        except MissingWeightsError as error:
            wrong = isinstance(error, WrongFileError)
            bad += wrong or (bool(names) and not artifact.optional)
            absent = "optional" if artifact.optional else "missing"
            print(f"{'WRONG' if wrong else absent:8} {error}")
    return EXIT_UNITS_FAILED if bad else EXIT_DONE


@weights_app.command("where")
def weights_where(names: WeightNames = None) -> None:
    """Say where weights are looked for, and where each one is."""
    from ..errors import MissingWeightsError
    from ..files import artifacts

    print("looked for in: " + ", ".join(str(f) for f in artifacts.search_folders()))
    for artifact in _artifacts(names):
        try:
            print(f"{artifact.name}: {artifacts.locate(artifact)}")
        except MissingWeightsError:
            print(f"{artifact.name}: not here. {artifacts.how_to_get(artifact)}")


@weights_app.command("convert")
def weights_convert(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE...", help="Official weight files; what isn't given is taken from the cache."
        ),
    ] = None,
    method: Annotated[str, typer.Option("--for", help="The method they belong to.")] = "",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write here. Default: the cache.")] = None,
) -> None:
    """Rewrite official weight files as safetensors, checked by checksum, in a process with limits that executes
    nothing in them."""
    from ..errors import InputError
    from ..files.weight_conversion import convert

    if not method:
        raise InputError(
            "say which method the files belong to: `fusionbench weights convert FILE... --for METHOD`"
        )
    path, confined = convert(files or [], method, out)
    if not confined:
        print(
            "note: this system can't limit a process's time and memory; the files were still only read, not executed"
        )
    print(f"wrote {path}; `fusionbench weights where {method}` shows what is used")


def _artifacts(names: list[str] | None) -> list[Artifact]:
    """The artifacts of that name, or of the method of that name; all methods' if none is named."""
    from ..errors import UnknownNameError
    from ..plugins import catalog

    listed = [m.artifacts for m in catalog.methods.all().values()] + [
        e.artifacts for e in catalog.evaluators.all().values()
    ]
    by_name = {a.name: a for artifacts in listed for a in artifacts}
    if not names:
        return list(by_name.values())
    found: list[Artifact] = []
    for name in catalog.split_names(names):
        if name in by_name:
            found.append(by_name[name])
        elif name in catalog.methods.all():
            found += catalog.methods.get(name).artifacts
        else:
            known = [*by_name, *catalog.methods.all()]
            raise UnknownNameError(
                catalog.unknown_name_message("artifact or method", name, known, listed=False)
            )
    return found


def _fetch(artifact: Artifact, sha256: str | None) -> Path:
    from ..files import artifacts
    from ..terminal.progress import make_progress

    with make_progress() as progress:
        label = artifact.filename

        def show(done: int, total: int | None) -> None:
            progress.update(label, done, total or done or 1)

        return artifacts.fetch(artifact, show, sha256=sha256)
