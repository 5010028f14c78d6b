"""Who segments the fused images: a named checkpoint, a judge trained on the neutral input, or segmenters
trained on the method's own images.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from torch import nn

from fusionbench.contracts import UInt8Array
from fusionbench.contracts.dataset import Pair
from fusionbench.contracts.evaluator import EvaluatorSettings, FusedSet
from fusionbench.errors import InputError, MissingDataError
from fusionbench.files import artifacts

from ..recipe import Recipe
from .courses import courses, neutral_samples
from .network import Checkpoint, encoder_file, find_checkpoint, load_checkpoint
from .prediction import predict
from .samples import Labelled, fold_of, make_sample, read_labelled
from .training import TrainedSegmenter, step_count, train_segmenter, training_key

Progress = Callable[[int, int], None]


@dataclass
class Judging:
    """The judge of one unit: its name, what it starts from or is (sha256), how it was trained, the
    checkpoints used (filled while judging).
    """

    name: str
    identity: str
    training: str
    excluded: dict[str, str] = field(default_factory=dict)
    """Training pairs that could not be used, with the reason."""
    checkpoints: list[dict[str, object]] = field(default_factory=list)


def judge_name(recipe: Recipe) -> str:
    return f"{recipe.architecture.lower()}-{recipe.encoder}"


def segment(
    fused: FusedSet, labelled: Labelled, recipe: Recipe, settings: EvaluatorSettings, progress: Progress
) -> tuple[Judging, Iterator[tuple[Pair, UInt8Array]]]:
    """The judge, and the predicted ids (H×W uint8) of every labelled pair, in order.

    Raises ``MissingWeightsError``, ``MissingDataError`` or ``InputError`` where the protocol can't be
    followed.
    """
    classes = fused.dataset.spec.semantic_classes
    if recipe.judge:
        checkpoint = find_checkpoint(recipe.judge)
        network = load_checkpoint(checkpoint, recipe, classes).to(settings.device)
        training = checkpoint.metadata.get("trained_on", f"not recorded in {checkpoint.path.name}")
        judging = Judging(judge_name(recipe), checkpoint.sha256, training)
        judging.checkpoints.append({"sha256": checkpoint.sha256})
        return judging, _predictions(fused, labelled.pairs, network, recipe, settings.device, progress)
    if recipe.judges:
        judges = [find_checkpoint(text) for text in recipe.judges]
        return _unseen(fused, labelled, recipe, settings, progress, judges)
    if recipe.input == "blends":
        return _trained_once(fused, labelled, recipe, settings, progress)
    if recipe.folds:
        return _folds(fused, labelled, recipe, settings, progress)
    return _retrained(fused, labelled, recipe, settings, progress)


def _predictions(
    fused: FusedSet,
    pairs: Sequence[Pair],
    network: nn.Module,
    recipe: Recipe,
    device: str,
    progress: Progress,
) -> Iterator[tuple[Pair, UInt8Array]]:
    network.eval()
    for i, pair in enumerate(pairs):
        yield pair, predict(network, fused.fused(pair.name), recipe, device)
        progress(i + 1, len(pairs))


def _unseen(
    fused: FusedSet,
    labelled: Labelled,
    recipe: Recipe,
    settings: EvaluatorSettings,
    progress: Progress,
    judges: Sequence[Checkpoint],
) -> tuple[Judging, Iterator[tuple[Pair, UInt8Array]]]:
    """Each pair segmented by the first judge that was not trained on it.

    Raises ``InputError`` for a pair that all were trained on.
    """
    classes = fused.dataset.spec.semantic_classes
    shares: list[list[Pair]] = [[] for _ in judges]
    seen = [_trained_names(judge) for judge in judges]
    for pair in labelled.pairs:
        place = next((k for k, names in enumerate(seen) if pair.name not in names), None)
        if place is None:
            raise InputError(
                f"{settings.convention}: every judge was trained on {pair.name}, so none can judge it"
            )
        shares[place].append(pair)
    identity = hashlib.sha256("".join(judge.sha256 for judge in judges).encode()).hexdigest()
    training = "; ".join(judge.metadata.get("trained_on", judge.path.name) for judge in judges)
    judging = Judging(judge_name(recipe), identity if len(judges) > 1 else judges[0].sha256, training)
    judging.checkpoints += [{"sha256": judge.sha256} for judge in judges]

    def predictions() -> Iterator[tuple[Pair, UInt8Array]]:
        done = 0
        for judge, share in zip(judges, shares, strict=True):
            network = load_checkpoint(judge, recipe, classes).to(settings.device)
            shifted = _shifted(progress, done, len(labelled.pairs))
            yield from _predictions(fused, share, network, recipe, settings.device, shifted)
            done += len(share)

    return judging, predictions()


def _trained_names(judge: Checkpoint) -> frozenset[str]:
    """What a judge was trained on, as its file says. Raises ``InputError`` if it doesn't."""
    if "trained_names" not in judge.metadata:
        raise InputError(
            f"{judge.path}: doesn't say which pairs it was trained on, so it can't be one of several judges; "
            "train them with `fusionbench train segmentation --preset msrs-2fold-frozen`"
        )
    return frozenset(json.loads(judge.metadata["trained_names"]))


