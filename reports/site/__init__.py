"""The static site: stored rows and images become a folder of pages that opens from disk.

Nothing is computed in the reader's browser but order, filters and pictures.
"""
