"""SAGE, the sub-network that the authors distil and publish for inference (Wu et al., CVPR 2025): ``spec``
(data) and ``network`` (the ported network).
"""
