"""The metrics, conventions and parameter files as data; imports nothing heavy."""
