"""The detection evaluator: a judge looks at all fused images of a method on a split."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fusionbench.contracts.evaluator import EvaluatorSettings, EvaluatorSpec, FusedSet, Value
from fusionbench.contracts.protocol_id import ProtocolId, protocol_hash
from fusionbench.errors import InputError
from fusionbench.files import artifacts
from fusionbench.images.codec import as_rgb
from fusionbench.planning.protocols import named_file

from .ground_truth import read_boxes
from .judge.detector import Detector, Thresholds, load_detector
from .judge.retraining import retrained
from .scores.average_precision import Truth
from .scores.class_maps import map_classes
from .scores.set_scores import IMAGE_METRICS, image_values, score_set, set_values, write_details

Progress = Callable[[int, int], None]


class DetectionEvaluator:
    """Scores sets of fused images by one protocol; ``settings.options`` is its recipe."""

    def __init__(self, spec: EvaluatorSpec, settings: EvaluatorSettings) -> None:
        self._spec, self._settings = spec, settings
        self._recipe = dict(settings.options)
        self._thresholds = Thresholds(
            **{
                k: self._recipe[k]
                for k in ("image_size", "confidence", "nms_iou", "max_detections", "letterbox")
                if k in self._recipe
            }
        )
        self._retrains = any(c.retrains for c in spec.conventions if c.name == settings.convention)

    def score(self, fused: FusedSet, progress: Progress) -> Iterable[tuple[str, Value]]:
        """Find objects in every image, match them with the boxes of the dataset, and return (image or "",
        value).

        Pairs whose boxes can't be used are left out of the set's figures and named with the reason.
        """
        classes = fused.dataset.spec.box_classes
        boxed = read_boxes(fused.dataset, fused.pairs)
        for note in boxed.notes:
            self._settings.note(note)
        detector, about = self._judge(fused, boxed.rule, progress)
        mapped = map_classes(detector.names, classes, f"the judge {about['judge']}")
        found, truth = [], []
        for done, pair in enumerate(boxed.pairs, 1):
            found.append(detector.find(as_rgb(fused.fused(pair.name)), self._thresholds, mapped))
            truth.append(Truth(boxed.boxes[pair.name].xyxy, boxed.boxes[pair.name].classes))
            progress(done, len(boxed.pairs))
        scored = score_set([p.name for p in boxed.pairs], classes, mapped.missing, found, truth)
        if self._settings.details_dir is not None:
            more = {
                "judge_training": self._training(fused, detector),
                "excluded": boxed.excluded,
                "label_notes": len(boxed.notes),
                "image_digest": fused.digest,
            }
            write_details(self._settings.details_dir, scored, {**about, **more})
        convention = str(ProtocolId(self._settings.convention, about["judge"], about["hash8"]))
        wanted = set(self._settings.metrics or (m.name for m in self._spec.metrics))
        rows = [*(("", value) for value in set_values(scored)), *image_values(scored)]
        rows += [
            (name, Value(metric, math.nan, reason=reason))
            for name, reason in boxed.excluded.items()
            for metric in IMAGE_METRICS
        ]
        return [
            (image, replace(value, convention=convention)) for image, value in rows if value.metric in wanted
        ]

    def _judge(self, fused: FusedSet, rule: str, progress: Progress) -> tuple[Detector, Mapping[str, Any]]:
        """The detector, and what ``about.json`` says of it.

        ``rule`` says how the boxes were made, where nobody drew them.
        """
        model = str(self._recipe["model"])
        path = named_file(self._spec, model)
        sha256 = self._identity(model, path) if path is not None else ""
        judge = Path(model).stem
        recipe = {**self._recipe, "model": judge, **({"boxes": rule} if rule else {})}
        about = {
            "protocol": self._settings.convention,
            "judge": judge,
            "judge_sha256": sha256,
            "recipe": recipe,
            "hash8": protocol_hash(recipe, sha256),
            "seed": self._settings.seed if self._retrains else None,
        }
        if self._retrains:
            return retrained(fused, self._recipe, path, sha256, self._settings, progress), about
        if path is None:
            raise InputError(
                f"detection.model={model}: there is no such file, and no judge of that name; known are"
                f" {', '.join(a.filename for a in self._spec.artifacts)} (`fusionbench weights fetch NAME`),"
                " or give a path"
            )
        return load_detector(path, sha256, self._settings.device), about

    def _identity(self, model: str, path: Path) -> str:
        """sha256 of the judge: of the official file, also where a verified conversion of it is used."""
        named = next((a for a in self._spec.artifacts if model in (a.name, a.filename)), None)
        if named is not None and named.sha256 and not Path(model).is_file():
            return named.sha256
        return artifacts.file_hashes(path)[0]

    def _training(self, fused: FusedSet, detector: Detector) -> str:
        """What the judge was trained on, in words; "" where nothing says so."""
        if not self._retrains or fused.training is None:
            return detector.training
        split, count = fused.training.split, len(fused.training.pairs)
        return f"the method's fused {split} split, {count} pairs, for each method and seed"


def build(spec: EvaluatorSpec, settings: EvaluatorSettings) -> DetectionEvaluator:
    """The evaluator for a protocol. Raises ``InputError`` for thresholds that make no sense."""
    return DetectionEvaluator(spec, settings)
