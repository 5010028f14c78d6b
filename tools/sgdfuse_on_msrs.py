"""SGDFuse against rules and sensors at the task, MSRS test, boxes from its semantic labels: fuse once, judge
by any YOLO file.

python tools/sgdfuse_on_msrs.py fuse   --data MSRS --store FOLDER --name NAME [--weights FILE] [--masks NAME]
[--stride N] [--precision bf16] python tools/sgdfuse_on_msrs.py judge  --data MSRS --store FOLDER --name NAME…
--judge yolov8n.pt python tools/sgdfuse_on_msrs.py report --data MSRS --store FOLDER --name NAME… --judge
yolov8n.pt --against max

`fuse` writes PNG files under STORE/NAME (NAME `max`, `average`, `laplacian`, `guided-filter` or any method of
the suite; with --weights it is `sgdfuse`, and NAME is only a label). It goes on where it stopped. `report`
has the mean average precision of car and person over IoU .5 to .95, all, by day and by night, and the paired
bootstrap's 95 % interval (1,000 draws over images) of the difference from the method that --against names.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from fusionbench.contracts.dataset import Pair, PairImages
from fusionbench.contracts.method import MethodContext
from fusionbench.evaluators.detection.judge.detector import Thresholds, load_detector
from fusionbench.evaluators.detection.scores.average_precision import (
    Found,
    Truth,
    average_precision,
    match_class,
)
from fusionbench.evaluators.detection.scores.class_maps import ClassMap
from fusionbench.execution.fusing import MethodFuser, weights_resolver
from fusionbench.files.artifacts import file_hashes
from fusionbench.images.codec import read_image, write_png
from fusionbench.plugins import catalog

PERSON, CAR = 0, 1
OBJECTS = ((PERSON, 2, 60), (CAR, 1, 120))
"""Class here, id in MSRS's labels, least pixels of a connected component (8 neighbours)."""
LEAST_HEIGHT, LEAST_WIDTH = 8, 4
DRAWS = 1000


def truth_of(labels: Path) -> Truth:
    """Boxes of an image of class ids: its components of person and car that are large enough."""
    ids = read_image(labels)
    ids = ids if ids.ndim == 2 else ids[..., 0]
    boxes, classes = [], []
    for index, label, least in OBJECTS:
        _, _, stats, _ = cv2.connectedComponentsWithStats((ids == label).astype(np.uint8), connectivity=8)
        for x, y, width, height, area in stats[1:]:
            if area >= least and height >= LEAST_HEIGHT and width >= LEAST_WIDTH:
                boxes.append((x, y, x + width, y + height))
                classes.append(index)
    return Truth(np.array(boxes, np.float64).reshape(-1, 4), np.array(classes, np.int64))


def labelled(data: Path, stride: int = 1) -> tuple[list[str], list[Truth]]:
    """Names of the test pairs with at least one object, every `stride`-th of them, and their objects."""
    found = [(p.stem, truth_of(p)) for p in sorted((data / "test" / "Segmentation_labels").glob("*.png"))]
    kept = [(name, truth) for name, truth in found if len(truth.classes)][::stride]
    return [name for name, _ in kept], [truth for _, truth in kept]


def fuse(options: argparse.Namespace) -> None:
    """Write the fused images of one method."""
    name = options.name[0]
    spec = catalog.methods.get("sgdfuse" if options.weights or name.startswith("sgdfuse") else name)
    settings = dict(spec.options)
    if options.weights:
        settings["weights"] = str(options.weights)
    if options.masks:
        settings["masks"] = options.masks
    context = MethodContext(0, settings, options.store / "masks", weights_resolver(spec))
    fuser = MethodFuser(spec, context, "cpu", options.precision)
    dataset_spec = catalog.datasets.get("msrs")
    dataset = catalog.build(dataset_spec.factory)(dataset_spec, options.data)
    pairs = {pair.name: pair for pair in dataset.pairs("test")}
    names = sorted(pairs)[:: options.stride] if options.every else labelled(options.data, options.stride)[0]
    folder = options.store / name
    folder.mkdir(parents=True, exist_ok=True)
    for stem in names:
        if (folder / f"{stem}.png").exists():
            continue
        images = dataset.load(pairs[stem])
        made = fuser.fuse([Pair(stem)], [PairImages(images.infrared, images.visible)])[0]
        write_png(folder / f"{stem}.png", made)


