"""Cubes to Zarr stores, and what is in a store: write, append, estimate, describe, compare.

It must not know what is inside of a chunk beyond its header.
"""
