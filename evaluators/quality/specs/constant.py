"""What comes out of constant images, as `MetricSpec.constant` has it."""


def constant(fused: str, source: str, sources: str, equal: str) -> dict[str, str]:
    """A number, ``finite``, or ``no value`` and why: for each kind of constant image."""
    cases = ("fused image", "one source", "both sources", "all three, equal")
    return dict(zip(cases, (fused, source, sources, equal), strict=True))


OF_THE_FUSED_IMAGE = constant("0", "finite", "finite", "0")
STRETCHED = constant(*["no value: the stretch to 0…255 is 0/0"] * 4)
NO_STATISTICS = constant("no value: too flat", "finite", "finite", "no value: too flat")
