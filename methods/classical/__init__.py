"""Classical fusion methods, without weights: pixel rules, multi-scale decompositions, edge-preserving
filters, variational fusion.

One module a method, each a pure function on tensors; ``adapter`` turns a function into a ``Method``, ``spec``
describes them all.
"""
