"""What a cube is: dims, bands, units, nodata, grid and times, from any source, by name.

It must not know how a cube is coded or stored.
"""
