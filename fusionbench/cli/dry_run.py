"""``run --dry-run``: the units of a plan, and how much of each is there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..planning.config import RunConfig
from ..planning.plan import Plan, make_plan
from ..store.run_store import RunStore

_NUMBERS = {"images", "cached"}


def show_plans(configs: Sequence[RunConfig], *, as_json: bool) -> int:
    """Print what a run (or a suite's parts, into one folder) would do; nothing is done."""
    plans = [make_plan(config, allow_missing=True) for config in configs]
    folder = configs[0].folder
    found = {
        (str(u["unit"]), str(u["method"]), str(u["key"])): u
        for plan in plans
        for u in _units(plan, RunStore(folder))
    }
    units = list(found.values())
    left_out = list(dict.fromkeys(text for plan in plans for text in plan.skipped))
    if as_json:
        print(json.dumps({"folder": str(folder), "units": units, "skipped": left_out}, indent=1))
        return 0
    from rich.table import Table

    from ..terminal.console import console

    table = Table(title=f"{folder}: {len(units)} units")
    for column in ("unit", "method", "dataset", "convention", "images", "cached", "key"):
        table.add_column(column, justify="right" if column in _NUMBERS else "left")
    for row in units:
        table.add_row(*(str(v) for v in row.values()))
    console().print(table)
    for skipped in left_out:
        console().print(f"missing: {skipped}", markup=False, highlight=False)
    return 0


def _units(plan: Plan, store: RunStore) -> list[dict[str, Any]]:
    units = []
    for group in plan.groups:
        names = {p.name for p in group.dataset.pairs}
        for unit in (group.fuse, *(score.id for score in group.scores)):
            units.append(
                {
                    "unit": unit.evaluator,
                    "method": unit.method,
                    "dataset": f"{unit.dataset}/{unit.split}",
                    "convention": unit.convention,
                    "images": len(names),
                    "cached": len(names & set(store.entries(unit))),
                    "key": unit.key[:12],
                }
            )
    for method_unit in plan.method_units:
        unit = method_unit.score.id
        units.append(
            {
                "unit": unit.evaluator,
                "method": unit.method,
                "dataset": "",
                "convention": "",
                "images": 1,
                "cached": int(bool(store.entries(unit))),
                "key": unit.key[:12],
            }
        )
    return units
