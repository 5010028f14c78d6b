"""MobileSAM (Zhang et al. 2023): SAM with a 5 M parameter image encoder, in its everything mode (package
ultralytics)."""

from pathlib import Path

import numpy as np

from fusionbench.errors import InputError
from fusionbench.images.codec import as_rgb

from .artifacts import MOBILE_SAM
from .objectness import Segment, objectness_from_segments
from .provider import Image, Objectness, check_image, file_sha256, make_fingerprint, weight_file
from .sam import load_into, read_state_dict
from .ultralytics_gate import restricted_ultralytics

WEIGHTS_VARIABLE = "FUSIONBENCH_MOBILE_SAM_WEIGHTS"


class MobileSamMasks:
    """Everything MobileSAM finds from a grid of point prompts, score = its predicted IoU.

    ``checkpoint``: ``mobile_sam.pt``; without it the environment variable ``FUSIONBENCH_MOBILE_SAM_WEIGHTS``,
    then the fetched artifact ``mobile-sam``. ``points_per_side``: prompts along each image side.
    ``pred_iou_thresh`` and ``stability_score_thresh`` drop uncertain segments. ``image_size``: the side the
    encoder sees, 1024 as trained.
    """

    name = "mobile-sam"

    def __init__(
        self,
        checkpoint: str | Path | None = None,
        points_per_side: int = 32,
        pred_iou_thresh: float = 0.88,
        stability_score_thresh: float = 0.95,
        image_size: int = 1024,
        device: str = "cpu",
    ) -> None:
        if points_per_side < 1 or image_size < 64:
            raise InputError(
                "mask provider 'mobile-sam': points_per_side must be at least 1 and image_size at least 64, "
                f"not {points_per_side} and {image_size}"
            )
        import torch

        path = weight_file(checkpoint, WEIGHTS_VARIABLE, MOBILE_SAM)
        # The state dict is read here, not by ultralytics, whose SAM loader unpickles without restriction.
        state = read_state_dict(path)
        with restricted_ultralytics():
            from ultralytics.models.sam import Predictor
            from ultralytics.models.sam.build import build_mobile_sam

            network = build_mobile_sam()
            load_into(network, state, path, "mobile_sam")
            self._predictor = Predictor(
                overrides={
                    "task": "segment",
                    "mode": "predict",
                    "imgsz": image_size,
                    "conf": min(max(pred_iou_thresh, 0.0), 1.0),
                    "device": torch.device(device),
                    "save": False,
                    "verbose": False,
                    "retina_masks": True,
                }
            )
            self._predictor.setup_model(network.eval(), verbose=False)
        self._generate = {
            "points_stride": points_per_side,
            "conf_thres": pred_iou_thresh,
            "stability_score_thresh": stability_score_thresh,
        }
        options = {
            "points_per_side": points_per_side,
            "pred_iou_thresh": pred_iou_thresh,
            "stability_score_thresh": stability_score_thresh,
            "image_size": image_size,
        }
        self.fingerprint = make_fingerprint(self.name, options, file_sha256(path))

    def objectness(self, image: Image, name: str | None = None) -> Objectness:
        """Objectness, float32 H×W in [0,1], of a uint8 H×W or H×W×3 RGB image."""
        image = check_image(image)
        shape = image.shape[:2]
        bgr = np.ascontiguousarray(as_rgb(image)[..., ::-1])
        with restricted_ultralytics():
            result = self._predictor(source=bgr, stream=False, **self._generate)[0]
        if result.masks is None or len(result.masks) == 0:
            return np.zeros(shape, dtype=np.float32)
        masks, scores = result.masks.data.cpu().numpy(), result.boxes.conf.cpu().numpy()
        segments = [Segment(mask > 0.5, float(score)) for mask, score in zip(masks, scores, strict=True)]
        return objectness_from_segments(segments, shape)
