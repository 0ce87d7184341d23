"""DN of one date to integers at its 16 x 16 lapped frequencies, and back.

Here are the lapped transform, bases over bands, steps, and the side information that both sides
share. Nothing is learned but small tables of statistics; arrays and bytes come in and go out.
It must not know networks, chunks or files, and needs numpy and numba only.
"""
