"""The evaluator for CUDA devices, run on torch's CPU: the values, reasons and order of the ordinary one,
whatever the batch.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fusionbench.contracts.dataset import PairImages
from fusionbench.contracts.evaluator import EvaluatorSettings
from fusionbench.evaluators.quality import evaluator as ordinary
from fusionbench.evaluators.quality.conventions.table import FORMULAS
from fusionbench.evaluators.quality.on_device.conventions import BATCHED
from fusionbench.evaluators.quality.on_device.evaluator import BatchedQualityEvaluator
from fusionbench.evaluators.quality.spec import SPEC
from fusionbench.store.run_store import RunStore

torch.set_num_threads(1)


def scene(seed: Any, height: Any = 170, width: Any = 166, colour: Any = True) -> Any:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    infrared = 110 + 70 * np.sin(x / 9) * np.cos(y / 13) + rng.normal(0, 7, (height, width))
    visible = 120 + 60 * np.cos(x / 17 + y / 5)[..., None] + rng.normal(0, 9, (height, width, 3))
    infrared[:40, :40], visible[60:90, 60:90] = 255, 0
    infrared, visible = (np.clip(np.rint(i), 0, 255).astype(np.uint8) for i in (infrared, visible))
    fused = np.maximum(infrared[..., None], visible)
    return (fused if colour else fused[..., 0]), PairImages(infrared, visible)


def both(metrics: Any, convention: Any, images: Any, dtype: Any = torch.float64) -> Any:
    fused, sources = zip(*images, strict=True)
    batch = BatchedQualityEvaluator(metrics, [convention], "cpu", dtype).score_batch(fused, sources)
    single = ordinary.QualityEvaluator(metrics, [convention])
    return batch, [single.score(f, s) for f, s in images]


@pytest.mark.parametrize("convention", BATCHED)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_values_are_the_ordinary_ones(convention: str, dtype: torch.dtype, tolerance: float) -> None:
    names = list(BATCHED[convention][1])
    batch, single = both(names, convention, [scene(1), scene(2), scene(3, colour=False)], dtype)
    for ours, theirs in zip(batch, single, strict=True):
        assert [v.metric for v in ours] == [v.metric for v in theirs] == names
        for mine, other in zip(ours, theirs, strict=True):
            assert mine.value == pytest.approx(other.value, rel=tolerance), mine.metric
            assert (mine.convention, mine.reason) == (other.convention, other.reason)


def test_batched_metrics_exist() -> None:
    for convention, (_, formulas) in BATCHED.items():
        assert formulas.keys() <= FORMULAS[convention].keys()


def test_metrics_without_a_torch_version_keep_their_place() -> None:
    names = ["VIF", "SSIM", "EN", "NMI"]
    batch, single = both(names, "cddfuse", [scene(4)])
    assert [v.metric for v in batch[0]] == [v.metric for v in single[0]]
    assert [v.value for v in batch[0]] == pytest.approx([v.value for v in single[0]], rel=1e-9)


def test_sizes_may_differ_and_undefined_values_have_their_reason() -> None:
    flat = np.full((50, 60), 9, np.uint8)
    small, pair = scene(5, 30, 30)
    images = [scene(6), (flat, PairImages(flat, np.repeat(flat[..., None], 3, 2))), (small, pair), scene(7)]
    batch, single = both(["EN", "CC", "VIF", "SCD"], "cddfuse", images)
    for ours, theirs in zip(batch, single, strict=True):
        for mine, other in zip(ours, theirs, strict=True):
            assert mine.reason == other.reason
            assert math.isnan(mine.value) == bool(mine.reason)
            assert math.isnan(mine.value) or mine.value == pytest.approx(other.value, rel=1e-9, abs=1e-12)
    assert any(v.reason for v in batch[1])
    assert any("41" in v.reason for v in batch[2])


def test_large_batches_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    from fusionbench.evaluators.quality.on_device import evaluator

    whole, _ = both(["EN", "VIF"], "cddfuse", [scene(8), scene(9), scene(10)])
    monkeypatch.setattr(evaluator, "MEMORY", 1)
    cut, _ = both(["EN", "VIF"], "cddfuse", [scene(8), scene(9), scene(10)])
    assert [v.value for values in cut for v in values] == pytest.approx(
        [v.value for values in whole for v in values], rel=1e-13
    )


def test_device_chooses() -> None:
    assert type(ordinary.build(SPEC, EvaluatorSettings(device="cpu"))) is ordinary.QualityEvaluator
    assert isinstance(ordinary.build(SPEC, EvaluatorSettings(device="cuda:0")), BatchedQualityEvaluator)


def test_a_run_hands_over_its_batches(pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four pairs in batches of three: two calls, the values of a run on the CPU; scored again from the saved
    images, the same again.
    """
    import fusionbench

    sizes = []

    class Counting(BatchedQualityEvaluator):
        def score_batch(self, fused: Any, sources: Any) -> Any:
            sizes.append(len(fused))
            return super().score_batch(fused, sources)

    def run(name: Any, **changes: Any) -> Any:
        settings: dict[str, Any] = {
            "method": ["max"],
            "dataset": ["folder"],
            "task": ["quality"],
            "data_root": {"folder": pairs},
            "out": tmp_path,
            "device": "cpu",
            "batch_size": 3,
            "quiet": True,
            "report": ["table"],
        }
        result = fusionbench.run(**settings | {"name": name} | changes)
        rows = RunStore.read_only(result.folder).rows(result.plan.selection())
        return rows.sort_values(["image", "metric"]).value.tolist()

    expected = run("ordinary")
    monkeypatch.setattr(
        ordinary, "build", lambda spec, settings: Counting(settings.metrics, ["cddfuse"], "cpu")
    )
    assert run("batched") == pytest.approx(expected, rel=1e-9)
    assert sorted(sizes) == [1, 3]
    run("again", metrics=["EN"])
    sizes.clear()
    assert run("again", metrics=["EN", "SD"])
    assert sorted(sizes) == [1, 3]
