"""Which coder is meant: the registry of weights, their files and hashes.

This is the one door to weights. `published` holds the paper's own models.
It must not know chunks or stores.
"""
