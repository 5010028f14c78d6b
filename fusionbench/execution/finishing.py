"""The end of a plan's image units: what their journals hold becomes manifests and rows, checked once more.

A number is kept only if its image was fused from the sources that are there now, and if all that it depends
on is recorded. Everything else is named among the failures, and the same command again does it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import FusionBenchError
from ..external.outputs import open_folder
from ..planning.plan import Plan
from ..planning.selection import current_fingerprint
from ..planning.unit_keys import fuse_unit, method_identity_hash
from ..planning.units import Group
from ..store.journal import Entry
from ..store.replaced import replaced_by
from ..store.run_store import RunStore
from ..terminal.progress import ProgressDisplay
from .group_journal import GroupResult
from .source_digests import group_sources

_AGAIN = "run the same command again"
_CHANGED = "changed while the run was going on"


def drop_replaced(plan: Plan, store: RunStore, progress: ProgressDisplay) -> None:
    """Forget results that this plan replaces: the same method and dataset, but other code, weights or
    dataset version."""
    for group in plan.groups:
        replaced = replaced_by(store, group.fuse)
        if replaced:
            progress.message(
                f"{group.label}: its code, weights or data have changed since it was run here; it is done "
                "again, and "
                f"{len(replaced)} earlier result{'s' * (len(replaced) != 1)} dropped"
            )
        for unit in replaced:
            store.discard(unit)
    for method_unit in plan.method_units:
        identity = method_identity_hash(method_unit.method, plan.config)
        for manifest in store.manifests(f"{method_unit.score.id.evaluator}--*.json"):
            other = manifest.facts.get("identity", identity) != identity
            if other and not manifest.unit.dataset and manifest.unit.method == method_unit.method.name:
                progress.message(f"{manifest.unit.stem}: measured with other code or weights; it is dropped")
                store.discard(manifest.unit)


def say_damage(plan: Plan, store: RunStore, progress: ProgressDisplay) -> None:
    """Read what the store holds of the plan, and say what is damaged and will be done again."""
    for group in plan.groups:
        for unit in (group.fuse, *(s.id for s in group.scores)):
            store.entries(unit)
    for note in store.notes:
        progress.message(note)


def finish_group(
    group: Group, plan: Plan, store: RunStore, outcome: GroupResult, progress: ProgressDisplay
) -> dict[str, str]:
    """Finish the units of a group. Returns why images failed, by name ("": the whole group)."""
    failures = dict(outcome.failures)
    entries = store.entries(group.fuse)
    failures |= _unaccounted(group, entries, failures, progress)
    failures |= _changed_meanwhile(group, plan)
    for name in sorted(failures.keys() - outcome.failures.keys()):
        progress.message(": ".join(p for p in ("failed", group.label, name, failures[name]) if p))
    provenance = outcome.provenance or store.journal_facts(group.fuse).get("provenance")
    if provenance is None:  # nothing was fused now: keep what the unit says of itself
        provenance = store.manifest_of(group.fuse).get("provenance")
    facts = {
        "failures": failures,
        "provenance": provenance,
        "settings": dict(group.method.settings),
        "dataset_settings": dict(group.dataset.settings),
    }
    store.finish(group.fuse, entries.values(), facts)
    names = {p.name for p in group.dataset.pairs}
    changed = _CHANGED in failures.get("", "")
    for score in group.scores:
        if score.evaluator.scope != "image":
            continue
        # What failed now (a source or fused image that has since been spoilt) keeps no number from an earlier
        # run, and neither does an image that isn't the one that was scored.
        scored = [
            e
            for n, e in store.entries(score.id).items()
            if n in entries
            and e.digest == entries[n].digest
            and not (n in failures and n in names)
            and not changed
        ]
        store.finish(
            score.id,
            scored,
            {
                "failures": failures,
                "evaluator_version": score.evaluator.version,
                "versions": score.versions,
                "fuse": group.fuse.key,
            },
        )
    return failures


def _unaccounted(
    group: Group, entries: Mapping[str, Entry], failures: Mapping[str, str], progress: ProgressDisplay
) -> dict[str, str]:
    """Images that neither failed nor were recorded, and images whose sources aren't those that were fused."""
    if "" in failures:
        return {}
    method = group.method
    folder = open_folder(method.spec, method.folder) if method.folder is not None else None
    sources, unusable = group_sources(group.dataset, group.dataset.pairs, folder, progress, group.label)
    found: dict[str, str] = {}
    for pair in group.dataset.pairs:
        name = pair.name
        if name in failures:
            continue
        if name in unusable:
            found[name] = f"its sources {_CHANGED} ({unusable[name]}); {_AGAIN}"
        elif name not in entries:
            found[name] = f"its result was recorded and is gone: was the journal deleted? {_AGAIN}"
        elif not entries[name].digest.startswith(sources[name]):
            found[name] = f"its sources {_CHANGED}; {_AGAIN}"
    return found


def _changed_meanwhile(group: Group, plan: Plan) -> dict[str, str]:
    """The group's failure if a file that its key names was replaced since the plan was made."""
    try:
        now = fuse_unit(plan.config, group.method, group.dataset).key
        code = current_fingerprint(group.method)
    except FusionBenchError as error:
        return {"": f"what it depends on {_CHANGED} ({error}); {_AGAIN}"}
    if code != group.method.fingerprint:
        return {"": f"the method's file or a module that it imports {_CHANGED}; {_AGAIN}"}
    if now != group.fuse.key:
        return {"": f"a file that its options or weights name {_CHANGED}; {_AGAIN}"}
    return {}
