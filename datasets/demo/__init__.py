"""Procedural road scenes: one geometry, seen by a visible and an infrared camera, with exact labels and
boxes.

``composition`` sets up a scene from a seed, ``street`` and ``actors`` build its geometry, ``canvas`` draws it
once for both sensors, ``visible`` and ``infrared`` turn what was drawn into images, ``dataset`` offers them
as pairs.
"""
