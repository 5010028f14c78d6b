"""The contracts between the harness and its plugins: all that the author of a method, dataset, evaluator or
report must know.

Specs are pure data (pydantic, frozen) and cheap to import: nothing in this module imports torch, NumPy or
OpenCV at run time. The protocols below them are what a spec's ``factory`` builds.

Words: a *pair* is a registered infrared and visible image of one scene; a *unit* is one schedulable piece of
a run; a *row* is one number with all that is needed to know what it means.
"""

from __future__ import annotations

from .artifact import Artifact
from .dataset import Boxes, Dataset, DatasetSpec, Finding, HasLabelDigest, Pair, PairImages, UInt8Array
from .evaluator import (
    BatchEvaluator,
    ConventionSpec,
    DatasetEvaluator,
    EvaluatorSettings,
    EvaluatorSpec,
    FusedSet,
    ImageEvaluator,
    MethodEvaluator,
    MetricSpec,
    Value,
)
from .external_recipe import ExternalRecipe
from .method import (
    ConvertsWeights,
    HasNetwork,
    HasProvenance,
    Method,
    MethodContext,
    MethodSpec,
    MethodStatus,
)
from .protocol_id import ProtocolId
from .report import HasTables, Rendered, Report, ReportInput, ReportSpec
from .rows import COLUMNS, DETAIL_COLUMNS, SCORE_KEY, details_frame

__all__ = [
    "COLUMNS",
    "DETAIL_COLUMNS",
    "SCORE_KEY",
    "Artifact",
    "BatchEvaluator",
    "Boxes",
    "ConventionSpec",
    "ConvertsWeights",
    "Dataset",
    "DatasetEvaluator",
    "DatasetSpec",
    "EvaluatorSettings",
    "EvaluatorSpec",
    "ExternalRecipe",
    "Finding",
    "FusedSet",
    "HasLabelDigest",
    "HasNetwork",
    "HasProvenance",
    "HasTables",
    "ImageEvaluator",
    "Method",
    "MethodContext",
    "MethodEvaluator",
    "MethodSpec",
    "MethodStatus",
    "MetricSpec",
    "Pair",
    "PairImages",
    "ProtocolId",
    "Rendered",
    "Report",
    "ReportInput",
    "ReportSpec",
    "UInt8Array",
    "Value",
    "details_frame",
]
