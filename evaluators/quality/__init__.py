"""Quality metrics of infrared-visible image fusion, each in every convention in use.

`spec.py` is the pure-data catalogue, `scoring.py` the entry point, the other modules are families of pure functions.
"""
