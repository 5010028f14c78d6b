"""The metrics of the fused image alone, judged by natural-scene statistics as data."""

from fusionbench.contracts import MetricSpec

from .constant import NO_STATISTICS

NO_REFERENCE = (
    MetricSpec(
        name="NIQE",
        title="Natural image quality evaluator",
        family="no-reference",
        direction="lower",
        value_range="0…∞",
        minimum_size=96,
        formula=(
            "√((μ − μ_p) pinv((Σ + Σ_p)/2) (μ − μ_p)ᵀ) of the statistics of 96×96 blocks of the fused"
            " image and of pristine images"
        ),
        source="A. Mittal, R. Soundararajan, A. C. Bovik, IEEE SPL 20(3), 2013",
        constant=NO_STATISTICS,
        conventions={
            "utlive": "the released code: flat pixels as rounding leaves them",
            "utlive-corrected": "as utlive, flat pixels (|I − μ| < 10⁻⁸) set to 0",
            "corrected": "as utlive-corrected",
        },
        pitfalls=(
            "Parameters have to be fetched.",
            (
                "With BRISQUE's fit of the same file name in place of NIQE's own (standard "
                "deviations, not scale parameters), the released code gives 2.6 to 7.7 times as much."
            ),
            (
                "Needs at least two whole 96×96 blocks; with few of them the covariance is poor and "
                "the value grows."
            ),
        ),
    ),
    MetricSpec(
        name="BRISQUE",
        title="Blind spatial quality evaluator",
        family="no-reference",
        direction="lower",
        value_range="about 0…100",
        minimum_size=16,
        formula=(
            "Σ c exp(−γ‖x − v‖²) − ρ (support vector regression) of 36 natural-scene statistics x at "
            "two scales, scaled to [−1, 1]"
        ),
        source="A. Mittal, A. K. Moorthy, A. C. Bovik, IEEE TIP 21(12), 2012",
        constant=NO_STATISTICS,
        conventions={
            "utlive": "as released: features and scaled features pass through six-digit text",
            "utlive-corrected": "as utlive, flat pixels (|I − μ| < 10⁻⁸) set to 0",
            "corrected": "as utlive-corrected",
        },
        pitfalls=(
            "Parameters have to be fetched.",
            (
                "Two models go by the name allmodel: the authors' (774 support vectors) belongs to "
                "their allrange; the one that PyPI packages carry (770) has its own ranges. Mixing "
                "them shifts values by up to 22."
            ),
            "Can leave 0…100, below 0 included.",
        ),
        digits=2,
    ),
)
