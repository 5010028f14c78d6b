"""The paper's Table 4 from our rows: IoU of its six classes and its mIoU, beside the mean over all classes.

The paper's mIoU column is the mean of the six columns beside it, not of the nine MSRS classes: in all 14 of
its rows the two agree within 0.0007, which is what rounding seven numbers to three decimals allows (checked
by ``tests/reports/test_published.py``). Three classes that are hard and rare (car stop, guardrail, bump)
don't count in it, and the background, near 0.98 for everyone, does. So ours stands here by the same
definition (``mIoU6``) and over all classes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from fusionbench.contracts.evaluator import MetricSpec

from ..published import published_rows
from ..scores.details import Detail, by_table, details_of, protocol_of
from ..scores.frames import TABLE_KEY, TableKey, tables_of
from ..scores.summary import summary
from .result_table import Column, ResultTable, result_table

if TYPE_CHECKING:
    from fusionbench.contracts.report import ReportInput

PAPER_CLASSES = {
    "background": "Background",
    "car": "Car",
    "person": "Person",
    "curve": "Curve",
    "color_cone": "Color Cone",
    "bike": "Bike",
}
"""The classes of Table 4 in its order, with its headings; what the paper calls background is our
``unlabelled`` (id 0).
"""

SOURCE = "Zhang et al., SGDFuse, Table 4"

MEAN_OF_SIX = MetricSpec(
    name="mIoU6",
    title="Mean IoU of the paper's six classes",
    value_range="0 to 1",
    formula="mean of IoU over background, car, person, curve, color cone and bike",
    source=SOURCE,
)

NOTE = (
    "mIoU (these six): the mean of the six columns beside it, as in the paper's Table 4, whose 14 rows agree"
    " with that mean within rounding (0.0007); mIoU (all classes) also counts the classes that the paper"
    " leaves out"
)


def paper_tables(data: ReportInput) -> list[ResultTable]:
    """One table in the form of Table 4 for each segmentation table that has IoU of its six classes; published
    rows beside those of MSRS' test split where the option ``published`` asks for them.
    """
    rows = data.rows[(data.rows["evaluator"] == "segmentation") & (data.rows["image"] == "")]
    if not len(rows):
        return []
    details = by_table(details_of(data, "segmentation"))
    found = []
    for key, group in tables_of(rows):
        own = six_classes(group)
        if own is not None:
            found.append(_paper_table(data, key, own, details.get(key, [])))
    return found


def six_classes(rows: pd.DataFrame) -> pd.DataFrame | None:
    """Rows of IoU of the six classes (``unlabelled`` called ``background``), of ``mIoU6``, their mean for
    each method and seed, and of mIoU. None where a class has no row at all.

    ``rows`` are the whole-set rows of one table. A method or seed that does not have one of the six has no mean.
    """
    iou = rows[(rows["metric"] == "IoU") & (rows["class_name"] != "")]
    iou = iou.assign(class_name=iou["class_name"].replace("unlabelled", "background"))
    iou = iou[iou["class_name"].isin(list(PAPER_CLASSES))]
    if set(iou["class_name"]) != set(PAPER_CLASSES):
        return None
    unit = ["run", "method", *TABLE_KEY, "seed"]
    mean = (
        iou.groupby(unit, sort=False)["value"]
        .agg(
            lambda values: (
                values.mean() if len(values) == len(PAPER_CLASSES) and values.notna().all() else float("nan")
            )
        )
        .reset_index()
        .assign(metric=MEAN_OF_SIX.name, class_name="", image="", reason="not all six classes occur")
    )
    overall = rows[(rows["metric"] == "mIoU") & (rows["class_name"] == "")]
    return pd.concat([iou, mean, overall], ignore_index=True)[list(rows.columns)]


def _paper_table(data: ReportInput, key: TableKey, rows: pd.DataFrame, details: list[Detail]) -> ResultTable:
    columns = [Column("IoU", name, heading, "higher", 3) for name, heading in PAPER_CLASSES.items()]
    columns += [
        Column(MEAN_OF_SIX.name, "", "mIoU (these six)", "higher", 3),
        Column("mIoU", "", "mIoU (all classes)", "higher", 3),
    ]
    dataset, split, _, convention = key
    published = published_rows()
    published = published[(published["source"] == SOURCE) & (published["dataset"] == dataset)]
    if split.startswith("train"):
        published = published.iloc[:0]
    spoken = published["note"].str.replace("; the mean of the six classes shown, not of all nine", "")
    published = published.assign(note=spoken)  # NOTE says it for all rows
    table = result_table(
        data, key, summary(rows), details, columns=columns, published=published.reset_index(drop=True)
    )
    notes = [NOTE]
    shown = data.options.get("published") and len(published)
    if shown and not (published["comparable_to"] == protocol_of(convention)).any():
        notes.append(
            f"published: the paper states neither recipe nor split of its training; {protocol_of(convention)}"
            " is a protocol of ours, so these rows and ours can't be compared"
        )
    return replace(
        table,
        caption=f"{table.caption} IoU in the form of the paper's Table 4.",
        footnotes=(*notes, *table.footnotes),
        form="paper-table4",
    )
