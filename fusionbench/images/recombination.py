"""Fused luma and the visible image's colour become RGB: the recombinations that published methods use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from .codec import FloatArray, UInt8Array
from .grey import GREY_CONVERSIONS

_buffers = threading.local()


def _scratch(shape: tuple[int, ...]) -> FloatArray:
    """A float32 array to work in, kept for the next image of that shape on this thread: new memory costs
    more than the work."""
    kept: FloatArray | None = getattr(_buffers, "array", None)
    if kept is None or kept.shape != shape:
        kept = np.empty(shape, np.float32)
        _buffers.array = kept
    return kept


def recombine_bt601(luma: FloatArray, rgb: UInt8Array, grey: str) -> FloatArray:
    """Replace the luma of ``rgb`` (uint8) by ``luma`` (H×W, 0..255), Cb and Cr kept: the same difference is
    added to R, G and B.

    This is what the YCbCr round trip amounts to, without its rounding errors. Returns H×W×3 float32,
    unclipped, which is overwritten by the next call on the same thread.
    """
    source = (
        GREY_CONVERSIONS[grey](rgb)
        if grey in {"bt601", "bt601-rounded", "opencv"}
        else GREY_CONVERSIONS["bt601"](rgb)
    )
    scratch = _scratch(rgb.shape)
    cv2.merge([luma - source] * 3, dst=scratch)
    cv2.add(rgb, scratch, dst=scratch, dtype=cv2.CV_32F)
    return scratch


def recombine_seafusion(luma: FloatArray, rgb: UInt8Array, grey: str) -> FloatArray:
    """YCrCb in float with the rounded coefficients that SeAFusion and its followers use (0.713, 0.564;
    1.403, 0.714, 0.344, 1.773)."""
    red, blue = rgb[..., 0].astype(np.float32), rgb[..., 2].astype(np.float32)
    source = GREY_CONVERSIONS["bt601"](rgb)
    cr, cb = (red - source) * np.float32(0.713), (blue - source) * np.float32(0.564)
    return np.stack(
        [
            luma + np.float32(1.403) * cr,
            luma - np.float32(0.714) * cr - np.float32(0.344) * cb,
            luma + np.float32(1.773) * cb,
        ],
        axis=-1,
    )


def recombine_sage(luma: FloatArray, rgb: UInt8Array, grey: str) -> FloatArray:
    """SeAFusion's coefficients on 8-bit chroma, whose neutral value 128 isn't quite the 127.5 that is
    taken off (SAGE)."""
    chroma = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb).astype(np.float32) - np.float32(127.5)
    return ChromaMatrix((0, 0, 0), (0, 0, 0), (1.403, -0.344, -0.714, 1.773)).add(
        luma, chroma[..., 2], chroma[..., 1]
    )


@dataclass(frozen=True)
class ChromaMatrix:
    """Rounded YCbCr coefficients of some official code; the offset 128 of Cb and Cr cancels out.

    ``cb`` and ``cr`` weigh R, G, B; ``back`` is (Cr in R, Cb in G, Cr in G, Cb in B). ``gain`` and ``black``
    undo a studio-range luma.
    """

    cb: tuple[float, float, float]
    cr: tuple[float, float, float]
    back: tuple[float, float, float, float]
    gain: float = 1.0
    black: float = 0.0

    def __call__(self, luma: FloatArray, rgb: UInt8Array, grey: str) -> FloatArray:
        """Replace the luma of ``rgb`` (H×W×3 uint8) by ``luma`` (H×W, 0..255) → H×W×3 float32, unclipped."""
        colour = rgb.astype(np.float32)
        return self.add(luma, colour @ np.array(self.cb, np.float32), colour @ np.array(self.cr, np.float32))

    def add(self, luma: FloatArray, cb: FloatArray, cr: FloatArray) -> FloatArray:
        """Add chroma (H×W each, neutral at 0) to a luma → H×W×3 float32."""
        luma = np.float32(self.gain) * (luma - np.float32(self.black))
        cr_red, cb_green, cr_green, cb_blue = (np.float32(value) for value in self.back)
        return np.stack(
            [luma + cr_red * cr, luma + cb_green * cb + cr_green * cr, luma + cb_blue * cb], axis=-1
        )


_JFIF_BACK = (1.402, -0.344136, -0.714136, 1.772)


CHROMA_MATRICES = {
    "u2fusion": ChromaMatrix(
        (-0.1687, -0.3313, 0.5), (0.5, -0.4187, -0.0813), (1.402, -0.34414, -0.71414, 1.772)
    ),
    "dafusion": ChromaMatrix((-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312), _JFIF_BACK),
    "mufusion": ChromaMatrix((-0.169, -0.331, 0.5), (0.5, -0.419, -0.081), _JFIF_BACK),
    "piafusion": ChromaMatrix(
        (-0.148, -0.291, 0.439), (0.439, -0.368, -0.071), (1.596, -0.392, -0.813, 2.017), gain=1.164, black=16
    ),
}
"""Coefficients by the method whose official code uses them (GIFNet shares MUFusion's)."""


def recombine_opencv(luma: UInt8Array, rgb: UInt8Array) -> UInt8Array:
    """OpenCV's 8-bit YCrCb round trip: ``luma`` H×W uint8 replaces Y of ``rgb``."""
    ycrcb = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)
    ycrcb[..., 0] = luma
    return np.asarray(cv2.cvtColor(ycrcb, cv2.COLOR_YCrCb2RGB), np.uint8)


def recombine_pillow(luma: UInt8Array, rgb: UInt8Array) -> UInt8Array:
    """Pillow's 8-bit YCbCr round trip: ``luma`` H×W uint8 replaces Y of ``rgb``."""
    from PIL import Image

    _, cb, cr = Image.fromarray(rgb, "RGB").convert("YCbCr").split()
    return np.asarray(Image.merge("YCbCr", (Image.fromarray(luma, "L"), cb, cr)).convert("RGB"), np.uint8)


FLOAT_RECOMBINATIONS: dict[str, Callable[[FloatArray, UInt8Array, str], FloatArray]] = {
    "bt601": recombine_bt601,
    "seafusion": recombine_seafusion,
    "sage": recombine_sage,
    **CHROMA_MATRICES,
}


BYTE_RECOMBINATIONS = {"opencv": recombine_opencv, "pillow": recombine_pillow}


RECOMBINATIONS = (*FLOAT_RECOMBINATIONS, *BYTE_RECOMBINATIONS, "none")
"""Names allowed in ``MethodSpec.colour``; ``none`` saves the grey luma."""