def _trained_once(
    fused: FusedSet, labelled: Labelled, recipe: Recipe, settings: EvaluatorSettings, progress: Progress
) -> tuple[Judging, Iterator[tuple[Pair, UInt8Array]]]:
    """The judge that is trained on neutral blends before the first method is judged (in folds: the judges),
    then kept by content.
    """
    classes = fused.dataset.spec.semantic_classes
    planned = courses(fused.dataset, recipe, fused.split)
    steps = [step_count(recipe, len(course.pairs)) for course in planned]
    total, done = sum(steps) + len(labelled.pairs), 0
    trainings = []
    with _cache(settings.cache_dir) as folder:
        for course, length in zip(planned, steps, strict=True):
            samples = neutral_samples(fused.dataset, course.pairs, recipe, course.what)
            key = training_key(recipe, samples, classes, settings.seed)
            trained = train_segmenter(
                samples,
                recipe,
                classes,
                settings.seed,
                folder / key,
                trained_on=f"{course.what}, {len(samples)} pairs",
                device=settings.device,
                progress=_shifted(progress, done, total),
            )
            done += length
            trainings.append((trained, find_checkpoint(str(trained.path))))
        shifted = _shifted(progress, done, total)
        if recipe.folds:
            judges = [checkpoint for _, checkpoint in trainings]
            judging, predictions = _unseen(fused, labelled, recipe, settings, shifted, judges)
        else:
            checkpoint = trainings[0][1]
            network = load_checkpoint(checkpoint, recipe, classes).to(settings.device)
            judging = Judging(judge_name(recipe), checkpoint.sha256, checkpoint.metadata["trained_on"])
            predictions = _predictions(fused, labelled.pairs, network, recipe, settings.device, shifted)
        judging.checkpoints = [_about(trained, classes) for trained, _ in trainings]
        if settings.cache_dir is None:  # the folder goes: predict while the weights are there
            predictions = iter(list(predictions))
    return judging, predictions


def _retrained(
    fused: FusedSet, labelled: Labelled, recipe: Recipe, settings: EvaluatorSettings, progress: Progress
) -> tuple[Judging, Iterator[tuple[Pair, UInt8Array]]]:
    if fused.training is None:
        raise MissingDataError(
            f"{fused.dataset.spec.name}: its training split isn't available, and {settings.convention} trains"
            " on it"
        )
    training = read_labelled(fused.training.dataset, fused.training.pairs)
    what = (
        f"the method's fused {fused.training.split} split, {len(training.pairs)} pairs, for each method and"
        " seed"
    )
    judging = _start(recipe, what)
    judging.excluded = training.excluded
    for name, why in training.excluded.items():
        settings.note(f"not trained on {name}: {why}")
    jobs = [(fused.training, training, training.pairs, labelled.pairs, fused.training.split)]
    return judging, _train_and_predict(fused, jobs, recipe, settings, progress, judging)


def _folds(
    fused: FusedSet, labelled: Labelled, recipe: Recipe, settings: EvaluatorSettings, progress: Progress
) -> tuple[Judging, Iterator[tuple[Pair, UInt8Array]]]:
    jobs = _fold_jobs(fused, labelled, recipe, settings.convention)
    sizes = " + ".join(str(len(held)) for _, _, _, held, _ in jobs)
    what = (
        f"{recipe.folds} folds ({sizes} pairs) of the method's fused {fused.split}"
        " split, each segmented by the judge of the others, for each method and seed"
    )
    judging = _start(recipe, what)
    return judging, _train_and_predict(fused, jobs, recipe, settings, progress, judging)


