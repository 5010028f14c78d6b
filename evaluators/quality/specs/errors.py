"""The metrics of errors and correlation as data."""

from fusionbench.contracts import MetricSpec

from .constant import constant

ERRORS = (
    MetricSpec(
        name="CC",
        title="Correlation coefficient",
        family="correlation and error",
        value_range="−1…1",
        formula="(r(A,F) + r(B,F))/2, Pearson",
        source="S. Deshmukh, S. Bhosle, Int. J. Image Graph. Signal Process. 2010",
        constant=constant("no value: 0/0", "no value: 0/0", "no value: 0/0", "no value: 0/0"),
        conventions={
            "cddfuse": "as the formula",
            "cddfuse-f64": "as the formula",
            "linfeng": "as the formula",
            "linfeng-legacy": "as the formula",
            "ivif-zoo": "as cddfuse",
            "corrected": "as the formula",
        },
        pitfalls=("The mean of the sources scores high, however dull it is.",),
        differentiable=True,
    ),
    MetricSpec(
        name="SCD",
        title="Sum of the correlations of differences",
        family="correlation and error",
        value_range="−2…2",
        formula="r(F−B, A) + r(F−A, B), signed differences",
        source="V. Aslantas, E. Bendes, AEÜ 69(12), 2015",
        constant=constant("finite", "no value: 0/0", "no value: 0/0", "no value: 0/0"),
        conventions={
            "cddfuse": "as the formula",
            "cddfuse-f64": "as the formula",
            "linfeng": "as the formula",
            "linfeng-legacy": "as the formula",
            "ivif-zoo": "as cddfuse",
            "corrected": "as the formula",
        },
        pitfalls=(
            "Undefined where the fused image equals a source.",
            "Differences in unsigned arithmetic destroy it.",
        ),
        differentiable=True,
        digits=2,
    ),
    MetricSpec(
        name="MSE",
        title="Mean squared error",
        family="correlation and error",
        direction="lower",
        value_range="0…65025",
        formula="(mse(A,F) + mse(B,F))/2",
        source="P. Jagalingam, A. V. Hegde, Aquatic Procedia 4, 2015",
        constant=constant("finite", "finite", "finite", "0"),
        conventions={
            "cddfuse": "levels 0…255",
            "cddfuse-f64": "levels 0…255",
            "linfeng": "levels on [0, 1]",
            "linfeng-legacy": "levels on [0, 1]",
            "ivif-zoo": "on [0, 1]",
            "corrected": "levels 0…255",
        },
        pitfalls=(
            "Smallest for the mean of the sources.",
            "On levels 0…255 or on [0, 1]: a factor of 65025.",
        ),
        differentiable=True,
    ),
    MetricSpec(
        name="RMSE",
        title="Root mean squared error",
        family="correlation and error",
        direction="lower",
        value_range="0…255",
        formula="(√mse(A,F) + √mse(B,F))/2",
        source="P. Jagalingam, A. V. Hegde, Aquatic Procedia 4, 2015",
        constant=constant("finite", "finite", "finite", "0"),
        conventions={
            "vifb": "√SSE/(H·W): divided after the root",
            "vifb-corrected": "mean over the colour channels",
            "corrected": "as the formula",
        },
        pitfalls=("VIFB's values (0.06) aren't errors of any scale.",),
        differentiable=True,
    ),
    MetricSpec(
        name="PSNR",
        title="Peak signal-to-noise ratio",
        family="correlation and error",
        unit="dB",
        value_range="0…∞",
        formula="10 log₁₀(255²/MSE)",
        source="P. Jagalingam, A. V. Hegde, Aquatic Procedia 4, 2015",
        constant=constant("finite", "finite", "finite", "no value: infinite"),
        conventions={
            "cddfuse": "peak = maximum of the fused image",
            "cddfuse-f64": "as cddfuse",
            "linfeng": "peak 255, MSE on [0, 1]: 48.13 dB too high",
            "linfeng-legacy": "as linfeng",
            "vifb": "20 log₁₀(255/√RMSE) with VIFB's RMSE",
            "vifb-corrected": "mean over the colour channels",
            "mefb": "as vifb",
            "ivif-zoo": "as linfeng",
            "corrected": "as the formula",
        },
        pitfalls=(
            (
                "In cddfuse the peak is the fused image's own maximum: dark images lose by it, down "
                "to below 0."
            ),
            "Values above 50 dB on fusion results come from mixed scales.",
        ),
        differentiable=True,
        digits=2,
    ),
)
