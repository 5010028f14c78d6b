"""Image quality metrics: readable definitions (`metrics/`), the conventions that bind them, and fast
versions of a few.

`inputs/`: decoded images and grey levels. `specs/`: names, formulas and sources as data. `on_device/`:
torch versions.
"""
