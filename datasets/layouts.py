"""Where each dataset's files lie, as a table: the official archives and the flat ``ir/ vi/`` folders people
make of them.

Paths are relative to the dataset's root and compared without regard to case. ``{ir}``, ``{vi}``, ``{labels}``
and ``{boxes}`` stand for any of the folder names in ``ROLE_FOLDERS``; nothing else is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .label_boxes import MSRS_RULE, BoxRule

ROLE_FOLDERS: Mapping[str, tuple[str, ...]] = {
    "ir": ("ir", "infrared", "inf", "thermal"),
    "vi": ("vi", "vis", "visible", "rgb"),
    "labels": ("Segmentation_labels", "labels", "label", "segmentation", "masks"),
    "boxes": ("labels", "boxes", "Annotations", "Annotation"),
}
"""Folder names that mean a role, the first one preferred."""


@dataclass(frozen=True)
class Place:
    """One way the files of a split may lie.

    ``*_stem`` are regular expressions with the group ``name``, for folders that hold both sensors (``IR1``
    beside ``VIS1``).
    """

    infrared: str
    visible: str
    labels: tuple[str, ...] = ()
    boxes: tuple[str, ...] = ()
    infrared_stem: str = ""
    visible_stem: str = ""
    bare: bool = False
    """The folders lie right in the root of a dataset that has several splits: they are the split that the
    root's (or its parent's) name says, else the default one."""


@dataclass(frozen=True)
class Split:
    """A split: its possible places in order of preference, and which of the pairs there belong to it.

    ``listed`` names list files (one stem a line) below the root; the first that exists decides. Where none
    exists ``fallback`` does: the name of a JSON list shipped beside this module, ``"*"`` for every pair, or
    ``""``: the split doesn't exist without its list. ``complement`` takes the pairs that the list does *not*
    name. ``only_boxed`` keeps the pairs that have a box file. ``box_rule`` makes boxes from the semantic
    labels; the split then holds the pairs that have at least one box of the classes named in ``boxed_by``.
    ``part_of`` is the split whose images these are.
    """

    places: tuple[Place, ...]
    listed: tuple[str, ...] = ()
    fallback: str = "*"
    complement: bool = False
    only_boxed: bool = False
    part_of: str = ""
    box_rule: BoxRule | None = None
    boxed_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """A dataset's splits, the folder names its archive unpacks to, and how its box files name classes.

    ``box_ids`` maps the class ids of YOLO files to indices into the spec's ``box_classes`` (None: they are
    the same).
    """

    splits: Mapping[str, Split]
    folders: tuple[str, ...]
    box_ids: Mapping[int, int] | None = None
    box_names: Mapping[str, str] = field(default_factory=dict)
    """Other names of box classes in files that name them, lower case → the spec's name."""
    above: tuple[str, str] = ("", "")
    """Two box classes whose ids people swap: the first one's boxes lie higher in the picture than the second
    one's.
    """


def _flat(prefix: str = "", labels: tuple[str, ...] = (), boxes: tuple[str, ...] = ()) -> Place:
    start = f"{prefix}/" if prefix else ""
    return Place(
        f"{start}{{ir}}",
        f"{start}{{vi}}",
        tuple(start + name for name in labels),
        tuple(start + name for name in boxes),
    )


def _bare(labels: tuple[str, ...] = (), boxes: tuple[str, ...] = ()) -> Place:
    return Place("{ir}", "{vi}", labels, boxes, bare=True)


_ROADSCENE_PLACES = (
    Place("cropinfrared", "crop_LR_visible"),
    Place("cropinfrared", "crop_HR_visible"),
    Place("RoadScene/cropinfrared", "RoadScene/crop_LR_visible"),
    _flat(),
)
_M3FD_PLACES = (
    _flat(boxes=("Annotation", "Annotations", "labels")),
    _flat("M3FD_Detection", boxes=("Annotation", "labels")),
)


def _published(places: tuple[Place, ...], name: str) -> Split:
    """A split whose names a published list holds, as ``splits/<name>.txt`` (or ``meta/<name>.txt``) below the
    root.
    """
    return Split(places, listed=(f"splits/{name}.txt", f"meta/{name}.txt"), fallback="")


def _llvip(split: str) -> tuple[Place, ...]:
    return (
        Place(
            f"infrared/{split}",
            f"visible/{split}",
            boxes=("Annotations", "Annotation", f"labels/{split}", "labels"),
        ),
        _flat(split, boxes=("Annotations", "{boxes}")),
        *((_flat("train/llvip"),) if split == "train" else ()),
        _bare(boxes=("{boxes}",)),
    )


