"""The detection metrics as data; imports no torch."""

from fusionbench.contracts.evaluator import MetricSpec

_COCO = (
    "COCO evaluation protocol (Lin et al. 2014): greedy matching by score per class and IoU, 101-point"
    " interpolation"
)
_MEAN = (
    "Class “” is the mean over the classes that have ground truth and that the judge knows; other rows are"
    " one class alone."
)


def _ap(name: str, title: str, iou: str) -> MetricSpec:
    return MetricSpec(
        name=name,
        title=title,
        family="detection",
        value_range="0…1",
        formula=(
            f"Average precision at IoU {iou}: mean over 101 recalls of the best precision at that recall or"
            f" beyond. {_MEAN}"
        ),
        source=_COCO,
        pitfalls=("Interpolation at 11 points, or without it, gives other numbers under the same name.",),
        digits=3,
    )


_CONFIDENCE = "at the one confidence where F1 of all classes together is best (IoU .5, whole data set)"


def _count(name: str, title: str, direction: str, formula: str) -> MetricSpec:
    return MetricSpec(
        name=name,
        title=title,
        family="detection",
        direction=direction,
        unit="boxes",
        value_range="≥ 0",
        formula=f"{formula} of an image {_CONFIDENCE}.",
        source=_COCO,
        digits=0,
    )


METRICS = (
    _ap("mAP", "mAP@[.5:.95]", ".5, .55 … .95, averaged"),
    _ap("mAP50", "mAP@.5", ".5"),
    _ap("mAP70", "mAP@.7", ".7"),
    _ap("mAP90", "mAP@.9", ".9"),
    MetricSpec(
        name="Precision",
        title="Precision",
        family="detection",
        value_range="0…1",
        source=_COCO,
        digits=3,
        formula=f"Correct detections over all detections {_CONFIDENCE}; 0 where there are none. {_MEAN}",
        pitfalls=(
            "The confidence is chosen on the data that are scored, as is the custom; compare methods by mAP.",
        ),
    ),
    MetricSpec(
        name="Recall",
        title="Recall",
        family="detection",
        value_range="0…1",
        source=_COCO,
        digits=3,
        formula=f"Objects found over all objects {_CONFIDENCE}. {_MEAN}",
        pitfalls=(
            "The confidence is chosen on the data that are scored, as is the custom; compare methods by mAP.",
        ),
    ),
    _count("TP", "True positives", "higher", "Correct detections"),
    _count("FP", "False positives", "lower", "Detections that meet no object"),
    _count("FN", "False negatives", "lower", "Objects that no detection meets"),
)
