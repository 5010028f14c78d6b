"""The metrics of other packages from PyPI on the same pair: sewar, torchmetrics, scikit-image, scikit-learn,
pytorch-msssim.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from metrics_measure import Images, clock, grey_only
from tabulate import tabulate

from fusionbench.evaluators.quality.conventions.scoring import score_triple
from fusionbench.evaluators.quality.inputs.triple import Triple


def peers(images: Images) -> str:
    """A table of the same quantities by other packages, with the ratio of times."""
    grey = Triple.of(*images).grey("opencv-float")
    a, b, f = grey.infrared, grey.visible, grey.fused
    x, y, z = (image.astype(np.float64) for image in (a, b, f))

    def vif_sewar() -> None:
        full_ref = importlib.import_module("sewar.full_ref")
        full_ref.vifp(a, f), full_ref.vifp(b, f)

    def tensors() -> list[Any]:
        torch = importlib.import_module("torch")
        torch.set_num_threads(1)
        return [torch.from_numpy(image)[None, None] for image in (x, y, z)]

    def torchmetrics_of(name: str, **options: Any) -> Callable[[], None]:
        def call() -> None:
            metric = getattr(importlib.import_module("torchmetrics.functional.image"), name)
            p, q, r = tensors()
            metric(r, p, **options), metric(r, q, **options)

        return call

    def msssim_of(name: str) -> Callable[[], None]:
        def call() -> None:
            metric = getattr(importlib.import_module("pytorch_msssim"), name)
            p, q, r = tensors()
            metric(r, p, data_range=255), metric(r, q, data_range=255)

        return call

    def ssim_skimage() -> None:
        metric = importlib.import_module("skimage.metrics").structural_similarity
        options = {"data_range": 255, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        metric(a, f, **options), metric(b, f, **options)

    def mi_sklearn() -> None:
        metric = importlib.import_module("sklearn.metrics").mutual_info_score
        metric(a.ravel(), f.ravel()), metric(b.ravel(), f.ravel())

    def entropy_skimage() -> None:
        importlib.import_module("skimage.measure").shannon_entropy(f)

    def own(name: str, convention: str = "cddfuse") -> float:
        triple = Triple.of(a, b, f)
        triple.grey("matlab"), triple.grey("opencv-float")
        seconds: float = clock(lambda: score_triple(grey_only(triple), metrics=[name], convention=convention))
        return seconds

    vif, ssim, ms_ssim = own("VIF"), own("SSIM", "vifb"), own("MS-SSIM", "corrected")
    rows, missing_peers = [], []
    for metric, package, function, time_ in (
        ("VIF", "sewar", vif_sewar, vif),
        ("VIF", "torchmetrics", torchmetrics_of("visual_information_fidelity"), vif),
        ("SSIM", "scikit-image", ssim_skimage, ssim),
        (
            "SSIM",
            "torchmetrics",
            torchmetrics_of("structural_similarity_index_measure", data_range=255.0),
            ssim,
        ),
        ("SSIM", "pytorch-msssim", msssim_of("ssim"), ssim),
        (
            "MS-SSIM",
            "torchmetrics",
            torchmetrics_of("multiscale_structural_similarity_index_measure", data_range=255.0),
            ms_ssim,
        ),
        ("MS-SSIM", "pytorch-msssim", msssim_of("ms_ssim"), ms_ssim),
        ("MI", "scikit-learn", mi_sklearn, own("MI")),
        ("EN", "scikit-image", entropy_skimage, own("EN")),
    ):
        try:
            theirs = clock(function, 5)
        except ImportError as missing:
            missing_peers.append(f"{metric} by {package} ({missing})")
            continue
        rows.append([metric, package, theirs, time_, f"{theirs / time_:.1f}×"])
    table = tabulate(
        rows,
        headers=["both sources, float64", "peer", "peer, ms", "ours, ms", "ratio"],
        floatfmt=".1f",
        tablefmt="github",
    )
    return table + ("\n\nNot installed here: " + "; ".join(missing_peers) + "." if missing_peers else "")
