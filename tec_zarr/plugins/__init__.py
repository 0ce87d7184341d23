"""Thin adapters of the codec for numcodecs and zarr.

They check that an array fits before anything is written, and hand chunks to `codec`.
They must not know cubes; importing them loads neither torch nor numba.
"""
