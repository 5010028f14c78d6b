"""What each port makes of one small scene: ``python -m fusionbench.methods.porting.recordings METHOD…``
records it.

The recordings of the official code (see ``parity``) can't be published with this repository. These can: the
scene is rendered by the demo dataset, the weights follow from a rule (see ``fixture_weights``), and the
numbers are the port's own. Record a port when ``parity`` holds for it. From then on ``tests/goldens/ports``
shows everyone that it still computes the same.

The network is recorded in float64, so that the values depend on the processor as little as possible.
``noise`` is how far the same network is from that in float32.
"""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fusionbench.contracts.method import MethodSpec
from fusionbench.errors import InputError
from fusionbench.images.codec import UInt8Array, read_grey, read_rgb
from fusionbench.images.grey import to_grey
from fusionbench.images.padding import pad_tensor, padding
from fusionbench.images.quantisation import finish
from fusionbench.plugins import catalog

from .fixture_weights import fixture_weights
from .network import FusionNetwork, build_network
from .parity import CASES, case_network, case_spec
from .sources import FACTORY

FOLDER = Path("tests/goldens/ports")
SCENE = ("scene-infrared.png", "scene-visible.png")
"""A dusk scene of 67×45 pixels, so both sides are odd: columns 33 to 99 and rows 18 to 62 of the demo
dataset's test scene 2 at 134×90.
"""
GRID = (slice(2, None, 8), slice(3, None, 12))
"""Rows and columns of the recorded samples: 6×6 of them."""
GAINS = (0.6, 0.8, 1.0, 1.2, 1.4, 1.7, 2.2, -1.0, -1.4)
"""Tried where no parity case has one. A negative one helps where a last ReLU would cut off the whole output.
"""
LEAST_DEVIATION, MOST_ZEROS = 0.01, 0.5
"""Samples must vary by more than the first, and no larger share may be cut off at 0, or they would not notice
a mistake.
"""
MOST_NOISE = 2e-5
"""How exact an output should be in float32."""
DIGITS = 8


@dataclass(frozen=True)
class Recording:
    """A port's output on the scene, nominally in [0,1], and the image that is saved from it.

    ``gain`` scales the random weights; None: as the port's parity case says. ``samples`` are channels × 6 × 6
    values of the output; ``mean``, ``deviation``, ``low`` and ``high`` are those of the whole output.
    ``pixels`` are the levels of the saved image at the same places: 6 × 6, or 6 × 6 × 3 in colour.
    """

    gain: float | None
    noise: float
    mean: float
    deviation: float
    low: float
    high: float
    samples: list[Any]
    pixels: list[Any]


def ports() -> list[str]:
    """The names of all natively ported methods, in alphabetical order."""
    return sorted(name for name, spec in catalog.methods.all().items() if spec.factory == FACTORY)


def record(method: str, gain: float | None, folder: Path = FOLDER) -> Recording:
    """Run a port on the scene in ``folder``.

    Raises ``InputError`` where the output is too flat to be worth recording.
    """
    infrared, visible = (read(folder / name) for read, name in zip((read_grey, read_rgb), SCENE, strict=True))
    spec, network = fixture(method, gain)
    single = fuse_scene(spec, network, infrared, visible, torch.float32)
    exact = fuse_scene(spec, network.double(), infrared, visible, torch.float64)
    samples = np.round(exact[:, *GRID], DIGITS)
    if not samples.std() > LEAST_DEVIATION or np.mean(samples == 0) > MOST_ZEROS:
        raise InputError(
            f"{method}: with gain {gain} the samples have a standard deviation of {samples.std():.2g}, and"
            f" {np.mean(samples == 0):.0%} of them are 0, which shows nothing; try another --gain between 0.3"
            " and 3, or a negative one"
        )
    return Recording(
        gain=gain,
        noise=float(f"{np.abs(single - exact).max():.2g}"),
        mean=round(float(exact.mean()), DIGITS),
        deviation=round(float(exact.std()), DIGITS),
        low=round(float(exact.min()), DIGITS),
        high=round(float(exact.max()), DIGITS),
        samples=samples.tolist(),
        pixels=finish(single, visible, spec)[GRID].tolist(),
    )


