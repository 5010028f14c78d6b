"""Instance masks of a COCO-trained YOLO segmentation model as segments (package ultralytics)."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from fusionbench.errors import InputError
from fusionbench.files.weight_files import check_stored
from fusionbench.images.codec import as_rgb

from .artifacts import YOLOV8N_SEG
from .objectness import Segment, objectness_from_segments
from .provider import Image, Objectness, check_image, file_sha256, make_fingerprint, weight_file
from .ultralytics_gate import restricted_ultralytics, unreadable

WEIGHTS_VARIABLE = "FUSIONBENCH_YOLO_SEG_WEIGHTS"


class YoloSegMasks:
    """Instances of all 80 COCO classes, score = detection confidence.

    ``checkpoint``: a YOLO ``-seg`` weight file; without it the environment variable
    ``FUSIONBENCH_YOLO_SEG_WEIGHTS``, then the fetched artifact ``yolov8n-seg``. ``confidence``: instances
    below it are dropped. It is low on purpose: objectness is graded, so that a doubtful instance weighs
    little rather than nothing, and COCO models are less sure of themselves on infrared. ``image_size``: the
    longer side the network sees, in pixels, a multiple of 32. ``classes``: COCO indices to keep, all by
    default.
    """

    name = "yolo-seg"

    def __init__(
        self,
        checkpoint: str | Path | None = None,
        confidence: float = 0.10,
        image_size: int = 640,
        classes: Sequence[int] = (),
        device: str = "cpu",
    ) -> None:
        if not 0 < confidence < 1 or image_size < 32 or image_size % 32:
            raise InputError(
                "mask provider 'yolo-seg': confidence lies between 0 and 1, and image_size is a multiple of "
                f"32; not {confidence} and {image_size}"
            )
        import torch

        path = weight_file(checkpoint, WEIGHTS_VARIABLE, YOLOV8N_SEG)
        self._confidence, self._image_size = confidence, image_size
        self._device = torch.device(device)
        self._classes = [int(index) for index in classes] or None
        options: dict[str, object] = {"confidence": confidence, "image_size": image_size}
        if self._classes:
            options["classes"] = self._classes
        self.fingerprint = make_fingerprint(self.name, options, file_sha256(path))
        check_stored(path)
        with restricted_ultralytics() as ultralytics:
            try:
                self._model = ultralytics.YOLO(str(path))
            except (
                Exception
            ) as error:  # ultralytics raises whatever it met: TypeError, RuntimeError, KeyError…
                raise unreadable(path, error, YOLOV8N_SEG.name) from error
        if self._model.task != "segment":
            raise unreadable(
                path,
                ValueError(f"it is a {self._model.task} model, not a segmentation one"),
                YOLOV8N_SEG.name,
            )

    def objectness(self, image: Image, name: str | None = None) -> Objectness:
        """Objectness, float32 H×W in [0,1]; infrared goes in as three equal channels."""
        image = check_image(image)
        height, width = image.shape[:2]
        bgr = np.ascontiguousarray(as_rgb(image)[..., ::-1])  # ultralytics takes arrays as BGR
        with restricted_ultralytics():
            result = self._model.predict(
                bgr,
                conf=self._confidence,
                imgsz=self._image_size,
                classes=self._classes,
                device=self._device,
                retina_masks=True,  # masks at the image's own size
                verbose=False,
                save=False,
            )[0]
        if result.masks is None:
            return np.zeros((height, width), dtype=np.float32)
        segments = [
            Segment(_fit(mask, height, width), float(score))
            for mask, score in zip(
                result.masks.data.cpu().numpy(), result.boxes.conf.cpu().numpy(), strict=True
            )
        ]
        return objectness_from_segments(segments, (height, width))


def _fit(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """A network mask as bool H×W of the image."""
    if mask.shape != (height, width):
        mask = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return mask > 0.5
