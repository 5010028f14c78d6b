"""``list`` and ``info``: what there is, from specs alone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..contracts.evaluator import EvaluatorSpec

KINDS = (
    "methods",
    "datasets",
    "metrics",
    "conventions",
    "protocols",
    "tasks",
    "corruptions",
    "suites",
    "reports",
)


def list_names(
    kind: Annotated[str, typer.Argument(help=f"One of: {', '.join(KINDS)}.")],
    family: Annotated[
        str | None,
        typer.Option(help="Methods of these families only: classical, learned, diffusion (comma-separated)."),
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(
            help="Methods of these statuses only: verified, ported, external, needs-weights "
            "(comma-separated)."
        ),
    ] = None,
    year: Annotated[
        str | None, typer.Option(help="Methods of a year or of a range only, e.g. 2024, 2022-2025 or 2024-.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List methods, datasets, metrics, conventions, protocols, tasks, corruptions, suites or reports.

    On a terminal methods stand under headings of family and status, the newest first. Piped, each has one
    line.
    """
    from ..errors import InputError, UnknownNameError
    from ..plugins.catalog import methods, unknown_name_message
    from .method_list import MethodFilter, grouped_tables, method_rows

    kind = kind if kind.endswith("s") else f"{kind}s"
    if kind not in KINDS:
        raise UnknownNameError(
            unknown_name_message("kind of thing", kind, KINDS, listed=False) + f" Known: {', '.join(KINDS)}"
        )
    if kind == "methods":
        rows = method_rows(methods.all().values(), MethodFilter.parse(family, status, year))
    elif family or status or year:
        raise InputError(f"--family, --status and --year choose methods, not {kind}")
    else:
        rows = _ROWS[kind]()
    if as_json:
        import json

        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    from rich.table import Table

    from ..terminal.console import console, width

    if kind == "methods" and not rows:
        console().print("no method fits all of these filters")
        return
    if kind == "methods" and sys.stdout.isatty():
        for part in grouped_tables(rows, width()):
            console().print(part)
        return
    table = Table(box=None, header_style="bold")
    for column in rows[0] if rows else ["name"]:
        table.add_column(column, no_wrap=column == "name", overflow="fold")
    for row in rows:
        table.add_row(*("" if v is None else str(v) for v in row.values()))
    console().print(table)


def _datasets() -> list[dict[str, Any]]:
    from ..plugins.catalog import datasets

    return [
        {
            "name": d.name,
            "title": d.title,
            "splits": ", ".join(d.splits),
            "licence": d.licence,
            "labels": ", ".join(
                w for w, c in (("semantic", d.semantic_classes), ("boxes", d.box_classes)) if c
            ),
            "summary": d.summary,
        }
        for d in datasets.all().values()
    ]


def _metrics() -> list[dict[str, Any]]:
    from ..plugins.catalog import evaluators

    return [
        {
            "name": m.name,
            "title": m.title,
            "task": e.task,
            "better": {"higher": "↑", "lower": "↓", "none": ""}[m.direction],
            "conventions": ", ".join(m.conventions),
            "default": "yes" if m.name in e.default_metrics else "",
        }
        for e in evaluators.all().values()
        for m in e.metrics
    ]


def _conventions(kind: str) -> list[dict[str, Any]]:
    from ..plugins.catalog import evaluators

    return [
        {
            "name": c.name,
            "task": e.task,
            "default": _default_for(e, c.name),
            "title": c.title,
            "summary": c.summary,
            "source": c.source,
        }
        for e in evaluators.all().values()
        for c in e.conventions
        if e.definitions == kind
    ]


def _default_for(evaluator: EvaluatorSpec, convention: str) -> str:
    """``yes``, or the datasets where a convention is the default."""
    if convention == evaluator.default_convention:
        return "yes"
    return ", ".join(d for d, name in evaluator.default_conventions.items() if name == convention)


def _tasks() -> list[dict[str, Any]]:
    from ..plugins.catalog import evaluators

    return [
        {"name": e.task, "evaluator": e.title, "needs": ", ".join(sorted(e.needs)), "summary": e.summary}
        for e in evaluators.all().values()
    ]


def _corruptions() -> list[dict[str, Any]]:
    from ..corruptions.spec import SPECS

    return [
        {
            "name": c.name,
            "title": c.title,
            "changes": c.changes,
            "severities": ", ".join(map(str, c.severities)),
            "summary": c.summary,
        }
        for c in SPECS
    ]


def _suites() -> list[dict[str, Any]]:
    from ..suites.suite import load_suite, suite_names

    return [
        {"name": suite.name, "title": suite.title, "parts": len(suite.parts), "summary": suite.summary}
        for suite in map(load_suite, suite_names())
    ]


