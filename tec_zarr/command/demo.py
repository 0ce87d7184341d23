"""`tec-zarr demo`: the main job on one cube, with its result as figures and a picture."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import time
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.codec import metrics
from tec_zarr.codec.quality import DEFAULT_QUALITY
from tec_zarr.command import arguments
from tec_zarr.command.output import show
from tec_zarr.cubes.terms import NAME
from tec_zarr.cubes.units import units_of
from tec_zarr.errors import InvalidInputError

REFLECTANCE_SHOWN = 0.3
"""Reflectance that the picture shows as white."""

SYNTHETIC = "a synthetic Sentinel-2-like series (not real imagery)"

EXAMPLES = """\
  tec-zarr demo
  tec-zarr demo cube.nc --quality 50 --out result
"""


def add(commands: Any) -> None:
    parser = arguments.add_command(
        commands,
        "demo",
        "compress a cube, read it back, show sizes, quality and a picture",
        EXAMPLES,
    )
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help=f"{arguments.CUBE}; none: a synthetic series"
    )
    parser.add_argument(
        "--quality",
        type=float,
        default=DEFAULT_QUALITY,
        help=f"1 (smallest) to 100 (most faithful); default {DEFAULT_QUALITY:g}",
    )
    parser.add_argument(
        "--offset-dn",
        type=int,
        default=0,
        help="-1000 for integer cubes with the offset of baseline 04.00",
    )
    parser.add_argument(
        "--nodata", type=float, default=0, help="value that stands for no data; default 0"
    )
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        default=pathlib.Path("tec_zarr_demo"),
        help="folder for store and picture",
    )
    arguments.add_output(parser, has_progress=False)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    from tec_zarr.cubes.convert import to_cube
    from tec_zarr.cubes.files import open_cube
    from tec_zarr.synthetic import series

    name = ", ".join(args.paths) if args.paths else SYNTHETIC
    with open_cube(args.paths) if args.paths else to_cube(series()) as cube:
        result = demonstrate(cube, args.out, args.quality, args.offset_dn, args.nodata)
    first = f"cube         {name}: {dict(cube['B'].sizes)} {cube['B'].dtype}"
    show(args, {"cube": name, **dataclasses.asdict(result)}, f"{first}\n{result}")


@dataclasses.dataclass(frozen=True)
class Result:
    """What the demo found: sizes in bytes, quality in dB and in the cube's units, seconds."""

    raw_bytes: int
    lossless_bytes: int
    bytes: int
    psnr: float
    rmse: float
    bppb: float
    encode_s: float
    decode_s: float
    store: pathlib.Path
    picture: pathlib.Path

    def _ratio(self, size: int) -> str:
        return f"{self.raw_bytes / size:6.1f} x smaller"

    def __str__(self) -> str:
        return "\n".join([
            f"raw          {self.raw_bytes:>12,} bytes",
            f"lossless     {self.lossless_bytes:>12,} bytes   {self._ratio(self.lossless_bytes)}  "
            " (Blosc zstd)",
            f"tec_zarr     {self.bytes:>12,} bytes   {self._ratio(self.bytes)}   {self.bppb:.4f} "
            "bits a sample",
            f"PSNR         {self.psnr:12.2f} dB      RMSE {self.rmse:.4g}",
            f"time         encode {self.encode_s:.1f} s, decode {self.decode_s:.1f} s (with "
            "start-up)",
            f"store        {self.store}",
            f"picture      {self.picture}",
        ])  # fmt: skip


def demonstrate(
    cube: xr.Dataset, out: pathlib.Path, quality: float, offset_dn: int, nodata: float
) -> Result:
    """Write what `to_cube` gave to `out/cube.zarr`, read it back, compare; a picture goes to
    `out/picture.png`.

    Raises InvalidInputError where the cube cannot be encoded, or where `out/cube.zarr` exists.
    """
    from numcodecs import Blosc

    store = out / "cube.zarr"
    picture = out / "picture.png"
    if store.exists():
        raise InvalidInputError(f"{store} exists: remove it, or choose another folder with --out")
    out.mkdir(parents=True, exist_ok=True)
    scale = units_of(cube, offset_dn, None, nodata).get("scale", 1.0)
    began = time.perf_counter()
    cube.tec.to_zarr(store, quality=quality, offset_dn=offset_dn, nodata=nodata, progress=False)
    written = time.perf_counter()
    decoded = xr.open_zarr(store, consolidated=False, mask_and_scale=False)[NAME].values
    read = time.perf_counter()

    original = cube[NAME].values
    bands = [str(b) for b in cube["band"].values]
    size = sum(f.stat().st_size for f in (store / NAME).rglob("*") if f.is_file())
    valid = metrics.measured(original, nodata)
    draw(original, decoded, bands, offset_dn, scale, picture)
    return Result(
        raw_bytes=original.nbytes,
        lossless_bytes=len(Blosc("zstd", clevel=5).encode(np.ascontiguousarray(original))),
        bytes=size,
        psnr=metrics.psnr(original, decoded, valid, scale),
        rmse=metrics.rmse(original, decoded, valid),
        bppb=metrics.bppb(size, original.size),
        encode_s=written - began,
        decode_s=read - written,
        store=store,
        picture=picture,
    )


def draw(
    original: np.ndarray,
    decoded: np.ndarray,
    bands: list[str],
    offset_dn: int,
    scale: float,
    path: pathlib.Path,
) -> None:
    """True color of each date: original, decoded, and the error of the red, green and blue bands
    ten times over."""
    from matplotlib.figure import Figure

    rgb = [bands.index(b) for b in ("B04", "B03", "B02") if b in bands]
    rgb = rgb if len(rgb) == 3 else [0, 0, 0]
    offset = offset_dn if original.dtype.kind != "f" else 0
    shown = min(4, len(original))
    figure = Figure(figsize=(3 * shown, 9), layout="constrained")
    axes = figure.subplots(3, shown, squeeze=False)
    for t, column in enumerate(axes.T):
        before, after = (
            (np.moveaxis(a[t, rgb].astype(np.float64), 0, -1) + offset) / scale / metrics.PEAK_DN
            for a in (original, decoded)
        )
        rows = {
            "original": before / REFLECTANCE_SHOWN,
            "decoded": after / REFLECTANCE_SHOWN,
            "error x 10": 0.5 + 10 * (after - before) / REFLECTANCE_SHOWN,
        }
        for axis, (name, image) in zip(column, rows.items(), strict=True):
            axis.imshow(np.clip(np.nan_to_num(image), 0, 1))
            axis.set_title(f"{name}, date {t}", fontsize=9)
            axis.set_axis_off()
    figure.savefig(path, dpi=110)
