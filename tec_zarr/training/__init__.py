"""Training of the weights. It is run as `python -m tec_zarr.training`; nothing in the package imports it."""