def judge(options: argparse.Namespace) -> None:
    """Write what the judge finds in the fused images: STORE/found/JUDGE/NAME.json."""
    detector = load_detector(options.judge, file_hashes(options.judge)[0], "cpu")
    classes = ClassMap(tuple({"person": PERSON, "car": CAR}.get(name, -1) for name in detector.names), ())
    names, _ = labelled(options.data, options.stride)
    for method in options.name:
        path = _found_file(options, method)
        path.parent.mkdir(parents=True, exist_ok=True)
        known = json.loads(path.read_text()) if path.exists() else {}
        for stem in names:
            if stem in known:
                continue
            file = options.store / method / f"{stem}.png"
            if method in ("infrared", "visible"):
                file = _sensor_file(options.data / "test" / ("ir" if method == "infrared" else "vi"), stem)
            image = read_image(file)
            image = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
            found = detector.find(image, Thresholds(), classes)
            known[stem] = [
                found.xyxy.round(2).tolist(),
                found.scores.round(5).tolist(),
                found.classes.tolist(),
            ]
        path.write_text(json.dumps(known))


def _sensor_file(folder: Path, stem: str) -> Path:
    return next(folder.glob(f"{stem}.*"))


def _found_file(options: argparse.Namespace, method: str) -> Path:
    return Path(options.store / "found" / options.judge.stem / f"{method}.json")


def report(options: argparse.Namespace) -> None:
    """Print a Markdown table."""
    names, truth = labelled(options.data, options.stride)
    night = np.array([name.endswith("N") for name in names])
    generator = np.random.default_rng(0)
    draws = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), DRAWS)
    once = np.ones((1, len(names)), np.int64)
    weights = np.concatenate((once, once * night, once * ~night, draws))
    values: dict[str, tuple[np.ndarray, ...]] = {}
    for method in options.name:
        known = json.loads(_found_file(options, method).read_text())
        found = [
            Found(np.array(b, np.float64).reshape(-1, 4), np.array(s, np.float64), np.array(c, np.int64))
            for b, s, c in (known[name] for name in names)
        ]
        values[method] = tuple(
            average_precision(match_class(found, truth, index), weights) for index in (PERSON, CAR)
        )
    print(f"{len(names)} pairs, {options.judge.stem}, against {options.against}\n")
    print(
        "| method | mAP | car | person | person AP50 | night | day | difference, 95 %"
        " |\n|---|---|---|---|---|---|---|---|"
    )
    base = np.mean([v.mean(axis=1) for v in values[options.against]], axis=0)
    for method, (person, car) in values.items():
        mean = (person.mean(axis=1) + car.mean(axis=1)) / 2
        low, high = np.percentile((mean - base)[3:], [2.5, 97.5])
        cells = [mean[0], car[0].mean(), person[0].mean(), person[0, 0], mean[1], mean[2]]
        shown = " | ".join(f"{cell:.4f}" for cell in cells)
        print(f"| {method} | {shown} | {mean[0] - base[0]:+.4f} ({low:+.4f} … {high:+.4f}) |")


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["fuse", "judge", "report"])
    parser.add_argument("--data", type=Path, required=True, help="folder of MSRS")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--name", nargs="+", required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--masks")
    parser.add_argument("--judge", type=Path, default=Path("yolov8n.pt"))
    parser.add_argument("--against", default="max")
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--every", action="store_true", help="fuse the pairs without objects too")
    parser.add_argument("--precision", default="fp32")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    {"fuse": fuse, "judge": judge, "report": report}[options.what](options)


if __name__ == "__main__":
    main()
