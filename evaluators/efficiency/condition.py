"""What a number was measured under, as the short string that stands in a value's convention."""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch

_PATTERN = re.compile(r"(?P<device>\S+) (?P<width>\d+)x(?P<height>\d+) (?P<precision>\S+) b(?P<batch>\d+)")


@dataclass(frozen=True)
class Condition:
    """Device, size, precision and batch size of a measurement.

    Written ``"cpu-2t 640x480 fp32 b1"``: the device (``cpu-<threads>t``, or the GPU's name in lower case with
    hyphens), width×height, precision, and the batch size of ``Throughput`` (latency and memory are always of
    batch 1).
    """

    device: str
    height: int
    width: int
    precision: str
    batch: int

    def __str__(self) -> str:
        return f"{self.device} {self.width}x{self.height} {self.precision} b{self.batch}"

    @classmethod
    def parse(cls, text: str) -> Condition:
        """The inverse of ``str``. Raises ``ValueError`` if the text has another form."""
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not of the form 'cpu-2t 640x480 fp32 b1'")
        return cls(
            match["device"],
            int(match["height"]),
            int(match["width"]),
            match["precision"],
            int(match["batch"]),
        )


def device_label(device: torch.device) -> str:
    """``cpu-<threads>t`` with torch's thread count, or the GPU's name: lower case, hyphens for everything
    else.
    """
    if device.type == "cpu":
        return f"cpu-{torch.get_num_threads()}t"
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
