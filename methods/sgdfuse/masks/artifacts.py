"""Weight files of the mask providers, as data: official addresses, sizes and checksums.

The hexadecimal part of an official SAM file name is the beginning of its MD5, not of its sha256. The sha256
values are those that several independent public projects pin for these files; ``mobile_sam.pt`` and
``yolov8n-seg.pt`` are also known by git blob.
"""

from fusionbench.contracts.artifact import Artifact

_SAM = "https://dl.fbaipublicfiles.com/segment_anything"

SAM_VIT_B = Artifact(
    name="sam-vit-b",
    filename="sam_vit_b_01ec64.pth",
    sha256="ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
    bytes=375_042_383,
    urls=(f"{_SAM}/sam_vit_b_01ec64.pth",),
    licence="Apache-2.0",
)
SAM_VIT_L = Artifact(
    name="sam-vit-l",
    filename="sam_vit_l_0b3195.pth",
    sha256="3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
    bytes=1_249_524_607,
    urls=(f"{_SAM}/sam_vit_l_0b3195.pth",),
    licence="Apache-2.0",
)
SAM_VIT_H = Artifact(
    name="sam-vit-h",
    filename="sam_vit_h_4b8939.pth",
    sha256="a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
    bytes=2_564_550_879,
    urls=(f"{_SAM}/sam_vit_h_4b8939.pth",),
    licence="Apache-2.0",
)
MOBILE_SAM = Artifact(
    name="mobile-sam",
    filename="mobile_sam.pt",
    sha256="6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
    git_blob="7ef2d090979fd9853adf17b7a99c8b94a1c5a6a7",
    bytes=40_728_226,
    urls=(
        "https://github.com/ChaoningZhang/MobileSAM/raw/f706ad9c4eb7f219c00d9050e46328518ffb65d2/weights/mobile_sam.pt",
        "https://github.com/ultralytics/assets/releases/download/v8.3.0/mobile_sam.pt",
    ),
    licence="Apache-2.0",
)
YOLOV8N_SEG = Artifact(
    name="yolov8n-seg",
    filename="yolov8n-seg.pt",
    git_blob="e928b4610eb98f750b811c4913680e2025ac82df",
    urls=("https://github.com/ultralytics/assets/releases/download/v8.3.0/yolov8n-seg.pt",),
    licence="AGPL-3.0",
)

TWO_SENSOR = Artifact(
    name="sgdfuse-two-sensor",
    filename="two-sensor.safetensors",
    resource="fusionbench.methods.sgdfuse:weights/two-sensor.safetensors",
    sha256="d2a14aa35c5898e22b777fe45e5df6269ec5e0cea1aadc3c8c7f5164160b50e5",
    bytes=1_445_410,
    licence="MIT (started from EfficientNet-Lite0, Apache-2.0; trained on research data)",
)

MASK_ARTIFACTS = (SAM_VIT_B, SAM_VIT_L, SAM_VIT_H, MOBILE_SAM, YOLOV8N_SEG)
"""All that are downloaded; none is needed (``two-sensor`` ships, ``saliency`` has no weights), none is
fetched unasked.
"""
