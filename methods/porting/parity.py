"""How close the ports come to the official code: ``python -m fusionbench.methods.porting.parity`` writes
``docs/baseline-parity.md``.

Compared are the network's output on the recorded inputs, and the pixels that come out of the whole way
through the harness with those that the official script saved. Where the real weights aren't available, the
official network was recorded with random weights made by ``fixture_weights``, and so is the port here.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch.utils.flop_counter import FlopCounterMode

from fusionbench.contracts.method import MethodSpec
from fusionbench.errors import InputError, MissingWeightsError
from fusionbench.files.artifacts import locate
from fusionbench.images.codec import UInt8Array
from fusionbench.images.grey import to_grey
from fusionbench.images.quantisation import finish
from fusionbench.plugins import catalog

from .checkpoints import read_checkpoints
from .fixture_weights import fixture_weights
from .network import FusionNetwork, build_network
from .timing import OFFICIAL_SECONDS, read_processor, read_timings, relative

REFERENCE_SIZE = (480, 640)
TARGET = 1e-5
"""Network outputs are to agree within this, on a range of 1."""


@dataclass(frozen=True)
class Case:
    """One comparison: a method (or a variant of it) with one recorded output of the official code.

    ``overrides`` of the spec give the official form where the benchmark runs another one; ``grey`` leaves out
    colour. ``gain`` is that of the random weights (None: the real ones); ``adjust`` changes some of them
    afterwards. ``scale`` is the range of the network's output, by which differences are divided. ``samples``
    is a pattern of the recorded samples' names. ``prepare`` changes the size of the infrared and visible
    images as the official script does. ``bound`` is the agreement that the network's own rounding allows.
    ``remark`` says below the table why the difference is above ``TARGET``, and is followed by what float64
    shows.
    """

    method: str
    golden: str
    net_out: str = "net_out"
    saved: str | None = "saved"
    grey: bool = False
    overrides: dict[str, Any] = field(default_factory=dict)
    swapped: bool = False
    gain: Callable[[str], float] | None = None
    adjust: Callable[[dict[str, torch.Tensor]], None] | None = None
    scale: float = 1.0
    samples: str = r"\d+"
    prepare: Callable[[UInt8Array], UInt8Array] | None = None
    bound: float = TARGET
    note: str = ""
    remark: str = ""


def _gain(table: dict[str, float], default: float) -> Callable[[str], float]:
    """The gain of the first pattern that matches a tensor's name."""
    return lambda name: next((gain for pattern, gain in table.items() if re.search(pattern, name)), default)


def _adjust_swinfusion(tensors: dict[str, torch.Tensor]) -> None:
    tensors["conv_last3.bias"] = (tensors["conv_last3.bias"].double() - 0.1).float()


def _adjust_ignet(tensors: dict[str, torch.Tensor]) -> None:
    for name, tensor in tensors.items():
        if re.search(r"C_ca\.\d\.1\.weight$", name):
            tensors[name] = tensor.abs()
    tensors["graph.C_cls.bias"] = (tensors["graph.C_cls.bias"].double() + 0.5).float()


def _cut_to_even(image: UInt8Array) -> UInt8Array:
    """Drop the last row and column of odd sides."""
    height, width = (side // 2 * 2 for side in image.shape[:2])
    return image[:height, :width]


def _shrink_to_sixteens(image: UInt8Array) -> UInt8Array:
    """Resize to multiples of 16 by Pillow's bilinear filter."""
    height, width = (side // 16 * 16 for side in image.shape[:2])
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR), np.uint8)


_GAIN_IGNET = _gain(
    {r"_conv\.conv": 1.4, r"\.fc": 3.0, r"\.C_cls": 0.5, "ConvGRU|C_wgt|C_pa": 1.5, "C_ca": 2.0}, 1.0
)
_GAIN_SWINFUSION = _gain(
    {"conv_last3": 1.5, "relative_position_bias_table": 8.0, r"\.(qkv|q|kv)\.": 2.0}, 1.0
)
_GREY_SCRIPT = {"grey": "pillow", "quantise": "minmax", "rounding": "half-up"}
_EVALUATION = {"arguments": {"image_statistics": False}}