def _reports() -> list[dict[str, Any]]:
    from ..plugins.catalog import reports

    return [
        {"name": r.name, "title": r.title, "default": "yes" if r.default else "", "summary": r.summary}
        for r in reports.all().values()
    ]


_ROWS = {
    "datasets": _datasets,
    "metrics": _metrics,
    "conventions": lambda: _conventions("convention"),
    "protocols": lambda: _conventions("protocol"),
    "tasks": _tasks,
    "corruptions": _corruptions,
    "suites": _suites,
    "reports": _reports,
}


def info(
    words: Annotated[
        list[str],
        typer.Argument(metavar="[KIND] NAME", help="A name, optionally after its kind: `info metric VIF`."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """All there is to know about a method, dataset, metric, convention, protocol, task, corruption, suite or report."""
    from ..corruptions import spec as corruptions
    from ..errors import InputError, UnknownNameError
    from ..plugins import catalog
    from ..suites.suite import load_suite, suite_names

    if len(words) > 2:
        raise InputError("info takes a name, optionally after its kind: `fusionbench info metric VIF`")
    kind, name = (words[0].rstrip("s"), words[1]) if len(words) == 2 else ("", words[0])
    tables: dict[str, dict[str, Any]] = {
        "method": dict(catalog.methods.all()),
        "dataset": dict(catalog.datasets.all()),
        "metric": dict(catalog.metrics()),
        "convention": {
            c.name: c
            for e in catalog.evaluators.all().values()
            for c in e.conventions
            if e.definitions == "convention"
        },
        "protocol": {
            c.name: c
            for e in catalog.evaluators.all().values()
            for c in e.conventions
            if e.definitions == "protocol"
        },
        "task": {e.task: e for e in catalog.evaluators.all().values()},
        "corruption": dict(corruptions.by_name()),
        "suite": {name: load_suite(name) for name in [*suite_names(), *_suite_file(kind, name)]},
        "report": dict(catalog.reports.all()),
    }
    if kind and kind not in tables:
        raise UnknownNameError(f"info knows {', '.join(tables)}, not {kind!r}")
    found = [
        (k, n, spec)
        for k, table in tables.items()
        if k == (kind or k)
        for n, spec in table.items()
        if n.lower() == name.lower()
    ]
    if not found:
        known = [n for k, table in tables.items() if k == (kind or k) for n in table]
        raise UnknownNameError(catalog.unknown_name_message(kind or "name", name, known, listed=False))
    for found_kind, _, spec in found:
        if as_json:
            print(spec.model_dump_json(indent=1))
        else:
            _print_spec(found_kind, spec)


def _suite_file(kind: str, name: str) -> list[str]:
    """A suite's file, where one is named."""
    return [name] if kind == "suite" and name.endswith((".yaml", ".yml")) else []


def _said(kind: str, field: str, value: Any) -> tuple[str, Any]:
    """A field's label and value in words."""
    if (kind, field) == ("metric", "minimum_size"):
        value = f"{value}×{value} px"
    if (kind, field) == ("metric", "direction"):
        value = {"higher": "higher is better", "lower": "lower is better"}.get(value, "none is better")
    if (kind, field) == ("metric", "differentiable"):
        value = "yes, its torch version has a gradient" if value else "no"
    label = "constant images" if (kind, field) == ("metric", "constant") else field.replace("_", " ")
    return label, {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _plain(value: Any) -> Any:
    """A list or table inside a field, in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _print_spec(kind: str, spec: Any) -> None:
    from ..terminal.console import console as standard_output

    console = standard_output()
    console.print(f"[bold]{spec.name}[/bold] ({kind}): {spec.title}", highlight=False)
    for field, value in spec.model_dump(mode="json").items():
        if field in {"name", "title", "metrics", "factory"} or value in (None, "", [], {}, ()):
            continue
        label, value = _said(kind, field, value)
        if isinstance(value, dict):
            console.print(f"  {label}:", highlight=False)
            for key, text in value.items():
                console.print(f"    {key}: {_plain(text)}".removesuffix(": "), markup=False, highlight=False)
        elif isinstance(value, list):
            console.print(f"  {label}:", highlight=False)
            for item in value:
                text = (
                    "; ".join(f"{k} {_plain(v)}" for k, v in item.items() if v not in (None, "", [], False))
                    if isinstance(item, dict)
                    else str(item)
                )
                console.print(f"    - {text}", markup=False, highlight=False)
        else:
            console.print(f"  {label}: {value}", markup=False, highlight=False)
    if kind == "task":
        console.print(f"  metrics: {', '.join(m.name for m in spec.metrics)}", markup=False, highlight=False)
