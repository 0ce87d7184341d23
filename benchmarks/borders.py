"""Errors beside masks against those of the same samples where nothing is masked.

    python benchmarks/borders.py --data FOLDER [--names NAME …]

Up to two dates and 256 pixels of each file, masked by a swath edge, clouds, specks and a
checkerboard. Shown for each file and quality is the greatest ratio of RMSE over the masks,
within 1, 4 and 8 pixels of them; 1 is no ringing.
"""

from __future__ import annotations

import pathlib

import locations
import machine
import numpy as np
import options
from scipy.ndimage import distance_transform_edt, gaussian_filter

QUALITIES = (30, 75, 100)
WIDTHS = (1.5, 4.5, 8.5)
MASKED = 0.3
BLOBS = {"clouds": 10.0, "specks": 2.5}


def masks(shape: tuple[int, ...], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Masks (time, y, x) by name, of a cube's shape."""
    times, _, height, width = shape
    y, x = np.mgrid[:height, :width]
    noise = {
        name: gaussian_filter(rng.normal(size=(times, height, width)), (0, s, s))
        for name, s in BLOBS.items()
    }
    blobs = {
        n: v > np.quantile(v, 1 - MASKED, axis=(1, 2), keepdims=True) for n, v in noise.items()
    }
    edges = [
        x < rng.uniform(0.3, 0.7) * width - rng.uniform(0.1, 0.5) * (y - height / 2)
        for _ in range(times)
    ]
    board = np.broadcast_to((y // 48 + x // 48) % 3 == 0, (times, height, width))
    return {"swath edge": np.stack(edges), **blobs, "checkerboard": board}


def ratios(
    location: locations.Location, quality: float, rng: np.random.Generator
) -> dict[str, list[float]]:
    """By mask, the ratio of RMSE within each of `WIDTHS`."""
    from tec_zarr.codec.chunk import decode_chunk, encode_chunk
    from tec_zarr.codec.settings import Settings

    settings = Settings(quality=quality, bands=location.bands, offset_dn=location.offset_dn)

    def squared(cube: np.ndarray) -> np.ndarray:
        return (
            (decode_chunk(encode_chunk(cube, settings)) - location.cube.astype(np.float64)) ** 2
        ).swapaxes(0, 1)

    plain, found = squared(location.cube), {}
    for name, mask in masks(location.cube.shape, rng).items():
        masked = squared(np.where(mask[:, None], 0, location.cube).astype(location.cube.dtype))
        distance = np.stack([distance_transform_edt(~m) for m in mask])
        near = [(distance > 0) & (distance <= width) for width in WIDTHS]
        found[name] = [float(np.sqrt(masked[:, n].mean() / plain[:, n].mean())) for n in near]
    return found


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument(
        "--data", type=pathlib.Path, required=True, help="folder of *.zip corpus files"
    )
    parser.add_argument("--names", nargs="*", help="only these locations")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    machine.limit_threads(args.threads)
    cut = locations.Cut(256, 2)
    for path in locations.usable(locations.find(args.data, args.names), cut):
        for quality in QUALITIES:
            found = ratios(locations.load(path, cut), quality, np.random.default_rng(0))
            worst = np.max(list(found.values()), axis=0)
            print(f"{path.stem} at quality {quality}:", " ".join(f"{w:.3f}" for w in worst))


if __name__ == "__main__":
    main()