_WRAPPED = {"rounding": "wrap"}

CASES = (
    Case("caf", "caf", overrides=_WRAPPED, note="colour, wrapped"),
    Case("caf-seg", "caf", "net_out_seg", "saved_seg", overrides=_WRAPPED, note="colour, wrapped"),
    Case(
        "cddfuse",
        "cddfuse",
        grey=True,
        gain=_gain({r"\.output\.": 1.6, r"\.bottleneckBlock\.0\.": 3.0, r"\.bottleneckBlock\.5\.": 0.4}, 0.8),
    ),
    Case("dafusion", "dafusion", scale=255),
    Case("datfuse", "datfuse", grey=True),
    Case("densefuse", "densefuse", grey=True, scale=255),
    Case("densefuse-tf", "densefuse", "net_out_tf", "saved_tf", grey=True, scale=510),
    Case("didfuse", "didfuse", grey=True),
    Case(
        "emma", "emma", grey=True, gain=_gain({"mlp.project_in": 1.2, "^last|^up": 2.0, r"\.FFN": 0.7}, 0.8)
    ),
    Case("fiscnet", "fiscnet"),
    Case("gifnet", "gifnet"),
    Case(
        "gifnet",
        "gifnet",
        saved="saved_gray",
        grey=True,
        overrides={"grey": "opencv-flag", "rounding": "truncate"},
        note="grey script",
    ),
    Case("ifcnn", "ifcnn", grey=True),
    Case("ifcnn-sum", "ifcnn", "net_out_sum", "saved_sum", grey=True),
    Case("ifcnn-mean", "ifcnn", "net_out_mean", "saved_mean", grey=True),
    Case("ignet", "ignet", gain=_GAIN_IGNET, adjust=_adjust_ignet),
    Case(
        "ignet",
        "ignet",
        "net_out_eval",
        None,
        gain=_GAIN_IGNET,
        adjust=_adjust_ignet,
        overrides={"options": _EVALUATION},
        note="evaluation mode",
    ),
    Case("itfuse", "itfuse", grey=True),
    Case("lrrnet", "lrrnet", grey=True),
    Case(
        "lutfuse",
        "lutfuse",
        prepare=_shrink_to_sixteens,
        bound=3e-5,
        remark="The table is steep in places and amplifies the rounding of the context.",
    ),
    Case("mfeif", "mfeif", grey=True),
    Case("mfeif", "mfeif", saved=None, gain=_gain({}, 3.0), scale=40.7, samples="r", note="random weights"),
    Case("mmdrfuse", "mmdrfuse", grey=True),
    Case("mmdrfuse-teacher", "mmdrfuse", "teacher_net_out", "teacher_saved", grey=True),
    Case("mufusion", "mufusion", saved="saved_rgb"),
    Case("mufusion", "mufusion", grey=True, overrides=_GREY_SCRIPT, note="grey script"),
    Case("pfcfuse", "pfcfuse"),
    Case("piafusion", "piafusion/tf", gain=_gain({}, 1.4)),
    Case("piafusion-port", "piafusion/pt", gain=_gain({}, 1.4)),
    Case("reconet", "reconet", grey=True),
    Case("refusion", "refusion"),
    Case("refusion", "refusion", saved="saved_gray", grey=True),
    Case("res2fusion", "res2fusion", "net_out_1e3", "saved_1e3", grey=True, scale=255),
    Case("res2fusion-1e1", "res2fusion", grey=True, scale=255),
    Case("sage", "sage"),
    Case("sdnet", "sdnet", grey=True),
    Case("seafusion", "seafusion"),
    Case("sfdfusion", "sfdfusion", grey=True, prepare=_cut_to_even),
    Case("ship", "ship", remark="Float32 rounding, which the last coupling block amplifies."),
    Case("siba", "siba"),
    Case("swinfusion", "swinfusion", saved="saved_rgb", gain=_GAIN_SWINFUSION, adjust=_adjust_swinfusion),
    Case(
        "swinfusion",
        "swinfusion",
        grey=True,
        gain=_GAIN_SWINFUSION,
        adjust=_adjust_swinfusion,
        note="grey script",
    ),
    Case("tardal", "tardal"),
    Case("tardal-plus", "tardal", "net_out_plus", "saved_plus"),
    Case("tardal-plusplus", "tardal", "net_out_plusplus", "saved_plusplus"),
    Case("u2fusion", "u2fusion"),
    Case("u2fusion", "u2fusion", "net_out_swapped", None, swapped=True, note="infrared first"),
    Case("ydtr", "ydtr", grey=True),
)


