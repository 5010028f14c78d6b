"""The SGDFuse paper's tables and figures from our rows, in the paper's own form, beside the published numbers."""
