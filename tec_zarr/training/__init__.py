"""Training of the weights, run as `python -m tec_zarr.training`.

It makes dates and latents with the codec's own code, so that networks train on what they will see.
Nothing in the package imports it, and it must not know stores.
"""
