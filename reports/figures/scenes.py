"""Which scenes a picture shows: those on which the methods differ most, by day and by night."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fusionbench.errors import FusionBenchError
from fusionbench.images.codec import as_grey

from ..scores.summary import direction_of

if TYPE_CHECKING:
    from fusionbench.contracts.report import ReportInput

SCENES = 4
"""Scenes a dataset, unless the option ``scenes`` gives their names (or another number)."""

DARK = 64.0
"""Mean luma (0 to 255) of a visible image below which a scene counts as dark, where its name doesn't tell."""

LOOKED_AT = 40
"""Candidates whose visible images are decoded to find out how bright they are."""

_HOUR = re.compile(r"\d([DN])$")


def hour_of(name: str) -> str:
    """``day`` or ``night`` where a scene's name tells (MSRS and the demo end theirs in D or N), else ""."""
    found = _HOUR.search(name)
    return {"D": "day", "N": "night"}[found[1]] if found else ""


def light_of(data: ReportInput, dataset: str, split: str, name: str) -> str:
    """``day`` or ``night`` by the scene's name, else ``bright`` or ``dark`` by the mean luma of its visible
    image; "" if that can't be read.
    """
    hour = hour_of(name)
    if hour:
        return hour
    try:
        visible = data.load_pair(dataset, split, name).visible
    except FusionBenchError:
        return ""
    return "dark" if float(as_grey(visible).mean()) < DARK else "bright"


def mixed(ranked: Sequence[str], light: Callable[[str], str], count: int) -> list[str]:
    """``count`` scenes of ``ranked`` (the most wanted first), half of them dark, as far as there are such.

    Bright scenes first, each kind in the order of the names. ``light`` is asked for as few scenes as will do,
    at most ``LOOKED_AT``: of more, every so many-th is looked at, so that a set sorted by hour shows both.
    """
    ranked = list(dict.fromkeys(ranked))
    looked = ranked[: LOOKED_AT // 2]
    rest = ranked[LOOKED_AT // 2 :]
    looked += rest[:: max(1, len(rest) // (LOOKED_AT - LOOKED_AT // 2))][: LOOKED_AT - len(looked)]
    if any(hour_of(name) for name in ranked):
        looked = ranked
    half = {True: count // 2, False: count - count // 2}
    kinds: dict[bool, list[str]] = {True: [], False: []}
    for name in looked:
        if all(len(kinds[dark]) >= half[dark] for dark in kinds):
            break
        kinds[light(name) in ("night", "dark")].append(name)
    chosen = [name for dark, own in kinds.items() for name in own[: half[dark]]]
    more = [name for name in looked if name not in chosen] + [name for name in ranked if name not in looked]
    chosen += more[: max(0, count - len(chosen))]
    return sorted(chosen, key=lambda name: (light(name) in ("night", "dark"), name))


def chosen_scenes(
    data: ReportInput, dataset: str, split: str, rows: pd.DataFrame, there: set[str], count: int = SCENES
) -> list[str]:
    """The scenes to show, of those ``there``: the ones the option ``scenes`` names (a list, or a text with
    commas; a number changes ``count``), else day and night mixed, those first on which the methods' scores in
    ``rows`` differ most.
    """
    wanted: Any = data.options.get("scenes")
    if isinstance(wanted, str):
        return [name.strip() for name in wanted.split(",")]
    if isinstance(wanted, list | tuple):
        return [str(name) for name in wanted]
    ranked = [name for name in disagreement(rows, data) if name in there]
    ranked += sorted(there - set(ranked))
    known: dict[str, str] = {}

    def light(name: str) -> str:
        if name not in known:
            known[name] = light_of(data, dataset, split, name)
        return known[name]

    return mixed(ranked, light, wanted if isinstance(wanted, int) else count)


def disagreement(rows: pd.DataFrame, data: ReportInput) -> list[str]:
    """Image names, those on which methods' scores differ most first.

    Per score (a metric with a direction, in one convention): the standard deviation between the methods,
    divided by the score's over all images; then the mean over scores.
    """
    own = rows[(rows["image"] != "") & np.isfinite(rows["value"])]
    own = own[own["metric"].map(lambda metric: direction_of(metric, data.metrics) != "none").astype(bool)]
    if own["method"].nunique() < 2:
        return []
    score = ["convention", "metric", "class_name"]
    values = own.groupby([*score, "image", "method"])["value"].mean()
    between = values.groupby([*score, "image"]).std()
    overall = values.groupby(score).std()
    share = between / overall.reindex(between.index.droplevel("image")).to_numpy()
    mean = share.replace([np.inf, -np.inf], np.nan).groupby("image").mean().dropna()
    return list(mean.sort_index().sort_values(ascending=False, kind="stable").index)
