"""Stored rows as tables of scores per method, and their labels."""