def record_with_some_gain(method: str, folder: Path = FOLDER) -> Recording:
    """``record`` with the gain of the parity case; without one, with that of ``GAINS`` whose output
    shows most."""
    gains = [case.gain for case in CASES if case.method == method]
    if gains and all(gains):
        return record(method, None, folder)
    found = []
    for gain in GAINS:
        with contextlib.suppress(InputError):
            found.append(record(method, gain, folder))
    if not found:
        raise InputError(
            f"{method}: flat with every gain of {', '.join(map(str, GAINS))}; give another by --gain"
        )
    return max(found, key=lambda r: (r.noise <= MOST_NOISE, _worth(np.array(r.samples))))


def _worth(fused: np.ndarray[Any, Any]) -> float:
    """How much an output shows: its variation between 0 and 1, less where much of it lies outside and is
    clipped.
    """
    return float(np.clip(fused, 0, 1).std() * np.mean((fused > 0) & (fused < 1)))


def fixture(method: str, gain: float | None) -> tuple[MethodSpec, FusionNetwork]:
    """The spec, and the network with weights by the rule."""
    if gain is None:
        case = next((c for c in CASES if c.method == method and c.gain), None)
        if case is None:
            raise InputError(
                f"{method}: no parity case has a gain for its random weights; give one by --gain"
            )
        spec = case_spec(case)
        return spec, case_network(case, spec)
    spec = catalog.methods.get(method)
    network = build_network(spec.options)
    shapes = network.official_shapes()
    network.load_official(fixture_weights(shapes, lambda _: gain, tensorflow=network.tensorflow))
    return spec, network.eval().requires_grad_(False)


def fuse_scene(
    spec: MethodSpec, network: FusionNetwork, infrared: UInt8Array, visible: UInt8Array, kind: torch.dtype
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Fuse as the harness does → C×H×W."""
    height, width = infrared.shape
    pads = padding(height, spec), padding(width, spec)
    seen = np.moveaxis(visible, 2, 0) if spec.input == "rgb" else to_grey(visible, spec.grey)[None]
    tensors = (
        torch.from_numpy(np.ascontiguousarray(image))[None].to(kind) / 255 for image in (infrared[None], seen)
    )
    with torch.inference_mode():
        fused = network.fuse(*(pad_tensor(tensor, *pads) for tensor in tensors))
    return np.asarray(fused[0, :, :height, :width].numpy())


def read_recording(method: str, folder: Path = FOLDER) -> Recording:
    """Read a recording. Raises ``InputError`` where there is none."""
    path = folder / f"{method}.json"
    if not path.is_file():
        raise InputError(
            f"{path}: no recording; make one by `python -m fusionbench.methods.porting.recordings {method}`"
            " once its parity holds"
        )
    return Recording(**json.loads(path.read_text(encoding="utf-8")))


def write_recording(method: str, recording: Recording, folder: Path = FOLDER) -> None:
    """Write a recording as JSON, one field per line."""
    fields = ",\n".join(f' "{name}": {json.dumps(value)}' for name, value in asdict(recording).items())
    (folder / f"{method}.json").write_text(f"{{\n{fields}\n}}\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Record the named ports, or those without a recording."""
    parser = argparse.ArgumentParser(
        prog="python -m fusionbench.methods.porting.recordings", description=main.__doc__
    )
    parser.add_argument("methods", nargs="*")
    parser.add_argument(
        "--gain", type=float, help="of the random weights (default: the parity case's, or the best of a few)"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for name in given.methods or [p for p in ports() if not (given.folder / f"{p}.json").is_file()]:
        recording = (
            record_with_some_gain(name, given.folder)
            if given.gain is None
            else record(name, given.gain, given.folder)
        )
        write_recording(name, recording, given.folder)
        print(
            f"{name}: gain {recording.gain}, {recording.low:.3f}..{recording.high:.3f}, deviation"
            f" {recording.deviation:.3f}, noise {recording.noise:.1e}"
        )


if __name__ == "__main__":
    main()
