"""How neutral a judge is: its score on each sensor alone and on five blends of both, in
docs/results/judges.md.

    python tools/judge_neutrality.py demo-det:demo demo-seg:demo --write
    python tools/judge_neutrality.py msrs-2fold-frozen:msrs:/data/MSRS --limit 120

Each argument is PROTOCOL:DATASET or PROTOCOL:DATASET:ROOT. A judge that was trained on one fusion rule scores
that rule's images far above the others. The spread of the five blends is their largest score minus their
least.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tabulate import tabulate

from fusionbench.contracts import UInt8Array
from fusionbench.contracts.dataset import Dataset, Pair
from fusionbench.contracts.evaluator import DatasetEvaluator, EvaluatorSettings, EvaluatorSpec, FusedSet
from fusionbench.evaluators.judging.neutral import FIXED, fixed_blend
from fusionbench.planning import protocols
from fusionbench.planning.selection import open_dataset, select_pairs
from fusionbench.plugins import catalog

PAGE = Path(__file__).parents[1] / "docs" / "results" / "judges.md"
METRIC = {"detection": "mAP", "segmentation": "mIoU"}
BLENDS = [name for name in FIXED if name not in ("infrared", "visible")]
INTRODUCTION = """# How neutral the judges are

A judge that was trained on one fusion rule favours the methods that come close to it. The judges here were trained on random blends of
both sensors (`evaluators/judging/neutral.py`): no rule is their training look. The table shows each judge's score on both sensors alone
and on five blends. `blend-0.25` is a quarter infrared and three quarters visible luma, with the visible chroma.
Different blends show different objects, so equal scores are not expected; a judge with a favourite would score one blend far above both
its neighbours.
"""


@dataclass(frozen=True)
class Evidence:
    """A judge's scores by kind of image, over ``pairs`` images."""

    protocol: str
    dataset: str
    metric: str
    pairs: int
    scores: dict[str, float]

    @property
    def spread(self) -> float:
        """Largest minus least score of the five blends."""
        blends = [self.scores[name] for name in BLENDS]
        return max(blends) - min(blends)


def measured(protocol: str, dataset: Dataset, limit: int | None) -> Evidence:
    """Score every fixed blend of the first split of a dataset by a protocol."""
    evaluator, convention = next(
        (e, c) for e in catalog.evaluators.all().values() for c in e.conventions if c.name == protocol
    )
    pairs = protocols.labelled(dataset.pairs(dataset.spec.splits[0]), evaluator)
    chosen = tuple(select_pairs(pairs, (), limit))
    scores: dict[str, float] = {}
    rows_name = protocol
    with tempfile.TemporaryDirectory() as folder:
        settings = EvaluatorSettings(
            convention=protocol, options=dict(convention.recipe), cache_dir=Path(folder)
        )
        judge = _built(evaluator, settings)
        for name in FIXED:
            fused = FusedSet(
                name, dataset, dataset.spec.splits[0], chosen, partial(_blend, dataset, chosen, name)
            )
            values = [v for image, v in judge.score(fused, lambda done, total: None) if not image]
            found = next(v for v in values if v.metric == METRIC[evaluator.task] and not v.class_name)
            scores[name], rows_name = found.value, found.convention or protocol
            print(f"{rows_name}: {name} {found.value:.3f}", flush=True)
    return Evidence(rows_name, dataset.spec.title, METRIC[evaluator.task], len(chosen), scores)


def _built(evaluator: EvaluatorSpec, settings: EvaluatorSettings) -> DatasetEvaluator:
    built: DatasetEvaluator = catalog.build(evaluator.factory)(evaluator, settings)
    return built


def _blend(dataset: Dataset, pairs: tuple[Pair, ...], rule: str, name: str) -> UInt8Array:
    images = dataset.load(next(pair for pair in pairs if pair.name == name))
    blend: UInt8Array = fixed_blend(np.asarray(images.infrared), np.asarray(images.visible), rule)
    return blend


def document(evidence: list[Evidence], command: str) -> str:
    """The page as Markdown."""
    headers = ["", *(f"`{e.protocol}` on {e.dataset}, {e.metric}" for e in evidence)]
    rows = [[name, *(f"{e.scores[name]:.3f}" for e in evidence)] for name in FIXED]
    rows.append(["spread of the five blends", *(f"{e.spread:.3f}" for e in evidence)])
    rows.append(["images", *(str(e.pairs) for e in evidence)])
    table = tabulate(rows, headers, tablefmt="github", disable_numparse=True)
    return f"{INTRODUCTION}\n    {command}\n\n{table}\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("judges", nargs="+", metavar="PROTOCOL:DATASET[:ROOT]")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    arguments = parser.parse_args()
    evidence, shown = [], []
    for text in arguments.judges:
        protocol, name, *root = text.split(":", 2)
        evidence.append(
            measured(protocol, open_dataset(name, {"": Path(root[0])} if root else {}, {}), arguments.limit)
        )
        shown.append(f"{protocol}:{name}" + (f":{name.upper()}" if root else ""))
    limit = f" --limit {arguments.limit}" if arguments.limit else ""
    page = document(evidence, f"python tools/judge_neutrality.py {' '.join(shown)}{limit} --write")
    print(page)
    if arguments.write:
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
