"""The definition of every metric, in NumPy, SciPy and OpenCV, with the equation beside the line.

One file per family. A definition takes H×W uint8 images (infrared, visible, fused) and returns a float, or
raises ``Undefined`` with the reason. `conventions/` says which definition computes which column of which
published table.
"""
