"""What users would pick instead: modules with pairs of functions over a cube.

`encode_<what>(cube, setting) -> bytes` and `decode_<what>(bytes) -> cube`. A cube is (time,
band, y, x) of uint16 DN without gaps; the bytes are all that decoding needs.
"""
