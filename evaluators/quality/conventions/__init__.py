"""Which definition, on which grey levels, computes a metric in a named convention; and the scoring of one
image.
"""
