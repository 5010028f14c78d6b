"""The blind selection criterion: judged by hand-made figures, and a network without masks gives them no
say.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from fusionbench.methods.sgdfuse.ablation.heldout import (
    CAP,
    fuse_with,
    judge,
    main,
    masks_say,
    mean_metrics,
    parts,
)
from fusionbench.methods.sgdfuse.config import load_config
from fusionbench.methods.sgdfuse.network.network import build_network
from fusionbench.methods.sgdfuse.training.pack import PackedPair

SMALL = {
    "model.width": 8,
    "model.blocks": 1,
    "model.heads": 2,
    "model.detail": 4,
    "model.unet_width": 8,
    "model.unet_multipliers": [1, 1, 1, 1],
    "model.hfah_width": 4,
    "model.hfah_hidden": [8, 8],
}


@pytest.fixture
def pair() -> PackedPair:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (4, 48, 70), generator=generator, dtype=torch.uint8)
    masks = torch.zeros(1, 2, 48, 70, dtype=torch.uint8)
    masks[0, 0, 10:30, 20:50] = 255
    return PackedPair("msrs", "made", images, masks)


def test_the_maximum_itself_scores_one() -> None:
    row = {"EN": 6.0, "SD": 40.0, "SF": 10.0, "MI": 4.0, "SCD": 1.6, "VIF": 1.0, "Qabf": 0.7}
    judgement = judge({"msrs": row}, {"msrs": row})
    assert judgement.score == pytest.approx(1)
    assert judgement.broken == {}


def test_ratios_are_capped_and_floors_named() -> None:
    maximum = {"msrs": {"SF": 10.0, "VIF": 1.0}, "tno": {"SF": 10.0, "VIF": 1.0}}
    found = {"msrs": {"SF": 20.0, "VIF": 0.9}, "tno": {"SF": 11.0, "VIF": 0.5}}
    judgement = judge(found, maximum)
    assert judgement.score == pytest.approx((CAP + 0.9 + 1.1 + 0.5) / 4)
    assert judgement.broken == {"VIF": pytest.approx(0.9)}  # the other dataset has no floors


def test_masks_have_no_say_where_the_network_does_not_see_them(pair: Any) -> None:
    torch.manual_seed(0)
    deaf = build_network(
        load_config("default", {**SMALL, "model.use_mask_ir": False, "model.use_mask_vi": False})
    )
    assert masks_say(deaf.eval(), [pair]) == 0
    hearing = build_network(load_config("default", SMALL)).eval()
    torch.nn.init.normal_(hearing.hfah.out.weight, std=1.0)
    assert masks_say(hearing, [pair]) > 0


def test_parts_change_what_they_say(pair: Any) -> None:
    torch.manual_seed(0)
    network = build_network(load_config("default", SMALL)).eval()
    found = {name: mean_metrics(fuse, [pair]) for name, fuse in parts(network).items()}
    assert set(found["nothing"]["msrs"]) == {"EN", "SD", "SF", "MI", "SCD", "VIF", "Qabf"}
    assert found["nothing"] == mean_metrics(fuse_with(network), [pair])
    assert found["output F1, without stage II"] != found["nothing"]


def test_datasets_are_asked_for(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path / "weights.safetensors")])
    assert "--dataset" in capsys.readouterr().err
