"""Models small enough for unit tests, the same ones in every process.

Nothing in the package imports it, and it must not know how models are trained.
"""
