"""The ablation command: the plan, sharing of stage I, skipping and resuming, and what it refuses."""

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import yaml

from fusionbench.errors import FusionBenchError, InputError
from fusionbench.images.codec import write_png
from fusionbench.methods.sgdfuse.ablation import ablate
from fusionbench.methods.sgdfuse.ablation.plan import PLAN, read_plan
from fusionbench.methods.sgdfuse.checkpoint import load_weights
from fusionbench.methods.sgdfuse.config import load_config
from fusionbench.methods.sgdfuse.masks import get_provider
from fusionbench.methods.sgdfuse.training.train import train

TINY = {
    "model.width": 8,
    "model.heads": 2,
    "model.detail": 4,
    "model.unet_width": 8,
    "model.hfah_width": 4,
    "model.hfah_hidden": [8, 8],
    "train.batch_size": 2,
    "train.crop": 64,
    "train.validate_every": 1000,
}


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    for name in ("SAM_CHECKPOINT", "MOBILE_SAM_WEIGHTS", "YOLO_SEG_WEIGHTS", "WEIGHTS"):
        monkeypatch.delenv(f"FUSIONBENCH_{name}", raising=False)
    monkeypatch.setenv("FUSIONBENCH_CACHE", str(tmp_path / "cache"))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def msrs(tmp_path: Path) -> Path:
    """Six training and three test pairs in MSRS' layout."""
    generator = np.random.default_rng(0)
    for split, count in (("train", 6), ("test", 3)):
        for index in range(count):
            scene = cv2.GaussianBlur(generator.integers(0, 256, (64, 80, 3)).astype(np.float32), (0, 0), 3)
            scene = np.clip((scene - scene.min()) * 255 / np.ptp(scene), 0, 255).astype(np.uint8)
            write_png(tmp_path / "MSRS" / split / "vi" / f"{index:05d}D.png", scene)
            write_png(tmp_path / "MSRS" / split / "ir" / f"{index:05d}D.png", 255 - scene[..., 0])
    return tmp_path / "MSRS"


def small_plan(tmp_path: Path, names: tuple[str, ...], **changes: Any) -> Path:
    """The shipped plan, cut down to some variants."""
    plan = yaml.safe_load(PLAN.read_text())
    plan["variants"] = [entry for entry in plan["variants"] if entry["name"] in names]
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(plan | changes, sort_keys=False))
    return path


def test_the_shipped_plan_is_table_3_and_figure_10() -> None:
    plan = read_plan(PLAN, steps=7, masks=["saliency"], overrides={})
    by_name = {variant.name: variant for variant in plan.variants}
    assert list(by_name) == [
        "no-sam",
        "no-ir-sam",
        "no-vis-sam",
        "no-stage1",
        "no-stage2",
        "no-diffusion",
        "no-hfah",
        "blocks-2",
        "blocks-4",
        "ours",
    ]
    assert plan.metrics == ("EN", "SD", "SF", "MI", "SCD", "VIF", "Qabf")
    assert by_name["ours"].published["SD"] == 45.28
    assert not by_name["blocks-2"].published
    for name, field, value in (
        ("no-ir-sam", "use_mask_ir", False),
        ("no-vis-sam", "use_mask_vi", False),
        ("no-stage1", "use_stage1", False),
        ("no-stage2", "use_stage2", False),
        ("no-diffusion", "use_diffusion", False),
        ("no-hfah", "use_hfah", False),
        ("blocks-2", "blocks", 2),
        ("blocks-4", "blocks", 4),
        ("ours", "blocks", 3),
    ):
        assert getattr(by_name[name].config.model, field) == value
    assert by_name["no-sam"].masks == ("random",)
    assert by_name["no-ir-sam"].masks == ("saliency@vi",)
    assert by_name["no-vis-sam"].masks == ("saliency@ir",)
    assert all((v.config.train.steps1, v.config.train.steps2) == (7, 7) for v in plan.variants)
    shared = {v.stage1_key for v in plan.variants if v.config.model.use_stage1}
    assert len(shared) == 3  # 2, 3 and 4 blocks


