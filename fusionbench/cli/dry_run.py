"""``run --dry-run``: the units of a plan, and how much of each is there."""

from __future__ import annotations

import json
from typing import Any

from ..planning.config import RunConfig
from ..planning.plan import Plan, make_plan
from ..store.run_store import RunStore

_NUMBERS = {"images", "cached"}


def show_plan(config: RunConfig, *, as_json: bool) -> int:
    """Print what a run would do; nothing is done."""
    plan = make_plan(config, allow_missing=True)
    units = _units(plan, RunStore(config.folder))
    if as_json:
        print(json.dumps({"folder": str(config.folder), "units": units, "skipped": plan.skipped}, indent=1))
        return 0
    from rich.table import Table

    from ..terminal.console import console

    table = Table(title=f"{config.folder}: {len(units)} units")
    for column in ("unit", "method", "dataset", "convention", "images", "cached", "key"):
        table.add_column(column, justify="right" if column in _NUMBERS else "left")
    for row in units:
        table.add_row(*(str(v) for v in row.values()))
    console().print(table)
    for skipped in plan.skipped:
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
