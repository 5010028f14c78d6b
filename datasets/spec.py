"""The built-in datasets that are read from files, as data. The folders they are read from stand in
``layouts.py``."""

from __future__ import annotations

from fusionbench.contracts.artifact import Artifact
from fusionbench.contracts.dataset import DatasetSpec
from fusionbench.images.reading import READING_OPTIONS

_READER = "fusionbench.datasets.reader:open_dataset"

MSRS_CLASSES = ("unlabelled", "car", "person", "bike", "curve", "car_stop", "guardrail", "color_cone", "bump")

FMB_CLASSES = (
    "unlabelled",
    "road",
    "sidewalk",
    "building",
    "lamp",
    "sign",
    "vegetation",
    "sky",
    "person",
    "car",
    "truck",
    "bus",
    "motorcycle",
    "bicycle",
    "pole",
)

_NO_CHECKSUM = (
    "The authors publish no checksum, so nothing is downloaded unasked: fetch it with a browser (or pass "
    "the sha256 that you trust), unpack "
    "it, and give the folder with --data-root."
)

_OPTIONS = {**READING_OPTIONS, "semantic_classes": "", "box_classes": ""}
"""Options of every dataset in files: how 16-bit files are read (``bits``), the largest image
(``max_pixels``), and class names where they differ from the spec's.
"""

