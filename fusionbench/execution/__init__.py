"""A plan's work: fusing, scoring images and sets, engines and worker processes."""
