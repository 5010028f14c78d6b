"""Running a suite: its parts one after the other into one run folder, as one result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import InputError
from ..execution.runner import RunResult, execute
from ..planning.config import RunConfig
from ..planning.plan import Plan, make_plan


def part_plans(configs: Sequence[RunConfig]) -> tuple[list[Plan], list[str]]:
    """The plans of the parts that have something to run, and why others have nothing.

    Raises ``InputError`` if no part is left, or for what is wrong with any of them (a misspelt name).
    """
    plans: list[Plan] = []
    left_out: list[str] = []
    for config in configs:
        plan = make_plan(config, allow_missing=True)
        if plan.groups:
            plans.append(plan)
        else:
            left_out += [s for s in plan.skipped if s not in left_out]
    if not plans:
        raise InputError("\n  ".join(["the suite has nothing to run:", *(left_out or ["no part is left"])]))
    return plans, left_out


def execute_suite(configs: Sequence[RunConfig], *, quiet: bool = False) -> RunResult:
    """Run the parts of a suite. Returns one result: all of what the parts did, their failures and what was left out.

    Raises ``FusionBenchError`` as ``execute`` does.
    """
    plans, left_out = part_plans(configs)
    results: list[RunResult] = []
    for config in (plan.config for plan in plans):
        if results and config.overwrite == "never":  # the folder is there now, and holds the parts before
            config = config.model_copy(update={"overwrite": "only-missing"})
        results.append(execute(config, quiet=quiet))
    first = results[0]
    skipped = list(dict.fromkeys([*(s for r in results for s in r.plan.skipped), *left_out]))
    plan = replace(
        first.plan,
        groups=[g for r in results for g in r.plan.groups],
        method_units=[u for r in results for u in r.plan.method_units],
        skipped=skipped,
    )
    return replace(
        first,
        plan=plan,
        failures={label: found for r in results for label, found in r.failures.items()},
        fused=sum(r.fused for r in results),
        scored=sum(r.scored for r in results),
        seconds=sum(r.seconds for r in results),
    )