def test_the_shipped_deviations_undo_one_thing_each() -> None:
    plan = read_plan(PLAN.with_name("deviations.yaml"), None, ["saliency", "random"], {})
    paper = load_config("paper").to_dict()
    base = plan.variants[-1].config.to_dict()
    assert plan.variants[-1].name == "default"
    for variant in plan.variants[:-1]:
        changed = {
            f"{section}.{name}": value
            for section, values in variant.config.to_dict().items()
            if isinstance(values, dict)
            for name, value in values.items()
            if value != base[section][name]
        }
        assert changed or variant.masks != plan.variants[-1].masks, variant.name
        for key, value in changed.items():
            section, _, name = key.partition(".")
            assert value == paper[section][name], f"{variant.name} goes to the paper's value of {key}"


def test_stage_1_is_shared_where_it_is_the_same() -> None:
    plan = read_plan(PLAN.with_name("deviations.yaml"), None, ["saliency", "random"], {})
    key = {variant.name: variant.stage1_key for variant in plan.variants}
    alike = {name for name in key if key[name] == key["default"]}
    assert {"mask-floor", "stage1-frozen", "hfah-free", "group-norm", "t-start", "noise-loss"} <= alike
    assert not alike & {"target-ir", "target-visible", "base-none", "rgb", "no-metric-terms", "min-share"}


def test_one_sided_masks_blank_the_other_source() -> None:
    image = np.zeros((40, 60), dtype=np.uint8)
    image[10:20, 20:30] = 220
    provider = get_provider("saliency@ir")
    assert provider.objectness(image, "ir/1").max() > 0.5
    assert provider.objectness(image, "vi/1").max() == 0
    assert provider.fingerprint != get_provider("saliency").fingerprint
    with pytest.raises(InputError, match="`ir` or `vi`"):
        get_provider("saliency@both")


def test_sharing_stage_1_changes_nothing(msrs: Path, tmp_path: Path) -> None:
    """Stage I trained once and handed on gives the weights of a run that trains both stages itself."""
    overrides = TINY | {"train.steps1": 2, "train.steps2": 2}
    common: dict[str, Any] = {"datasets": [("msrs", msrs)], "masks": ["random"], "device": "cpu"}
    whole = train(out=tmp_path / "whole", overrides=overrides, **common)
    first = train(out=tmp_path / "first", stage=1, overrides=overrides | {"model.use_hfah": True}, **common)
    ours = read_plan(small_plan(tmp_path, ("ours",)), None, ["random"], overrides).variants[0]
    ablate.start_from_stage1(first, ours.config, 0, tmp_path / "init.safetensors")
    second = train(
        out=tmp_path / "second", stage=2, init=tmp_path / "init.safetensors", overrides=overrides, **common
    )
    expected = load_weights(whole)[0].state_dict()
    for name, value in load_weights(second)[0].state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=1e-6)


