"""Writes the adapter of a new method: a file that runs at once and shows where to put the network."""

from __future__ import annotations

from pathlib import Path

from ..contracts.names import plain_name
from ..errors import InputError

_TEMPLATE = '''"""{title}: a fusion method for fusionbench.

Try it:      fusionbench run --method {file}:{cls},max --dataset demo --limit 4
On MSRS:     fusionbench run --method {file}:{cls} --dataset msrs --data-root /path/to/msrs
"""

import torch
from torch import Tensor, nn

from fusionbench.contracts import MethodContext, MethodSpec


class Network(nn.Module):
    """Put your network here. This one learns nothing: it weighs each source by its local contrast."""

    def __init__(self) -> None:
        super().__init__()
        self.blur = nn.AvgPool2d(7, stride=1, padding=3, count_include_pad=False)

    def forward(self, infrared: Tensor, visible: Tensor) -> Tensor:
        activity = [self.blur((x - self.blur(x)).abs()) + 1e-3 for x in (infrared, visible)]
        weight = activity[0] / (activity[0] + activity[1])
        return weight * infrared + (1 - weight) * visible


class {cls}:
    """The adapter: the harness gives tensors in [0,1] and does colour, padding, batching and saving."""

    spec = MethodSpec(
        name="{name}",
        title="{title}",
        summary="one sentence about the method",
        paper="",  # title of the paper, with year= and venue=
        licence="",
        family="user",
        trained_on=(),  # for example ("msrs:train",): marks rows where training and test data overlap
        input="luma",  # what fuse() gets as visible: "luma" N×1×H×W, or "rgb" N×3×H×W
        output="luma",  # what fuse() returns: "luma" (the visible image's colour is added), or "rgb"
        size_multiple=1,  # the harness pads to a multiple of this and crops again
        batchable=True,
        tileable=True,  # False if a pixel depends on the whole image
    )

    def __init__(self, spec: MethodSpec, context: MethodContext) -> None:
        self.context = context  # .seed, .options (from --option {name}.key=value), .weights(name) -> path
        self.network = Network()

    def load(self, device: torch.device, precision: str) -> None:
        # self.network.load_state_dict(safetensors.torch.load_file(self.context.weights("{name}")))
        self.network.to(device).eval()

    def fuse(self, infrared: Tensor, visible: Tensor) -> Tensor:
        return self.network(infrared, visible).clamp(0, 1)
'''


def write_adapter(name: str, folder: Path) -> tuple[Path, str]:
    """Write ``<folder>/<name>.py`` and return its path and class name. Raises ``InputError`` if the file
    exists or the name is unusable."""
    plain = plain_name(name)
    module = "".join(c if c.isalnum() else "_" for c in plain).lower()
    cls = "".join(part.capitalize() for part in module.split("_")) or "Method"
    if module[0].isdigit():
        raise InputError(f"init-method {name}: names of Python files and classes begin with a letter")
    path = folder / f"{module}.py"
    if path.exists():
        raise InputError(f"{path}: exists already; choose another name, or --into another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(_TEMPLATE.format(title=name, cls=cls, name=plain.lower(), file=path))
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror})") from error
    return path, cls
