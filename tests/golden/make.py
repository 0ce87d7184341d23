"""Write the golden files anew: `python tests/golden/make.py`. Only before the first release of a
format version."""

import pathlib

import numpy as np

from tec_zarr import TerraCodec
from tec_zarr.codec.partial import Layout, write_part
from tec_zarr.codec.settings import Settings
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
        "v3-uint16-nodata": (gaps, {"quality": 45}),
        "v3-uint16-native-grid": (coarse, {"quality": 60}),
        "v3-uint16-key-dates-and-groups": (
            gaps,
            {"quality": 40, "key_interval": 2, "groups": (11, 11, 5)},
        ),
        "v3-uint16-no-network": (gaps, {"quality": 50, "context": "none"}),
        "v3-uint16-finest": (gaps, {"quality": 100}),
        "v3-uint16-bound": (gaps, {"max_error": 60}),
        "v3-uint16-lossless": (gaps[:1], {"max_error": 0}),
        "v3-int16-near-lossless": (signed[:1], {"max_error": 3, "nodata": -9999}),
        "v3-float32-bounds-by-band": (
            four,
            {"quality": 40, "max_error": {"B04": 0.003, "B08": 0.01}, **small},
        ),
        "v3-float64-lossless": (four[:1].astype(np.float64), {"max_error": 0}),
        "v3-big-endian-single-date": (gaps[:1].astype(">u2"), {"quality": 55}),
    }


def grown(array: np.ndarray) -> bytes:
    """A chunk of five dates of which one was written again, and one never."""
    layout = Layout((5, *array.shape[1:]), array.dtype, 0)
    data = None
    for time, date in ((0, 0), (1, 1), (3, 2), (1, 2)):
        part = (slice(time, time + 1), *(slice(0, n) for n in array.shape[1:]))
        values = array[date : date + 1]
        data = write_part(data, values, part, layout, Settings(quality=45), "cpu")
    return data


def main() -> None:
    for name, (array, settings) in arrays().items():
        codec = TerraCodec(**settings)
        data = codec.encode(np.ascontiguousarray(array))
        (HERE / f"{name}.tecz").write_bytes(data)
        np.save(HERE / f"{name}.npy", codec.decode(data))
        print(f"{name}: {len(data)} bytes")
    name = "v3-uint16-written-in-parts"
    data = grown(arrays()["v3-uint16-nodata"][0])
    (HERE / f"{name}.tecz").write_bytes(data)
    np.save(HERE / f"{name}.npy", TerraCodec().decode(data))
    print(f"{name}: {len(data)} bytes")


if __name__ == "__main__":
    main()
