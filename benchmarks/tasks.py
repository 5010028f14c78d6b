"""CPU cost of the downstream tasks an image, beside the targets: zero-shot detection at 640 pixels and frozen
segmentation at 640×480.

    OMP_NUM_THREADS=2 python benchmarks/tasks.py --model yolov8n.pt

Judges look at rendered road scenes of 640×480 (after three warm-up images); each is timed as the evaluators
use it: letterbox, network and suppression, or normalising, network and argmax. Printed are the median wall
time, the least, and the median CPU time of all threads: on a machine that others use, the wall times waver
and the least is closest to what the work takes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from fusionbench.contracts import UInt8Array
from fusionbench.datasets.demo.dataset import render_pair
from fusionbench.evaluators.detection.judge.detector import Thresholds, load_detector
from fusionbench.evaluators.detection.scores.class_maps import map_classes
from fusionbench.evaluators.segmentation.judge.network import initial_network
from fusionbench.evaluators.segmentation.judge.prediction import predict
from fusionbench.evaluators.segmentation.recipe import make_recipe
from fusionbench.evaluators.segmentation.recipes import FROZEN
from fusionbench.execution.memory import reuse_freed_memory
from fusionbench.files import artifacts

TARGETS = {"zero-shot detection at 640": 0.15, "frozen segmentation at 640×480": 0.4}
"""Seconds an image on two cores."""
WARM_UP = 3


def detection(model: Path) -> Callable[[UInt8Array], object]:
    """Detection of person and car, as `det-zeroshot` does it."""
    detector = load_detector(model, artifacts.file_hashes(model)[0], "cpu")
    thresholds, classes = Thresholds(640), map_classes(detector.names, ("person", "car"), "the judge")
    return lambda image: detector.find(image, thresholds, classes)


def segmentation() -> Callable[[UInt8Array], object]:
    """Segmentation by the network of `seg-frozen`, with random weights: the cost is the same."""
    recipe = make_recipe("seg-frozen", {**FROZEN, "encoder_weights": "none"})
    network = initial_network(recipe, 9, 0).eval()
    return lambda image: predict(network, image, recipe)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a YOLO checkpoint, for example yolov8n.pt")
    parser.add_argument("--images", type=int, default=12)
    options = parser.parse_args()
    reuse_freed_memory()  # as runs do
    images = [render_pair("test", i, 640, 480).visible for i in range(options.images)]
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {len(images)} images of 640×480")
    print(f"{'':32} {'target':>8} {'median':>8} {'least':>8} {'CPU':>8}   seconds an image")
    for (name, target), judge in zip(
        TARGETS.items(), (detection(options.model), segmentation()), strict=True
    ):
        wall, cpu = [], []
        for image in [*images[:WARM_UP], *images]:
            begun = time.perf_counter(), time.process_time()
            judge(image)
            wall.append(time.perf_counter() - begun[0])
            cpu.append(time.process_time() - begun[1])
        wall, cpu = wall[WARM_UP:], cpu[WARM_UP:]
        print(
            f"{name:32} {target:8.3f} {statistics.median(wall):8.3f} {min(wall):8.3f}"
            f" {statistics.median(cpu):8.3f}"
        )


if __name__ == "__main__":
    main()
