"""Numbers that others published, as data (one CSV a table), and the one function that reads them.

Transcribed by hand. The tables of the SGDFuse paper are checked against its text by
``tests/reports/test_published.py``. Nothing here was measured by fusionbench: reports show these rows only
when asked to, marked as published, with their source.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

ABLATION_SOURCES = ("Zhang et al., SGDFuse, Table 3",)
"""Tables of ablation variants: their rows stand beside those variants only, never in a comparison of methods.
"""


@cache
def _all_rows() -> pd.DataFrame:
    import pandas as pd

    files = sorted(Path(__file__).parent.glob("*.csv"))
    rows = pd.concat([pd.read_csv(f, dtype=str, keep_default_na=False) for f in files], ignore_index=True)
    return rows.rename(columns={"value": "printed"}).assign(
        value=lambda frame: frame["printed"].astype(float)
    )


def published_rows() -> pd.DataFrame:
    """Every published number: a frame with one row a number.

    Columns: ``source``, ``method`` (as its table calls it), ``dataset``, ``split`` (empty where the source
    does not say), ``evaluator``, ``metric``, ``class_name``, ``value`` and ``printed`` (its text, with the
    decimals of the source), ``convention`` (always ``published``), ``comparable_to`` (the convention or
    protocol with which the numbers are consistent, and beside which alone they are shown), ``note`` (what is
    known to be doubtful about the number).
    """
    return _all_rows().copy()


def published_beside(
    dataset: str, split: str, evaluator: str, convention: str, names: set[str]
) -> pd.DataFrame:
    """The published rows to show in one table; ``names`` are the ``published_as`` names of the methods in it.

    Only rows of the same dataset, evaluator and convention (or protocol), and of the same split where the
    source states one; ablation variants only where one of ``names`` is such a variant. A source about one
    method alone is shown only beside that method. Nothing is shown beside a training split.
    """
    rows = published_rows()
    if split.startswith("train"):
        return rows.iloc[:0]
    rows = rows[(rows["dataset"] == dataset) & (rows["evaluator"] == evaluator)]
    rows = rows[(rows["comparable_to"] == convention) & rows["split"].isin(["", split])]
    methods = published_rows().groupby("source")["method"].nunique()
    rows = rows[(rows["source"].map(methods) > 1) | rows["method"].isin(names)]
    ablation = rows["source"].isin(ABLATION_SOURCES)
    variants = set(rows["method"][ablation]) - set(rows["method"][~ablation])
    return rows[ablation if variants & names else ~ablation].reset_index(drop=True)
