"""Small methods whose cost is known, and the evaluator to measure them with."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from fusionbench.contracts.evaluator import EvaluatorSettings
from fusionbench.contracts.method import MethodContext, MethodSpec
from fusionbench.evaluators.efficiency.spec import SPEC
from fusionbench.plugins.catalog import build


class TwoConvolutions(nn.Module):
    """2 → 8 → 1 channels, 3×3: 8·2·9 + 1·8·9 = 216 multiply-adds a pixel; 144 + 8 + 72 + 1 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(2, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        fused: torch.Tensor = self.layers(torch.cat([infrared, visible], dim=1)).sigmoid()
        return fused


class NetworkMethod:
    """A method around a network; keeps the shapes and sums of what it was given."""

    def __init__(self, spec: MethodSpec, context: MethodContext) -> None:
        self.network = TwoConvolutions()
        self.context = context
        self.seen: list[tuple[tuple[int, ...], float]] = []
        type(self).last = self

    def load(self, device: torch.device, precision: str) -> None:
        self.network.to(device).eval()

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        self.seen.append((tuple(visible.shape), float((infrared * torch.arange(infrared.shape[-1])).sum())))
        fused: torch.Tensor = self.network(infrared, visible[:, :1])
        return fused


class HiddenNetworkMethod(NetworkMethod):
    """Its network is where nobody can find it."""

    def __init__(self, spec: MethodSpec, context: MethodContext) -> None:
        super().__init__(spec, context)
        network = self.__dict__.pop("network")
        self.call = network.forward

    def load(self, device: torch.device, precision: str) -> None:
        """Nothing to do."""

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        fused: torch.Tensor = self.call(infrared, visible)
        return fused


class MeanMethod:
    """No network; refuses images wider than 100 pixels."""

    def __init__(self, spec: MethodSpec, context: MethodContext) -> None:
        """Nothing to keep."""

    def load(self, device: torch.device, precision: str) -> None:
        """Nothing to do."""

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        if infrared.shape[-1] > 100:
            raise RuntimeError("too wide for me\nand a second line")
        return (infrared + visible) / 2


class HungryMethod(MeanMethod):
    """Needs 48 MiB while it fuses one pair."""

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        scratch = torch.ones(len(infrared), 48 * 2**20 // 4)
        return (infrared + visible) / 2 + scratch[:, :1, None, None] * 0


class LeavingMethod(NetworkMethod):
    """It ends the process instead of fusing."""

    def fuse(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        sys.exit(0)


METHODS = {
    m.__name__: m for m in (NetworkMethod, HiddenNetworkMethod, MeanMethod, HungryMethod, LeavingMethod)
}


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``measure(class name, sizes, spec fields=…, settings…)`` → {(metric, convention): Value}."""

    def run(
        name: Any,
        sizes: Any,
        *,
        fields: Any = None,
        context: Any = None,
        metrics: Any = None,
        device: Any = "cpu",
        **options: Any,
    ) -> Any:
        spec = MethodSpec(name="fake", title="Fake", factory=f"tests:{name}", **(fields or {}))
        monkeypatch.setattr(
            "fusionbench.plugins.catalog.build", lambda factory: METHODS[factory.partition(":")[2]]
        )
        settings = EvaluatorSettings(metrics=metrics, device=device, options=options)
        evaluator = build(SPEC.factory)(SPEC, settings)
        values = evaluator.score(spec, context or MethodContext(), sizes)
        return {(value.metric, value.convention): value for value in values}

    return run


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[Any]:
    """Measure on one thread: the machine is shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def network_method() -> Any:
    """The class whose ``last`` instance is the method that was measured."""
    return NetworkMethod
