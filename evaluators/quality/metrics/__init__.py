"""The definition of every metric in NumPy, SciPy and OpenCV, with the equation beside the line; one file per
family.

It takes H×W uint8 images (infrared, visible, fused) and returns a float, or raises ``Undefined`` with the
reason.
"""
