"""Reports that compare: ranks, correlations, agreement, prediction of tasks."""
