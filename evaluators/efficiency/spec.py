"""The efficiency metrics as data; imports no torch."""

from fusionbench.contracts.evaluator import ConventionSpec, EvaluatorSpec, MetricSpec

_COUNTED = (
    "Multiply-adds of convolutions (grouped and transposed ones too) and of matrix products, attention "
    "included, for one pair at the padded size. Not counted: biases, normalisation, activations, resampling, "
    "FFTs, wavelets, anything outside torch."
)
_SOURCE = "torch.utils.flop_counter"
_TIMED = "Method.fuse alone, warm, random scenes; decoding, colour, padding and saving are not in it"

METRICS = (
    MetricSpec(
        name="Params",
        title="Parameters",
        family="size",
        direction="lower",
        unit="M",
        value_range="≥ 0",
        formula="Elements of all distinct parameters of the network, trainable or not; buffers don't count.",
        pitfalls=("A guide (a mask provider) counts only if the method lists it in its `network`.",),
        digits=3,
    ),
    MetricSpec(
        name="MACs",
        title="Multiply-accumulates",
        family="cost",
        direction="lower",
        unit="G",
        value_range="≥ 0",
        formula=_COUNTED,
        source=_SOURCE,
        pitfalls=(
            "Many papers print MACs under the name FLOPs, often at 256×256: compare name and size first.",
        ),
        digits=2,
    ),
    MetricSpec(
        name="FLOPs",
        title="Floating-point operations",
        family="cost",
        direction="lower",
        unit="G",
        value_range="≥ 0",
        formula=f"2 × MACs. {_COUNTED}",
        source=_SOURCE,
        pitfalls=("Many papers print half of this (MACs) under the same name.",),
        digits=2,
    ),
    MetricSpec(
        name="Latency",
        title="Latency",
        family="time",
        direction="lower",
        unit="ms",
        value_range="> 0",
        formula="Median time of one pair (batch 1), synchronised with the device.",
        source=_TIMED,
        pitfalls=("On a shared machine absolute times wobble: compare RelativeLatency, or rerun alone.",),
        digits=1,
    ),
    MetricSpec(
        name="LatencyIQR",
        title="Latency, inter-quartile range",
        family="time",
        direction="lower",
        unit="ms",
        value_range="≥ 0",
        formula="75th minus 25th percentile of the runs behind Latency.",
        source=_TIMED,
        digits=1,
    ),
    MetricSpec(
        name="LatencyRuns",
        title="Warm runs behind Latency",
        family="time",
        direction="none",
        unit="",
        value_range="≥ 0",
        formula="Number of warm runs; 0 where a run takes so long (over 15 s) that the first one was taken.",
        digits=0,
    ),
    MetricSpec(
        name="RelativeLatency",
        title="Latency relative to a fixed convolution",
        family="time",
        direction="lower",
        unit="×",
        value_range="> 0",
        formula=(
            "Latency divided by the median time of a 3×3 convolution, 64 to 64 channels, 320×240, fp32 "
            "(2.83 GMACs) on the same device, timed right before and after."
        ),
        source=_TIMED,
        digits=2,
    ),
    MetricSpec(
        name="Throughput",
        title="Throughput",
        family="time",
        direction="higher",
        unit="pairs/s",
        value_range="> 0",
        formula="Pairs per second at the convention's batch size (halved until one fits memory and time).",
        source=_TIMED,
        digits=2,
    ),
    MetricSpec(
        name="PeakMemory",
        title="Peak memory",
        family="memory",
        direction="lower",
        unit="MiB",
        value_range="≥ 0",
        formula=(
            "Weights plus the growth of memory while one pair (batch 1) is fused. CUDA: live memory of the "
            "allocator. CPU: peak resident set over the resident set just before, free memory having been "
            "returned to the system (Linux only)."
        ),
        pitfalls=("CPU and CUDA figures are measured differently; compare within one device.",),
        digits=1,
    ),
)

SPEC = EvaluatorSpec(
    name="efficiency",
    title="Efficiency",
    task="efficiency",
    default=True,
    summary=(
        "Parameters, MACs and FLOPs, latency, throughput and peak memory per size and device. The convention "
        "of a value names what it was measured under: device, width×height, precision, batch of Throughput "
        "('cpu-2t 640x480 fp32 b1')."
    ),
    scope="method",
    needs=frozenset({"network"}),
    metrics=METRICS,
    default_metrics=tuple(metric.name for metric in METRICS),
    conventions=(
        ConventionSpec(
            name="measured",
            title="Measured here",
            summary="Replaced, value by value, by what it was measured under.",
            task="efficiency",
        ),
    ),
    default_convention="measured",
    factory="fusionbench.evaluators.efficiency.evaluator:build",
)
