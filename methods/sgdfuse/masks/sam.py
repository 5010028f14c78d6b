"""The paper's own provider: Segment Anything (Kirillov et al. 2023) in its automatic mode (package
segment-anything)."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from fusionbench.errors import InputError
from fusionbench.files.weight_files import check_stored
from fusionbench.images.codec import as_rgb

from .artifacts import SAM_VIT_B, SAM_VIT_H, SAM_VIT_L
from .objectness import Segment, objectness_from_segments
from .provider import (
    Image,
    Objectness,
    ProviderUnavailableError,
    check_image,
    file_sha256,
    make_fingerprint,
    weight_file,
)

CHECKPOINT_VARIABLE = "FUSIONBENCH_SAM_CHECKPOINT"

_OFFICIAL = {"vit_b": SAM_VIT_B, "vit_l": SAM_VIT_L, "vit_h": SAM_VIT_H}
_MODEL_OF_WIDTH = {768: "vit_b", 1024: "vit_l", 1280: "vit_h"}


class SamMasks:
    """Everything SAM finds from a regular grid of point prompts, score = its own predicted IoU.

    ``checkpoint``: an official ``.pth`` file; without it the environment variable
    ``FUSIONBENCH_SAM_CHECKPOINT``, then the fetched artifacts ``sam-vit-h``, ``sam-vit-l``, ``sam-vit-b``,
    the largest first (or the one of ``model``). ``model``: a name in segment-anything's registry, or
    ``auto``, which reads it off the checkpoint. ``points_per_side``, ``pred_iou_thresh``,
    ``stability_score_thresh`` and ``points_per_batch`` go to ``SamAutomaticMaskGenerator`` (its defaults).
    SAM saw visible images in training; infrared goes in as three equal channels.
    """

    name = "sam"

    def __init__(
        self,
        checkpoint: str | Path | None = None,
        model: str = "auto",
        points_per_side: int = 32,
        pred_iou_thresh: float = 0.88,
        stability_score_thresh: float = 0.95,
        points_per_batch: int = 64,
        device: str = "cpu",
    ) -> None:
        try:
            from segment_anything import SamAutomaticMaskGenerator, sam_model_registry
        except ImportError as error:
            raise ProviderUnavailableError(
                f"the package segment-anything can't be imported ({error}); install it with "
                "`pip install segment-anything`, or use the mask provider `saliency`"
            ) from error
        if model != "auto" and model not in sam_model_registry:
            known = ", ".join(sorted(set(sam_model_registry) - {"default"}))
            raise InputError(f"mask provider 'sam': no model is called {model!r}; there are auto, {known}")
        path = _find(checkpoint, model)
        sha256 = file_sha256(path)
        _check_official(path, sha256)
        state = read_state_dict(path)
        model = _model_of(state, path) if model == "auto" else model
        network = sam_model_registry[model](checkpoint=None)
        load_into(network, state, path, model)
        self._generator = SamAutomaticMaskGenerator(
            network.to(device).eval(),
            points_per_side=points_per_side,
            points_per_batch=points_per_batch,
            pred_iou_thresh=pred_iou_thresh,
            stability_score_thresh=stability_score_thresh,
        )
        options = {
            "model": model,
            "points_per_side": points_per_side,
            "pred_iou_thresh": pred_iou_thresh,
            "stability_score_thresh": stability_score_thresh,
        }
        self.fingerprint = make_fingerprint(self.name, options, sha256)

    def objectness(self, image: Image, name: str | None = None) -> Objectness:
        """Objectness, float32 H×W in [0,1], of a uint8 H×W or H×W×3 RGB image."""
        image = check_image(image)
        found: list[dict[str, Any]] = self._generator.generate(np.ascontiguousarray(as_rgb(image)))
        segments = [Segment(one["segmentation"], float(one["predicted_iou"])) for one in found]
        return objectness_from_segments(segments, image.shape[:2])


def read_state_dict(path: Path) -> dict[str, Any]:
    """The tensors of a SAM checkpoint, read with ``weights_only=True``.

    Raises ``ProviderUnavailableError`` when the file is damaged, holds code, or isn't a SAM checkpoint.
    """
    import torch

    try:
        check_stored(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ProviderUnavailableError(
            f"{path} can't be read as a SAM checkpoint ({type(error).__name__}: {reason}). It is damaged, "
            "incomplete or another kind of file; delete it and run `fusionbench weights fetch sam-vit-b`"
        ) from error
    if not isinstance(state, dict) or not any(str(key).startswith("image_encoder.") for key in state):
        raise ProviderUnavailableError(
            f"{path} is no SAM checkpoint: it holds no image_encoder.* tensors. "
            "`fusionbench weights fetch sam-vit-b` gets one"
        )
    return state


def load_into(network: Any, state: dict[str, Any], path: Path, model: str) -> None:
    """Load ``state`` strictly; ``ProviderUnavailableError`` says which model the checkpoint is for if it is
    another one."""
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        width = _width(state)
        kind = _MODEL_OF_WIDTH.get(width or 0)
        found = f"it looks like {kind}" if kind else f"its embedding width is {width}"
        raise ProviderUnavailableError(
            f"{path} does not fit the SAM model {model!r}: {found}. Pass model={kind or 'auto'!r} or "
            f"the checkpoint of {model}"
        ) from error


def _width(state: dict[str, Any]) -> int | None:
    """Embedding width of the checkpoint's image encoder (768 for ViT-B, 1024 for L, 1280 for H)."""
    position = state.get("image_encoder.pos_embed")
    return int(position.shape[-1]) if position is not None and position.ndim else None


def _model_of(state: dict[str, Any], path: Path) -> str:
    width = _width(state)
    if width not in _MODEL_OF_WIDTH:
        raise ProviderUnavailableError(
            f"{path} is a SAM checkpoint of an unknown size (embedding width {width}); "
            "name its model with `model=`"
        )
    return _MODEL_OF_WIDTH[width]


def _find(checkpoint: str | Path | None, model: str) -> Path:
    """The checkpoint to load; without an explicit one the largest official model that was fetched."""
    names = [model] if model in _OFFICIAL else ["vit_b", "vit_l", "vit_h"]
    first_error: ProviderUnavailableError | None = None
    for name in reversed(names):
        try:
            return weight_file(checkpoint, CHECKPOINT_VARIABLE, _OFFICIAL[name])
        except ProviderUnavailableError as error:
            first_error = error
    assert first_error is not None
    raise first_error


def _check_official(path: Path, sha256: str) -> None:
    """A file that bears an official name must be the official file."""
    for artifact in _OFFICIAL.values():
        if path.name == artifact.filename and sha256 != artifact.sha256:
            raise ProviderUnavailableError(
                f"{path} bears the name of the official checkpoint but not its sha256 ({sha256[:16]}… "
                f"instead of {str(artifact.sha256)[:16]}…): the download is incomplete or was changed. "
                f"Delete it and run `fusionbench weights fetch {artifact.name}`, or rename it if it is yours"
            )
