"""The array of one chunk to bytes, and back.

Here are settings, units and nodata of samples, the search for targets, and bounds
on the error with the residual behind them.
It must not know Zarr, xarray or files.
"""
