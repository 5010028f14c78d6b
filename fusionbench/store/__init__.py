"""The run folder: units, rows, journal, provenance."""
