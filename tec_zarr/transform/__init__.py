"""DN of one date <-> integers at its 16 x 16 lapped frequencies, and the side information that both sides share.

Lapped transform, bases over bands, step, dead zone. Nothing here is learned beyond small tables of statistics,
and nothing here knows of networks, chunks or files: it takes arrays and bytes, and needs numpy and numba only.
"""
