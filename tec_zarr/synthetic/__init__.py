"""A landscape that looks like Sentinel-2 L2A through the year: for the demo, docs and tests without
a download.

It must not know codecs or stores.
"""

from tec_zarr.synthetic.observations import series

__all__ = ["series"]