@dataclass(frozen=True)
class Parity:
    """What a comparison gave.

    ``pixels`` is the share of saved samples that differ, ``levels`` the largest difference.
    """

    pairs: int
    network: float
    levels: int | None
    pixels: float | None


def case_spec(case: Case) -> MethodSpec:
    """The method's spec in the form that the official code was recorded in."""
    spec = catalog.methods.get(case.method)
    overrides = dict(case.overrides)
    if "options" in overrides:
        overrides["options"] = {**spec.options, **overrides["options"]}
    return spec.model_copy(update=overrides)


def case_network(case: Case, spec: MethodSpec) -> FusionNetwork:
    """The port with the case's weights, ready to run. Raises ``MissingWeightsError``."""
    network = build_network(spec.options)
    if case.gain is None:
        paths = list(dict.fromkeys(locate(artifact) for artifact in spec.artifacts))
        tensors = read_checkpoints(paths, spec.options.get("tensorflow_layout"))
    else:
        tensors = fixture_weights(network.official_shapes(), case.gain, tensorflow=network.tensorflow)
        if case.adjust:
            case.adjust(tensors)
    network.load_official(tensors)
    return network.eval().requires_grad_(False)


def compare(case: Case, goldens: Path) -> Parity:
    """Run one comparison on all pairs of its recording. Raises ``MissingWeightsError`` or ``InputError``."""
    path = goldens / case.golden / "golden.safetensors"
    if not path.is_file():
        raise InputError(f"{path}: no such recording; name the folder that holds them with --goldens")
    golden = load_file(path)
    spec = case_spec(case)
    network = case_network(case, spec)
    with torch.inference_mode():
        differences = [
            float((network(*inputs) - expected).abs().max()) for inputs, expected in _passes(case, golden)
        ]
        samples = list(_pixel_differences(case, spec, network, golden))
    pixels = np.concatenate(samples) if samples else None
    return Parity(
        pairs=len(differences),
        network=max(differences) / case.scale,
        levels=None if pixels is None else int(pixels.max()),
        pixels=None if pixels is None else float(np.mean(pixels > 0)),
    )


def _passes(
    case: Case, golden: dict[str, torch.Tensor]
) -> Iterator[tuple[tuple[torch.Tensor, torch.Tensor], torch.Tensor]]:
    """Per recorded pass (an image, or a window of one) what the port takes and what the official network
    returned.
    """
    for name in sorted(golden):
        match = re.fullmatch(rf"({case.samples})/net_in_ir(.*)", name)
        expected = golden.get(f"{match[1]}/{case.net_out}{match[2]}") if match else None
        if match is None or expected is None:
            continue
        infrared, visible = golden[name], golden[f"{match[1]}/net_in_vi{match[2]}"]
        yield (visible, infrared) if case.swapped else (infrared, visible), expected


