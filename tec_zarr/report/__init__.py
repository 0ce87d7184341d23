"""A cube before and after as one HTML page: maps, errors, figures, spectra and series.

It must not measure anything itself: figures come from `stores`. It must not load a large cube
whole, and pages must not need a network.
"""
