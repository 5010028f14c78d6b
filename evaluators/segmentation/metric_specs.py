"""The segmentation metrics as data."""

from fusionbench.contracts.evaluator import MetricSpec

_SUM = (
    "From the confusion matrix summed over the data set, not the mean over images; pixels of true id 255"
    " don't count."
)
_IOU_SOURCE = "PASCAL VOC (Everingham et al., IJCV 2015)"
_ABSENT = (
    "A class that is neither in the truth nor predicted anywhere is left out (NaN in its own row); one"
    " predicted where it never is counts 0."
)

METRICS = (
    MetricSpec(
        name="mIoU",
        title="Mean IoU",
        family="segmentation",
        value_range="[0, 1]",
        formula=(
            "Mean of IoU over all classes that are in the truth or predicted, id 0 (unlabelled) among them."
            f" {_SUM}"
        ),
        source=_IOU_SOURCE,
        pitfalls=(
            _ABSENT,
            "Papers differ in whether unlabelled counts and which classes they list; see mIoU_labelled.",
            "One training proves nothing: retrained, the same method moves by points between seeds.",
        ),
    ),
    MetricSpec(
        name="mIoU_labelled",
        title="Mean IoU without id 0",
        family="segmentation",
        value_range="[0, 1]",
        formula=(
            "Mean of IoU over the classes but id 0. Pixels of id 0 still count as errors of the others."
            f" {_SUM}"
        ),
        source=_IOU_SOURCE,
        pitfalls=(_ABSENT,),
    ),
    MetricSpec(
        name="IoU",
        title="Intersection over union",
        family="segmentation",
        value_range="[0, 1]",
        formula=f"TP / (TP + FP + FN) of one class. {_SUM}",
        source=_IOU_SOURCE,
        pitfalls=(_ABSENT,),
    ),
    MetricSpec(
        name="PixelAccuracy",
        title="Pixel accuracy",
        family="segmentation",
        value_range="[0, 1]",
        formula=(
            "Share of pixels whose id is right; the row without an image is over all pixels of the data set."
        ),
        source=_IOU_SOURCE,
        pitfalls=("Where most pixels are unlabelled (MSRS: 92 %) a judge that sees nothing scores high.",),
    ),
    MetricSpec(
        name="BoundaryF",
        title="Boundary F-score",
        family="segmentation",
        value_range="[0, 1]",
        formula=(
            "Per class and image: F of the shares of predicted and of true outline pixels that lie within"
            " 0.75 % of the image diagonal of the other outline; then the mean over the images in which the"
            " class is in truth or prediction, then over classes."
        ),
        source="Csurka, Larlus, Perronnin, BMVC 2013",
        pitfalls=(
            (
                "In an image where a class is only in the truth or only predicted, F = 0; where it is in"
                " neither, the image doesn't count for it."
            ),
            "The image border is no outline, nor are edges of ignored pixels.",
        ),
    ),
)