def distance_to_float64(case: Case, goldens: Path) -> tuple[float, float]:
    """The largest difference of the recording, and of the port, to the port evaluated in float64 on the same
    passes.

    Where the first is large the recording is rounded that much itself, and no float32 evaluation can be
    expected nearer to it.
    """
    port, exact = case_network(case, case_spec(case)), case_network(case, case_spec(case)).double()
    recording = ours = 0.0
    with torch.inference_mode():
        for inputs, expected in _passes(case, load_file(goldens / case.golden / "golden.safetensors")):
            truth = exact(*(image.double() for image in inputs))
            recording = max(recording, float((expected - truth).abs().max()))
            ours = max(ours, float((port(*inputs) - truth).abs().max()))
    return recording / case.scale, ours / case.scale


def _pixel_differences(
    case: Case, spec: MethodSpec, network: FusionNetwork, golden: dict[str, torch.Tensor]
) -> Iterator[np.ndarray[Any, Any]]:
    """Per pair the differences in levels of all saved samples."""
    for name in sorted(golden):
        match = re.fullmatch(rf"({case.samples})/ir", name)
        expected = golden.get(f"{match[1]}/{case.saved}") if match and case.saved else None
        if match is None or expected is None:
            continue
        infrared, visible = golden[name].numpy(), golden[f"{match[1]}/vi"].numpy()
        if case.prepare:
            infrared, visible = case.prepare(infrared), case.prepare(visible)
        first = torch.from_numpy(infrared)[None, None].float() / 255
        if spec.input == "rgb":
            tensor = torch.from_numpy(visible).permute(2, 0, 1)[None].float() / 255
        else:
            tensor = torch.from_numpy(to_grey(visible, spec.grey))[None, None] / 255
        # Some scripts save grey images of grey pairs, and colour of the others.
        grey = case.grey or expected.ndim == 2
        image = finish(network.fuse(first, tensor)[0].numpy(), visible, spec, grey=grey)
        yield np.abs(image.astype(int) - expected.numpy().astype(int)).ravel()


def multiply_adds(spec: MethodSpec, size: tuple[int, int] = REFERENCE_SIZE) -> int:
    """Multiply-adds of convolutions and matrix products for one pair of that (height, width), by torch's
    counter.
    """
    with torch.device("meta"):
        network = build_network(spec.options).eval()
        infrared = torch.rand(1, 1, *size)
        visible = infrared.expand(1, 3 if spec.input == "rgb" else 1, *size)
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        network.fuse(infrared, visible)
    return int(counter.get_total_flops()) // 2


def speed_section(path: Path) -> str:
    """Ports against official code in units of the fixed convolution, as Markdown, from the file of timings."""
    timings = read_timings(path)
    lines = [
        SPEED.format(processor=read_processor(path)),
        (
            "| method | size | official, CPU s | official, convolutions | port, convolutions | port ÷"
            " official | remark |"
        ),
        "|---|---|--:|--:|--:|--:|---|",
    ]
    for name in sorted(OFFICIAL_SECONDS):
        (height, width), seconds, remark = OFFICIAL_SECONDS[name]
        row = [name, f"{width}×{height}", f"{seconds:.2f}"]
        if found := relative(timings, name):
            port, official = found
            row += [f"{official:.1f}", f"{port:.1f}", f"{port / official:.2f}"]
        else:
            row += ["–", "–", "not timed"]
        lines.append(f"| {' | '.join([*row, remark])} |")
    return "\n".join(lines)


