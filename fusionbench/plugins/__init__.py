"""Plugins by name (entry points), from a user's file, and new ones written from a template."""