_Job = tuple[FusedSet, Labelled, Sequence[Pair], Sequence[Pair], str]
"""Where the training images come from, their labels, the pairs to train on, the pairs to segment, the name of
the training set.
"""


def _fold_jobs(fused: FusedSet, labelled: Labelled, recipe: Recipe, protocol: str) -> list[_Job]:
    """Each fold is segmented by the judge of the others. Raises ``InputError`` for an empty fold."""
    fold = fold_of([p.name for p in labelled.pairs], recipe.folds, recipe.fold_block)
    jobs: list[_Job] = []
    for k in range(recipe.folds):
        rest = tuple(p for p in labelled.pairs if fold[p.name] != k)
        held = tuple(p for p in labelled.pairs if fold[p.name] == k)
        jobs.append((fused, labelled, rest, held, f"{fused.split} without fold {k + 1}"))
    if not all(held for _, _, _, held, _ in jobs):
        raise InputError(
            f"{protocol}: {len(labelled.pairs)} labelled pairs are too few for {recipe.folds}"
            f" folds of blocks of {recipe.fold_block}; select more images"
        )
    return jobs


def train_fold(
    fused: FusedSet,
    labelled: Labelled,
    number: int,
    recipe: Recipe,
    settings: EvaluatorSettings,
    progress: Progress,
) -> None:
    """Train the judge of one fold and keep it in the cache, where ``segment`` finds it."""
    job = _fold_jobs(fused, labelled, recipe, settings.convention)[number]
    with _cache(settings.cache_dir) as folder:
        _train(fused, job, recipe, settings, folder, progress)


def _train(
    fused: FusedSet, job: _Job, recipe: Recipe, settings: EvaluatorSettings, folder: Path, progress: Progress
) -> TrainedSegmenter:
    source, known, rest, _, name = job
    classes = fused.dataset.spec.semantic_classes
    samples = [
        make_sample(p.name, source.fused(p.name), known.labels[p.name], recipe.image_size) for p in rest
    ]
    return train_segmenter(
        samples,
        recipe,
        classes,
        settings.seed,
        folder / training_key(recipe, samples, classes, settings.seed),
        trained_on=f"{fused.method} on {fused.dataset.spec.name}/{name}, {len(samples)} pairs",
        device=settings.device,
        progress=progress,
    )


def _train_and_predict(
    fused: FusedSet,
    jobs: Sequence[_Job],
    recipe: Recipe,
    settings: EvaluatorSettings,
    progress: Progress,
    judging: Judging,
) -> Iterator[tuple[Pair, UInt8Array]]:
    classes = fused.dataset.spec.semantic_classes
    steps = [step_count(recipe, len(rest)) for _, _, rest, _, _ in jobs]
    total = sum(steps) + sum(len(held) for _, _, _, held, _ in jobs)
    done = 0
    with _cache(settings.cache_dir) as folder:
        for job, length in zip(jobs, steps, strict=True):
            held = job[3]
            trained = _train(fused, job, recipe, settings, folder, _shifted(progress, done, total))
            judging.checkpoints.append(_about(trained, classes))
            network = load_checkpoint(find_checkpoint(str(trained.path)), recipe, classes).to(settings.device)
            done += length
            yield from _predictions(
                fused, held, network, recipe, settings.device, _shifted(progress, done, total)
            )
            done += len(held)


def _start(recipe: Recipe, what: str) -> Judging:
    start = encoder_file(recipe)
    begun = (
        f"encoder from {start.name} (sha256 {artifacts.file_hashes(start)[0][:12]})"
        if start
        else "from random weights"
    )
    return Judging(judge_name(recipe), artifacts.file_hashes(start)[0] if start else "", f"{what}; {begun}")


def _about(trained: TrainedSegmenter, classes: Sequence[str]) -> dict[str, object]:
    weights: Mapping[str, float] = dict(zip(classes, trained.class_weights, strict=True))
    return {"sha256": trained.sha256, "steps": trained.steps, "class_weights": weights}


def _shifted(progress: Progress, start: int, total: int) -> Progress:
    return lambda done, _: progress(start + done, total)


@contextmanager
def _cache(folder: Path | None) -> Iterator[Path]:
    """Where trained segmenters are kept: beside the run, or (outside of runs) a folder that is thrown away."""
    if folder is not None:
        yield folder / "segmentation"
        return
    with tempfile.TemporaryDirectory(prefix="fusionbench-") as temporary:
        yield Path(temporary)