def table(goldens: Path) -> str:
    """The parity table as Markdown. Cases whose weights are missing are listed as such."""
    lines = [
        (
            "| method | form | params | GMACs 640×480 | passes | network, max abs diff | pixels, max levels |"
            " pixels differing | weights |"
        ),
        "|---|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    remarks = []
    for case in CASES:
        spec = case_spec(case)
        parameters = sum(p.numel() for p in build_network(spec.options).parameters())
        row = [spec.name, case.note or ("grey" if case.grey else "colour"), f"{parameters:,}"]
        row.append(f"{multiply_adds(spec) / 1e9:.2f}")
        try:
            result = compare(case, goldens)
        except MissingWeightsError:
            row += ["–", "–", "–", "–", "not available"]
        else:
            row += [str(result.pairs), f"{result.network:.1e}"]
            row += ["–", "–"] if result.levels is None else [str(result.levels), f"{result.pixels:.4%}"]
            row.append("random, by rule" if case.gain else "official")
            if result.network > TARGET:
                recording, ours = distance_to_float64(case, goldens)
                remarks.append(
                    f"- {spec.name}, {result.network:.1e}: {case.remark or 'Not explained.'} In float64 the"
                    f" port is {recording:.1e} away from the recording, which is a float32 result itself, and"
                    f" {ours:.1e} from the port in float32."
                )
        lines.append(f"| {' | '.join(row)} |")
    if remarks:
        lines += ["", f"Network outputs are to agree within {TARGET:.0e}. Above that:", "", *remarks]
    return "\n".join(lines)


DOCUMENT = """# Parity of the ported baselines

Generated by `python -m fusionbench.methods.porting.parity`; don't edit. Each network was written from a description of the published
one and is compared with outputs recorded from the official code: the network's own output (divided by its range where that
isn't 0 to 1), and the pixels that the official script saved, in the form it saved them (grey or colour).

- *params* counts what the fused image depends on; official files may hold more (training heads, unused layers).
- *GMACs* are multiply-adds of convolutions and matrix products by torch's counter. Res2Fusion's official code needs 709 and
  18 GB: the port computes the attention's scores twice, and so never holds them all. FISCNet's needs 115.3: it convolves with
  both kernels of its edge blocks and with the sums of their taps, where the port adds the kernels first.
- *pixels differing*: SIBA's are white pixels of a grey pair, which the authors' script saves as 254 or 255 by the last bit of a
  chroma that should be 0.
- *passes*: recorded passes through the network (an image, or a window of one).
- *random, by rule*: the official weights aren't available; the official code was recorded with random weights that follow from
  the tensors' names, and the port gets the same. Such methods have the status `needs-weights`.

"""

SPEED = """

## Speed

One pair, one thread, CPU time, in units of a fixed convolution (3×3, 64 to 64 channels, 320×240: 2.83 GMACs) timed right before
and after; measured by `python -m fusionbench.methods.porting.timing` on {processor}, stored in `baseline-timing.json`. The official times were recorded
elsewhere, on a processor that isn't named, without that convolution: it took 0.043 s at most, since PIAFusion's whole network ran at
65.6 GMACs a second, so PIAFusion's own ratio is 1 where all of it runs as fast as that convolution, and the other ratios are upper bounds.
Below 1 the port is faster. Each is the least of two to five runs; freed memory is used again, as in every run on a CPU
(`fusionbench/execution/memory.py`): without that eight ports took 1.6 to 2.9 times as long on this virtual machine. On
a busy machine networks that are bound by memory come out slower than they are, since the convolution suffers less.
"""


def main() -> None:
    """Write the document."""
    parser = argparse.ArgumentParser(
        prog="python -m fusionbench.methods.porting.parity", description=main.__doc__
    )
    data = Path(os.environ.get("FUSIONBENCH_TEST_DATA", "../shared"))
    parser.add_argument(
        "--goldens", type=Path, default=data / "specs" / "baselines", help="folder of recordings"
    )
    parser.add_argument("--out", type=Path, default=Path("docs/baseline-parity.md"))
    parser.add_argument("--speed", action="store_true", help="write the section Speed again, keep the rest")
    arguments = parser.parse_args()
    os.environ.setdefault("FUSIONBENCH_WEIGHTS", str(arguments.goldens))
    torch.set_num_threads(1)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    if arguments.speed:
        text = arguments.out.read_text(encoding="utf-8").partition("\n\n## Speed")[0]
    else:
        text = DOCUMENT + table(arguments.goldens)
    text += speed_section(arguments.out.with_name("baseline-timing.json"))
    arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
