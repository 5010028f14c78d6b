"""SDNet, the fusion ("squeeze") half of the infrared-visible model (Zhang and Ma, IJCV 2021): ``spec`` (data)
and ``network`` (the ported network).
"""
