"""Draw the picture strip of README.md: one demo scene by night, both sensors and four methods.

    python tools/front_picture.py            # writes docs/images/strip.png

The demo's scenes are rendered by this project, so that the picture may be shown anywhere.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import fusionbench
from fusionbench.datasets.demo.dataset import render_pair
from fusionbench.plugins import catalog

ROOT = Path(__file__).resolve().parents[1]
METHODS = ("average", "laplacian", "max", "sgdfuse")


def draw(path: Path, index: int, methods: tuple[str, ...]) -> None:
    """Fuse one scene of 480×384 pixels by each method and draw all images in one row."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pair = render_pair("test", index, 480, 384)
    panels = [("infrared", np.repeat(pair.infrared[..., None], 3, axis=-1)), ("visible", pair.visible)]
    for name in methods:
        fused = fusionbench.fuse(pair.infrared, pair.visible, method=name, device="cpu")
        panels.append((catalog.methods.get(name).title, fused))
    figure, axes = pyplot.subplots(1, len(panels), figsize=(12, 1.95), layout="constrained")
    for axis, (title, image) in zip(axes, panels, strict=True):
        axis.imshow(image)
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "strip.png")
    parser.add_argument("--scene", type=int, default=4, help="index of the demo's test scene")
    arguments = parser.parse_args()
    draw(arguments.out, arguments.scene, METHODS)
    print(arguments.out)


if __name__ == "__main__":
    main()
