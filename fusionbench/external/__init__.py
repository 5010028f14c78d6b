"""Methods that run outside fusionbench: an official repository in its own environment, described by a short
YAML file.

``recipe`` (the description as data), ``reading`` (a YAML file into a method), ``setting`` (the user's clone
and environment, checked), ``staging`` (pairs to files and back), ``process`` (the subprocess), ``stage`` (a
split, start to end), ``outputs`` (the collected images as a method), ``seeded`` (the wrapper that fixes
random seeds). See docs/external-methods.md.
"""
