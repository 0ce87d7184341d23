"""Models small enough for unit tests. Nothing in the package imports it."""
