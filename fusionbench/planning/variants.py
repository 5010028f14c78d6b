"""Variants of methods and datasets in one run folder: what tells them apart, and the names they go by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import FusionBenchError, StoreError
from ..store.entrants import CORRUPTION
from ..store.run_store import RunStore
from .config import RunConfig
from .unit_keys import dataset_settings, method_settings
from .units import PlannedDataset, PlannedMethod


class Names:
    """The names that a run folder knows, for methods and datasets. Reads the folder, never writes to it."""

    def __init__(self, config: RunConfig) -> None:
        store = RunStore(config.folder)
        self._config = config
        self._methods = store.entrants("methods")
        self._datasets = store.entrants("datasets")
        self._run = _run_file(store)

    def methods(self, methods: Sequence[PlannedMethod]) -> list[PlannedMethod]:
        """The methods with the names of their variants."""
        return [self._method(m) for m in methods]

    def datasets(self, datasets: Sequence[PlannedDataset]) -> list[PlannedDataset]:
        """The datasets with the names of their variants."""
        return [self._dataset(d) for d in datasets]

    def _method(self, method: PlannedMethod) -> PlannedMethod:
        base = method.spec.name
        if base in self._methods.known and self._methods.known[base] is None:
            self._methods.known[base] = self._earlier_settings(method)
        settings = method_settings(method, self._config)
        return replace(method, settings=settings, entrant=self._methods.name(base, settings))

    def _dataset(self, dataset: PlannedDataset) -> PlannedDataset:
        base = dataset.spec.name
        if base in self._datasets.known and self._datasets.known[base] is None:
            config = (self._run.get("invocations") or [{}])[-1].get("config", {})
            options = config.get("dataset_options", {}).get(base, {})
            self._datasets.known[base] = dataset_settings(options if isinstance(options, dict) else {})
        settings = dataset_settings(dataset.options)
        if dataset.corruption is not None:
            settings[CORRUPTION] = str(dataset.corruption)
        return replace(dataset, settings=settings, entrant=self._datasets.name(base, settings))

    def _earlier_settings(self, method: PlannedMethod) -> Mapping[str, Any] | None:
        """The settings of results that version 0.1 left, which noted the options, the precision and the
        seed elsewhere."""
        about = self._run.get("methods", {}).get(method.spec.name)
        invocations = self._run.get("invocations") or []
        if about is None or not invocations:
            return None
        config = invocations[-1].get("config", {})
        options = about.get("options")
        earlier = replace(method, options=options if isinstance(options, dict) else {})
        values = {name: config[name] for name in ("precision", "seed") if name in config}
        try:
            return method_settings(earlier, self._config.model_copy(update=values))
        except FusionBenchError:  # a file that isn't there any more: nothing can be said of it
            return None


def _run_file(store: RunStore) -> dict[str, Any]:
    try:
        return store.info()
    except StoreError:
        return {}