LAYOUTS: Mapping[str, Layout] = {
    "msrs": Layout(
        folders=("msrs", "MSRS-main", "MSRS-master"),
        splits={
            "test": Split((_flat("test", labels=("{labels}",)), _bare(labels=("{labels}",)))),
            "train": Split((_flat("train", labels=("{labels}",)), _bare(labels=("{labels}",)))),
            "semantic-boxes": Split(
                (_flat("test", labels=("{labels}",)), _bare(labels=("{labels}",))),
                part_of="test",
                box_rule=MSRS_RULE,
                boxed_by=("person", "car"),
            ),
            "detection-train": Split(
                (
                    Place(
                        "train/{ir}",
                        "train/{vi}",
                        ("train/{labels}",),
                        ("detection_train/labels", "detection/labels", "detection/{boxes}"),
                    ),
                ),
                only_boxed=True,
            ),
            "detection": Split(
                (
                    _flat("detection", labels=("Segmentation_labels",), boxes=("labels", "{boxes}")),
                    Place(
                        "test/{ir}",
                        "test/{vi}",
                        ("test/{labels}",),
                        ("detection/labels", "detection/{boxes}"),
                    ),
                ),
                only_boxed=True,
            ),
        },
        box_ids={0: 0, 1: 2, 2: 1},  # the official files carry COCO's ids
    ),
    "roadscene": Layout(
        folders=("roadscene", "RoadScene-master", "RoadScene-main"),
        splits={
            "test50": Split(_ROADSCENE_PLACES, listed=("test50.txt",), fallback="roadscene_test50.json"),
            "all": Split(_ROADSCENE_PLACES),
            "train": Split(
                _ROADSCENE_PLACES, listed=("test50.txt",), fallback="roadscene_test50.json", complement=True
            ),
        },
    ),
    "tno": Layout(
        folders=("tno", "TNO_Image_Fusion_Dataset"),
        splits={
            "test": Split(
                (
                    _flat(),
                    _flat("test"),
                    Place("Test_ir", "Test_vi"),
                    Place(
                        ".",
                        ".",
                        infrared_stem=r"(?i)ir[_-]?(?P<name>.+)",
                        visible_stem=r"(?i)(?:vis|vi)[_-]?(?P<name>.+)",
                    ),
                    Place(
                        ".",
                        ".",
                        infrared_stem=r"(?i)(?P<name>.+)[_-]ir",
                        visible_stem=r"(?i)(?P<name>.+)[_-](?:vis|vi)",
                    ),
                )
            )
        },
    ),
    "m3fd": Layout(
        folders=("m3fd", "M3FD_Detection"),
        splits={
            "test": Split(_M3FD_PLACES, listed=("meta/val.txt", "meta/test.txt", "test.txt", "val.txt")),
            "train": Split(_M3FD_PLACES, listed=("meta/train.txt", "train.txt"), fallback=""),
            "all": Split(_M3FD_PLACES),
            **{
                name: _published(_M3FD_PLACES, f"m3fd-{name}")
                for name in (
                    "3150-1050-test",
                    "3150-1050-train",
                    "2727-633-840-test",
                    "2727-633-840-val",
                    "2727-633-840-train",
                    "8-1-1-test",
                    "8-1-1-train",
                )
            },
        },
        box_names={"person": "People", "motor": "Motorcycle"},
        above=("Lamp", "Motorcycle"),
    ),
    "llvip": Layout(
        folders=("llvip", "LLVIP-main"),
        splits={
            "test": Split(_llvip("test")),
            "train": Split(_llvip("train")),
            "tenth-test": _published(_llvip("test"), "llvip-tenth-1203-347-test"),
            "tenth-train": _published(_llvip("train"), "llvip-tenth-1203-347-train"),
        },
        box_names={"people": "person"},
    ),
    "m3svd": Layout(
        folders=("m3svd",),
        splits={"train": Split((_flat("train"), _flat("train/m3svd"), _flat()))},
    ),
    "fmb": Layout(
        folders=("fmb", "FMB_dataset"),
        splits={
            "test": Split((_flat("test", labels=("{labels}",)), _bare(labels=("{labels}",)))),
            "train": Split((_flat("train", labels=("{labels}",)), _bare(labels=("{labels}",)))),
        },
    ),
    "vifb": Layout(
        folders=("vifb", "VIFB-master", "VIFB"),
        splits={"test": Split((_flat(), _flat("input"), _flat("test")))},
    ),
    "folder": Layout(
        folders=(),
        splits={
            "all": Split((_flat("", ("{labels}",), ("{boxes}",)), _flat("test", ("{labels}",), ("{boxes}",))))
        },
    ),
}
"""The layout of every dataset that is read from files, by name."""
