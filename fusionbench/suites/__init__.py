"""Suites: named sets of runs into one folder, as YAML files beside this one or a user's own (``suite`` reads them,
``running`` runs them)."""
