"""Reports that draw."""
