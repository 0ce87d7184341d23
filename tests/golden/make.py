"""Write the golden files anew: `python tests/golden/make.py`. Only before the first release of a
format version."""

import pathlib

import numpy as np

from tec_zarr import TerraCodec
from tec_zarr.synthetic import series

HERE = pathlib.Path(__file__).parent


def arrays() -> dict[str, tuple[np.ndarray, dict]]:
    """Each golden file's array, with some samples that are not valid, and the settings that it
    is coded with."""
    dn = series(3, (48, 56), seed=5).values
    gaps = dn.copy()
    gaps[:, :, 5:9, 7:30] = 0
    signed = gaps.astype(np.int16)
    signed[signed == 0] = -9999
    reflectance = (gaps * 1e-4).astype(np.float32)
    reflectance[gaps == 0] = np.nan
    coarse = gaps.copy()
    coarse[:, 4:7] = gaps[:, 4:7, ::2, ::2].repeat(2, 2).repeat(2, 3)
    small = {"bands": ("B02", "B03", "B04", "B08")}
    four = np.ascontiguousarray(reflectance[:, [1, 2, 3, 7]])
    return {
        "v2-uint16-nodata": (gaps, {"quality": 45}),
        "v2-uint16-native-grid": (coarse, {"quality": 60}),
        "v2-uint16-key-dates-and-groups": (
            gaps,
            {"quality": 40, "key_interval": 2, "groups": (11, 11, 5)},
        ),
        "v2-uint16-no-network": (gaps, {"quality": 50, "context": "none"}),
        "v2-uint16-finest": (gaps, {"quality": 100}),
        "v2-uint16-bound": (gaps, {"max_error": 60}),
        "v2-uint16-lossless": (gaps[:1], {"max_error": 0}),
        "v2-int16-near-lossless": (signed[:1], {"max_error": 3, "nodata": -9999}),
        "v2-float32-bounds-by-band": (
            four,
            {"quality": 40, "max_error": {"B04": 0.003, "B08": 0.01}, **small},
        ),
        "v2-float64-lossless": (four[:1].astype(np.float64), {"max_error": 0}),
        "v2-big-endian-single-date": (gaps[:1].astype(">u2"), {"quality": 55}),
    }


def main() -> None:
    for name, (array, settings) in arrays().items():
        codec = TerraCodec(**settings)
        data = codec.encode(np.ascontiguousarray(array))
        (HERE / f"{name}.tecz").write_bytes(data)
        np.save(HERE / f"{name}.npy", codec.decode(data))
        print(f"{name}: {len(data)} bytes")


if __name__ == "__main__":
    main()
