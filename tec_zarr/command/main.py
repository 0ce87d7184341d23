"""The command `tec-zarr`."""

from __future__ import annotations

import argparse
import pathlib
import sys
from collections.abc import Sequence

from tec_zarr import folders
from tec_zarr.codec.quality import DEFAULT_QUALITY
from tec_zarr.errors import TecError
from tec_zarr.models import registry
from tec_zarr.models.published.checkpoints.catalog import catalog


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="tec-zarr", description="Learned compression of Sentinel-2 cubes in Zarr."
    )
    commands = top.add_subparsers(dest="command", required=True)
    demo = commands.add_parser(
        "demo", help="compress a cube, read it back, show sizes, quality and a picture"
    )
    demo.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="a Zarr store, a NetCDF file, or GeoTIFFs of a date each; none: a synthetic series",
    )
    demo.add_argument(
        "--quality",
        type=float,
        default=DEFAULT_QUALITY,
        help=f"1 (smallest) to 100 (most faithful); default {DEFAULT_QUALITY:g}",
    )
    demo.add_argument(
        "--offset-dn",
        type=int,
        default=0,
        help="-1000 for integer cubes with the offset of baseline 04.00",
    )
    demo.add_argument(
        "--nodata", type=float, default=0, help="value that stands for no data; default 0"
    )
    demo.add_argument(
        "--out",
        type=pathlib.Path,
        default=pathlib.Path("tec_zarr_demo"),
        help="folder for store and picture",
    )
    models = commands.add_parser(
        "models", help="the weights: which there are, and how to get published ones"
    )
    verbs = models.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list", help="all weights, and where they are")
    info = verbs.add_parser("info", help="what is known of some weights")
    info.add_argument("name")
    fetch = verbs.add_parser(
        "fetch", help="download and convert a published checkpoint into the cache folder"
    )
    fetch.add_argument("name")
    fetch.add_argument(
        "--file", type=pathlib.Path, help="a local .pt to convert instead of downloading"
    )
    for verb, what in (
        ("keep", "write the weights of an array into its store"),
        ("install", "take them from there"),
    ):
        stored = verbs.add_parser(verb, help=what)
        stored.add_argument("store", help="a Zarr store")
        stored.add_argument("--name", default="B", help="of the array; default B")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; errors of tec_zarr become one line and exit status 1."""
    args = parser().parse_args(argv)
    try:
        {"demo": _demo, "models": _models}[args.command](args)
    except TecError as error:
        print(f"tec-zarr: {error}", file=sys.stderr)
        return 1
    return 0


def _demo(args: argparse.Namespace) -> None:
    from tec_zarr.command.demo import run
    from tec_zarr.cubes.convert import to_cube
    from tec_zarr.cubes.files import open_cube
    from tec_zarr.synthetic import series

    cube = open_cube(args.paths) if args.paths else to_cube(series())
    name = (
        ", ".join(args.paths)
        if args.paths
        else "a synthetic Sentinel-2-like series (not real imagery)"
    )
    print(f"cube         {name}: {dict(cube['B'].sizes)} {cube['B'].dtype}")
    print(run(cube, args.out, args.quality, args.offset_dn, args.nodata))


def _models(args: argparse.Namespace) -> None:
    if args.verb == "list":
        for name in (*registry.entries(), *catalog()):
            print(f"{name:24} {_where(registry.find(name))}")
        print(f"cache folder: {folders.cache_folder()}")
    elif args.verb == "info":
        print(_about(registry.find(args.name)))
    elif args.verb == "fetch":
        from tec_zarr.models.published.checkpoints.fetch import fetch

        print(_about(fetch(args.name, args.file)))
    elif args.verb == "keep":
        from tec_zarr.stores.weights import keep_weights

        print(keep_weights(args.store, args.name))
    else:
        from tec_zarr.stores.weights import install_weights

        print(install_weights(args.store, args.name).path)


def _where(entry: registry.Entry) -> str:
    if entry.path is None:
        return "not on this machine"
    how = "shipped" if entry.published is None else "fetched"
    return f"{how}, {entry.path.stat().st_size / 1e6:.1f} MB"


def _about(entry: registry.Entry) -> str:
    """What is known of weights, a line each."""
    lines = [f"name     {entry.name}", f"weights  {_where(entry)}"]
    if entry.path is not None:
        lines += [f"file     {entry.path}", f"SHA-256  {entry.sha256}"]
    if source := entry.published:
        lines += [f"source   {source.file} of {source.repository} on Hugging Face"]
    lines += [f"bands    {'any' if entry.bands is None else ' '.join(entry.bands)}"]
    if entry.name == registry.INPAINTING:
        lines += ["role     inpainting"]
    else:
        lines += [f"quality  {'1 to 100' if source is None else 'one'}"]
    lines += ["tokens   1 to 16"] if entry.drops_tokens else []
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