SPECS = [
    DatasetSpec(
        name="msrs",
        title="MSRS",
        summary=(
            "Multi-spectral road scenarios, day (D) and night (N), with semantic labels and 80 labelled"
            " detection pairs. `semantic-boxes`: the test pairs with a person or a car, boxes made from the"
            " semantic labels (objects that touch become one box, cut ones two). `detection`: the official"
            " boxes of test pairs; `detection-train`: those of training pairs, which are no test"
        ),
        splits=("test", "train", "semantic-boxes", "detection", "detection-train"),
        licence="research use; the authors state no licence",
        citation=(
            "Tang, Yuan, Zhang, Jiang, Ma: PIAFusion: A progressive infrared and visible image "
            "fusion network based on "
            "illumination aware. Information Fusion 83-84, 2022"
        ),
        year=2022,
        url="https://github.com/Linfeng-Tang/MSRS",
        size=(480, 640),
        semantic_classes=MSRS_CLASSES,
        box_classes=("person", "car", "bike"),
        box_splits={"test": "semantic-boxes"},
        artifacts=(
            Artifact(
                name="msrs",
                filename="MSRS-main.zip",
                urls=("https://codeload.github.com/Linfeng-Tang/MSRS/zip/refs/heads/main",),
                instructions=_NO_CHECKSUM,
                licence="research use",
                unpack=True,
            ),
        ),
        layout=(
            "test/ir/*.png, test/vi/*.png, test/Segmentation_labels/*.png (ids 0-8); train/ the same; "
            "detection/ir, detection/vi, detection/labels/*.txt (YOLO, COCO ids)"
        ),
        options=_OPTIONS,
        factory=_READER,
    ),
    DatasetSpec(
        name="roadscene",
        title="RoadScene",
        summary="221 aligned pairs of road scenes from FLIR's video; 50 of them are the usual test set",
        splits=("test50", "all", "train"),
        licence="research use; the authors state no licence",
        citation=(
            "Xu, Ma, Jiang, Guo, Ling: U2Fusion: A unified unsupervised image fusion network. IEEE "
            "TPAMI 44(1), 2022"
        ),
        year=2020,
        url="https://github.com/hanna-xu/RoadScene",
        artifacts=(
            Artifact(
                name="roadscene",
                filename="RoadScene-master.zip",
                urls=("https://codeload.github.com/hanna-xu/RoadScene/zip/refs/heads/master",),
                instructions=_NO_CHECKSUM,
                licence="research use",
                unpack=True,
            ),
        ),
        layout="cropinfrared/*.jpg, crop_LR_visible/*.jpg; optionally test50.txt (one stem a line)",
        options=_OPTIONS,
        factory=_READER,
    ),
    DatasetSpec(
        name="tno",
        title="TNO",
        summary=(
            "Military and surveillance scenes in several bands; papers use selections of 21, 25 or 42 pairs"
        ),
        licence="CC BY 4.0",
        citation="Toet: The TNO multiband image data collection. Data in Brief 15, 2017",
        year=2017,
        url="https://figshare.com/articles/dataset/TNO_Image_Fusion_Dataset/1008029",
        layout="ir/*.png, vi/*.png with equal stems; or one folder with IR1.png beside VIS1.png",
        options=_OPTIONS,
        factory=_READER,
    ),
    DatasetSpec(
        name="m3fd",
        title="M3FD",
        summary=(
            "4200 pairs with boxes of six classes; `train` and `test` need the lists of the split you compare"
            " with. Published splits by name, from their lists in splits/ (m3fd-NAME.txt): 3150-1050"
            " (TDFusion), 2727-633-840 (TarDAL), 8-1-1 (DCEvo)"
        ),
        splits=(
            "test",
            "train",
            "all",
            "3150-1050-test",
            "3150-1050-train",
            "2727-633-840-test",
            "2727-633-840-val",
            "2727-633-840-train",
            "8-1-1-test",
            "8-1-1-train",
        ),
        licence="research use; the authors state no licence",
        citation=(
            "Liu et al.: Target-aware dual adversarial learning and a multi-scenario multi-modality "
            "benchmark to fuse infrared "
            "and visible for object detection. CVPR 2022"
        ),
        year=2022,
        url="https://github.com/JinyuanLiu-CV/TarDAL",
        size=(768, 1024),
        box_classes=("People", "Car", "Bus", "Lamp", "Motorcycle", "Truck"),
        layout=(
            "Ir/*.png, Vis/*.png, Annotation/*.xml (VOC); or ir/, vi/, labels/*.txt (YOLO). Without "
            "meta/val.txt `test` is every "
            "pair; `train` needs meta/train.txt"
        ),
        options=_OPTIONS,
        factory=_READER,
    ),
    DatasetSpec(
        name="llvip",
        title="LLVIP",
        summary=(
            "15488 pairs of streets at night with person boxes. `tenth-test` and `tenth-train`: every tenth"
            " pair (347 and 1203, as TDFusion uses them), from splits/llvip-tenth-1203-347-test.txt and"
            " -train.txt"
        ),
        splits=("test", "train", "tenth-test", "tenth-train"),
        licence="research use only (the LLVIP terms)",
        citation=(
            "Jia, Zhu, Li, Tang, Liu, Zhou: LLVIP: A visible-infrared paired dataset for low-light "
            "vision. ICCV Workshops 2021"
        ),
        year=2021,
        url="https://bupt-ai-cz.github.io/LLVIP/",
        box_classes=("person",),
        frames=r"(?P<scene>\d{2})(?P<frame>\d{4})",
        layout=(
            "infrared/test/*.jpg, visible/test/*.jpg, infrared/train, visible/train, Annotations/*.xml "
            "(VOC); or test/ir, test/vi, "
            "train/ir, train/vi"
        ),
        options=_OPTIONS,
        factory=_READER,
    ),
    DatasetSpec(
        name="m3svd",
        title="M3SVD",
        summary="Registered infrared-visible video clips, used here as training pairs",
        frames=r"(?P<scene>\d+_\d+)_(?P<frame>\d+)",
        splits=("train",),
        licence="research use",
        citation=(
            "Tang et al.: VideoFusion: A spatio-temporal collaborative network for multi-modal video "
            "fusion and restoration. 2025"
        ),
        year=2025,
        url="https://github.com/Linfeng-Tang/VideoFusion",
        layout="ir/*.jpg, vi/*.jpg (frames, equal stems)",
        options=_OPTIONS,
        factory=_READER,
    ),
    DatasetSpec(
        name="fmb",
        title="FMB",
        summary="1500 street pairs with dense labels of 14 classes",
        splits=("test", "train"),
        licence="research use; the authors state no licence",
        citation=(
            "Liu et al.: Multi-interactive feature learning and a full-time multi-modality benchmark "
            "for image fusion and "
            "segmentation. ICCV 2023"
        ),
        year=2023,
        url="https://github.com/JinyuanLiu-CV/SegMiF",
        size=(600, 800),
        semantic_classes=FMB_CLASSES,
        layout="test/Infrared/*.png, test/Visible/*.png, test/Label/*.png (ids 0-14); train/ the same",
        options=_OPTIONS,
        factory=_READER,
    ),
    DatasetSpec(
        name="vifb",
        title="VIFB",
        summary="21 pairs of the visible-infrared fusion benchmark, mixed sources",
        licence="research use",
        citation="Zhang, Ye, Xiao: VIFB: A visible and infrared image fusion benchmark. CVPR Workshops 2020",
        year=2020,
        url="https://github.com/xingchenzhang/VIFB",
        layout="IR/*.jpg, VI/*.jpg with equal stems",
        options=_OPTIONS,
        factory=_READER,
    ),
    DatasetSpec(
        name="folder",
        title="Folder",
        takes_folders=True,
        summary="Any two folders of registered images, matched by stem; labels and boxes optional",
        splits=("all",),
        licence="yours",
        layout=(
            "ir/ and vi/ (also infrared/, thermal/; visible/, vis/, rgb/) with equal stems; optionally"
            " labels/ (images of class ids) and boxes/ (YOLO .txt, VOC .xml or COCO .json; YOLO ids need a"
            " classes.txt or data.yaml beside them, or the option box_classes). Or name the folders with the"
            " options ir, vi, labels, boxes; class names with semantic_classes and box_classes"
        ),
        options={
            **_OPTIONS,
            **dict.fromkeys(("ir", "vi", "labels", "boxes"), ""),
            **{f"{role}_pattern": "" for role in ("ir", "vi", "labels", "boxes")},
        },
        factory=_READER,
    ),
]
