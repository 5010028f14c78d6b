"""The segmentation protocols as data."""

from fusionbench.contracts.evaluator import ConventionSpec

from .recipes import (
    DEMO,
    FROZEN,
    MSRS_TWO_FOLDS,
    MSRS_TWO_FOLDS_FROZEN,
    RETRAIN,
    SEGFORMER,
    TDFUSION,
    TDIFUSION,
)

_OURS = "fusionbench; docs and recipe in evaluators/segmentation/README.md"

PROTOCOLS = (
    ConventionSpec(
        name="seg-retrain",
        title="Segmentation, retrained on each method",
        summary=(
            "DeepLabV3+ trained on each method's fused training split from equal initial weights in equal"
            " order, scored on the fused evaluated split; three seeds"
        ),
        source=f"{_OURS}; after the paper's Table 4 (DeepLabV3+), whose recipe isn't published",
        task="segmentation",
        recipe=RETRAIN,
        retrains=True,
        training_split="train",
        seeds=3,
    ),
    ConventionSpec(
        name="seg-frozen",
        title="Segmentation, one frozen judge",
        summary=(
            "One DeepLabV3+ for all methods, trained once on neutral blends of visible and infrared of the"
            " training split, never on a method's output; or the checkpoint that the option judge names"
        ),
        source=_OURS,
        task="segmentation",
        recipe=FROZEN,
    ),
    ConventionSpec(
        name="demo-seg",
        title="Segmentation of the demo scenes",
        summary=(
            "The frozen judge that ships with the package, trained on the demo's training split (neutral"
            " blends of visible and infrared)"
        ),
        source=_OURS,
        task="segmentation",
        recipe=DEMO,
    ),
    ConventionSpec(
        name="tdfusion-seg",
        title="Segmentation as TDFusion does",
        summary=(
            "SegFormer trained on each method's fused training split of MSRS (8 classes + unlabelled) or FMB"
            " (14 + unlabelled); what the paper doesn't state is as in seg-retrain, and the encoder is B0"
            " from random weights unless encoder_weights names a file"
        ),
        source=(
            "TDFusion (CVPR 2025): SegFormer, MSRS 8+1 and FMB 14+1 classes; IVIF_ZOO also trains SegFormer"
            " per method"
        ),
        task="segmentation",
        recipe=TDFUSION,
        retrains=True,
        training_split="train",
        seeds=3,
    ),
    ConventionSpec(
        name="tdifusion-seg",
        title="Segmentation as TD-IFusion does",
        summary=(
            "DeepLabV3+ trained on each method's fused training split at 480×640 with nine classes, id 255"
            " ignored; what the paper doesn't state is as in seg-retrain"
        ),
        source="TD-IFusion: DeepLabV3+, 480×640, nine classes, ignore 255",
        task="segmentation",
        recipe=TDIFUSION,
        retrains=True,
        training_split="train",
        seeds=3,
    ),
    ConventionSpec(
        name="msrs-2fold-devonly",
        title="DEV ONLY: segmentation, two folds of the evaluated split",
        summary=(
            "Development only, never the standard MSRS figure: because only the MSRS test split is available,"
            " it is cut into two folds and each is segmented by a DeepLabV3+ trained on the other, at"
            " 320×240, for few epochs; two seeds"
        ),
        source=_OURS,
        task="segmentation",
        recipe=MSRS_TWO_FOLDS,
        retrains=True,
        seeds=2,
    ),
    ConventionSpec(
        name="msrs-2fold-frozen",
        title="DEV ONLY: segmentation of MSRS by two frozen judges",
        summary=(
            "Development only, never the standard MSRS figure: two DeepLabV3+ with an ImageNet encoder, each"
            " trained on neutral blends of one half of MSRS's test pairs and judging the other half; the same"
            " judges for all methods"
        ),
        source=_OURS,
        task="segmentation",
        recipe=MSRS_TWO_FOLDS_FROZEN,
    ),
    ConventionSpec(
        name="msrs-2fold-segformer",
        title="DEV ONLY: segmentation of MSRS by two frozen SegFormers",
        summary=(
            "As msrs-2fold-frozen with SegFormer-B0 from random weights: whether another network ranks"
            " methods alike"
        ),
        source=_OURS,
        task="segmentation",
        recipe=SEGFORMER,
    ),
)