def fake_scores(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Scoring replaced by a record of which variants were scored."""
    scored: list[str] = []

    def score(variant: Any, weights: Path, *rest: Any) -> dict[str, dict[str, float]]:
        load_weights(weights)
        scored.append(variant.name)
        return {
            name: dict.fromkeys("abc", float(len(scored)))
            for name in ("EN", "SD", "SF", "MI", "SCD", "VIF", "Qabf")
        }

    monkeypatch.setattr(ablate, "_score", score)
    return scored


def test_finished_variants_are_skipped_and_a_killed_one_goes_on(
    msrs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored = fake_scores(monkeypatch)
    plan = small_plan(tmp_path, ("no-stage2", "no-hfah", "ours"))
    arguments: dict[str, Any] = {
        "out": tmp_path / "out",
        "datasets": [("msrs", msrs)],
        "config": plan,
        "steps": 2,
        "masks": ["saliency"],
        "device": "cpu",
        "overrides": TINY,
    }
    trained: list[tuple[str, Any]] = []

    def counting(**options: Any) -> Path:
        if len(trained) == 2:
            trained.append(("killed", None))
            raise KeyboardInterrupt
        trained.append((options["out"].name, options["stage"]))
        return train(**options)

    monkeypatch.setattr(ablate, "train", counting)
    with pytest.raises(KeyboardInterrupt):
        ablate.ablate(**arguments)
    assert scored == ["no-stage2", "no-hfah"]
    table = (tmp_path / "out" / "ablation.md").read_text()
    assert "| w/o HFAH | **2.000** |" in table
    assert "| Ours (3 blocks) | – |" in table

    path = ablate.ablate(**arguments)
    assert scored == ["no-stage2", "no-hfah", "ours"]
    assert [stage for _, stage in trained] == [1, 2, None, 2]  # stage I once for all three
    assert "| Ours (3 blocks) | **3.000** |" in path.read_text()
    assert "2 steps of stage I and 2 of stage II" in path.read_text()
    assert "| w/o HFAH | −1.000±0.000 |" in path.read_text()
    lines = list(csv.DictReader((tmp_path / "out" / "ablation.csv").open()))
    assert {line["training_pairs"] for line in lines if line["source"] == "measured"} == {"5"}

    ablate.ablate(**arguments)
    assert len(scored) == 3
    with pytest.raises(InputError, match=r"another seed.*--restart"):
        ablate.ablate(**arguments | {"seed": 1})
    ablate.ablate(**arguments | {"seed": 1, "resume": False})
    assert len(scored) == 6


@pytest.mark.slow
def test_trains_and_scores_through_the_harness(msrs: Path, tmp_path: Path) -> None:
    plan = small_plan(tmp_path, ("no-sam", "no-ir-sam", "no-stage1", "no-diffusion", "ours"))
    path = ablate.ablate(
        out=tmp_path / "out",
        datasets=[("msrs", msrs)],
        config=plan,
        steps=2,
        masks=["saliency"],
        device="cpu",
        limit=2,
        overrides=TINY,
    )
    results = {p.parent.name: json.loads(p.read_text()) for p in (tmp_path / "out").glob("*/result.json")}
    assert set(results) == {"no-sam", "no-ir-sam", "no-stage1", "no-diffusion", "ours"}
    for result in results.values():
        assert all(len(values) == 2 for values in result["scores"].values())
        assert all(np.isfinite(value) for values in result["scores"].values() for value in values.values())
    assert len({json.dumps(result["scores"]) for result in results.values()}) == 5
    assert "(2 pairs, convention cddfuse)" in path.read_text()


def test_data_and_variants_are_checked_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FUSIONBENCH_DATA", raising=False)
    for arguments, message in (
        ({}, "pass --dataset"),
        ({"datasets": [("msrs", None)]}, "FUSIONBENCH_DATA"),
        ({"datasets": [("msrs", tmp_path)], "only": ["no-sum"]}, "no variant no-sum; there are no-sam"),
    ):
        with pytest.raises(FusionBenchError, match=message):
            ablate.ablate(out=tmp_path / "out", masks=["none"], **arguments)
    assert not (tmp_path / "out").exists()


def test_unusable_plans_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be read"):
        read_plan(tmp_path / "absent.yaml", None, ["none"], {})
    for text, message in (
        ("{", "not valid YAML"),
        ("a: 1", "budget"),
        ("[]", "compare it with"),
    ):
        (tmp_path / "bad.yaml").write_text(text)
        with pytest.raises(InputError, match=message):
            read_plan(tmp_path / "bad.yaml", None, ["none"], {})
    plan = yaml.safe_load(PLAN.read_text())
    for change, message in (
        ({"variants": [{"name": "a", "label": "A", "settings": {"model.no": 1}}]}, "no setting 'model.no'"),
        ({"variants": [{"name": "../a", "label": "A"}]}, "plain folder names"),
        ({"variants": [{"name": "a", "label": "A"}] * 2}, "different names"),
        ({"masks": "sallience"}, "sallience"),
    ):
        (tmp_path / "bad.yaml").write_text(yaml.safe_dump(plan | change))
        with pytest.raises(InputError, match=message):
            read_plan(tmp_path / "bad.yaml", None, None, {})
