"""The built-in reports as data."""

from fusionbench.contracts.report import ReportSpec

SPECS = [
    ReportSpec(
        name="table",
        title="Tables",
        role="tables",
        summary="Methods × metrics: terminal, CSV (with medians and intervals), Markdown, LaTeX; best marked",
        factory="fusionbench.reports.tables.table:build",
    ),
    ReportSpec(
        name="methods",
        title="Methods",
        summary="Paper, venue, licence, training data, code and weights of every method compared",
        factory="fusionbench.reports.tables.methods:build",
    ),
    ReportSpec(
        name="per-image",
        title="Per-image values",
        summary="Every value of every image as CSV, one column a method",
        factory="fusionbench.reports.tables.per_image:build",
    ),
    ReportSpec(
        name="boxplots",
        title="Box plots",
        summary="How each metric is spread over the images, method by method",
        factory="fusionbench.reports.figures.boxplots:build",
    ),
    ReportSpec(
        name="scatter",
        title="Cost against quality",
        summary="FLOPs, parameters and a quality metric in one plot (the paper's Fig. 9)",
        factory="fusionbench.reports.figures.scatter:build",
    ),
    ReportSpec(
        name="qualitative",
        title="Qualitative grid",
        summary="Scenes × methods with two zoomed insets each (the paper's Figs. 5-8)",
        factory="fusionbench.reports.figures.qualitative:build",
    ),
    ReportSpec(
        name="task-pictures",
        title="Boxes and masks",
        summary=(
            "Detections and segmentations drawn on the fused images, one row a method (the paper's Figs."
            " 12, 13)"
        ),
        factory="fusionbench.reports.figures.task_pictures:build",
    ),
    ReportSpec(
        name="class-ap",
        title="Detection class by class",
        summary="AP of each class, one point a method, with intervals (the paper's Fig. 11)",
        factory="fusionbench.reports.figures.class_ap:build",
    ),
    ReportSpec(
        name="pr-curves",
        title="Precision-recall curves",
        summary="Detection: precision against recall, class by class, one line a method",
        factory="fusionbench.reports.figures.pr_curves:build",
    ),
    ReportSpec(
        name="confusion",
        title="Confusion matrices",
        summary="Segmentation: which share of each true class is called what, one matrix a method",
        factory="fusionbench.reports.figures.confusion:build",
    ),
    ReportSpec(
        name="robustness",
        title="Robustness",
        summary="What each method keeps of its scores under corruptions, and which keeps most, with intervals",
        factory="fusionbench.reports.robustness.tables:build",
    ),
    ReportSpec(
        name="robustness-figures",
        title="Robustness, figures",
        summary="Heat maps method × corruption, curves over severity, pictures of corrupted pairs",
        factory="fusionbench.reports.robustness.figures:build",
    ),
    ReportSpec(
        name="prediction",
        title="Which metric predicts the task?",
        summary="Rank correlation over methods of each quality metric with each task score, with intervals",
        factory="fusionbench.reports.analysis.prediction:build",
    ),
    ReportSpec(
        name="paper",
        title="The SGDFuse paper",
        summary="Tables 1-4 and Figs. 9-13 in the paper's form: our numbers beside the published, and what is missing",
        default=False,
        factory="fusionbench.reports.paper.report:build",
    ),
    ReportSpec(
        name="correlation",
        title="Agreement of metrics",
        summary="Rank correlation between metrics, and between conventions of one metric",
        default=False,
        factory="fusionbench.reports.analysis.correlation:build",
    ),
    ReportSpec(
        name="ranking",
        title="Ranking with critical differences",
        summary="Friedman test and Nemenyi critical-difference diagrams (three methods or more)",
        default=False,
        factory="fusionbench.reports.analysis.ranking:build",
    ),
    ReportSpec(
        name="compare",
        title="Paired comparison",
        role="comparison",
        summary="Every method against the first: paired differences, intervals, Wilcoxon tests, effect sizes",
        default=False,
        factory="fusionbench.reports.analysis.compare:build",
    ),
    ReportSpec(
        name="site",
        title="Static site",
        role="site",
        summary="Leaderboard, image browser, charts and provenance as pages that open from disk",
        default=False,
        factory="fusionbench.reports.site.pages:build",
    ),
]
