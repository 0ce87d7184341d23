"""The command `tec-zarr`.

It must not decide anything that Python users cannot: it calls what `ds.tec` calls.
"""
